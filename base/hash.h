// XXH3: tells damage and finds duplicates.  Not against an adversary, who finds two texts with the
// same hash in a quarter of an hour; KeyedHash is for what an adversary may have written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace smtptape {

[[nodiscard]] std::uint64_t hash64(std::string_view bytes);

// With a key that nobody outside this process knows, so that texts that meet can't be made.  Its
// values mean nothing to another one, nor to another process: they are not for files.
class KeyedHash {
 public:
  // A random key.  Throws Error when the system gives none.
  KeyedHash();
  [[nodiscard]] std::uint64_t operator()(std::string_view bytes) const;

 private:
  std::uint64_t seed_ = 0;
  std::array<char, 192> secret_{};  // made of the seed, for long texts
};

// For Boost's hash tables of text.
struct TextHash {
  using is_avalanching = void;
  std::size_t operator()(std::string_view text) const { return hash64(text); }
};

// Stands for a text where there are millions of them: of no two of those it is the same.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};
[[nodiscard]] Hash128 hash128(std::string_view bytes);
struct SpreadHash128 {
  using is_avalanching = void;
  std::size_t operator()(const Hash128& of) const { return of.low; }
};

// hash64() over pieces: of their concatenation.
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
