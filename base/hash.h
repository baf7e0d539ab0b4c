// XXH3-64: tells damage and finds duplicates.  Not against an adversary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

[[nodiscard]] std::uint64_t hash64(std::string_view bytes);

// For Boost's hash tables of text.
struct TextHash {
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};

// The same over pieces: hash of their concatenation.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  void reset();
  void add(std::string_view bytes);
  [[nodiscard]] std::uint64_t value() const;

 private:
  void* state_;
};

}  // namespace smtptape
