// XXH3-64: tells damage and finds duplicates.  Not against an adversary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

[[nodiscard]] std::uint64_t hash64(std::string_view bytes);

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
