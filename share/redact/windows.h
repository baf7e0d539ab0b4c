// The first bytes of what is looked for: nearly all places of a text are passed over for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace smtptape {

// As many bytes as a window has; it begins with the lowest byte.
inline constexpr std::size_t kWindowBytes = 6;
inline constexpr std::uint64_t kWindowMask = (std::uint64_t{1} << (8 * kWindowBytes)) - 1;

// `text` goes on for 8 bytes at least, whatever they are.
[[nodiscard]] inline std::uint64_t window_at(const char* text) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text, sizeof(bytes));
  return bytes & kWindowMask;
}

// Each of eight bytes in lower case where it is ASCII.
[[nodiscard]] constexpr std::uint64_t folded_bytes(std::uint64_t bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x80 * kEach;
  const std::uint64_t low = bytes & ~kHigh;
  const std::uint64_t from_a = low + (0x80 - 'A') * kEach;
  const std::uint64_t behind_z = low + (0x7f - 'Z') * kEach;
  return bytes | ((from_a & ~behind_z & ~bytes & kHigh) >> 2U);
}

// Which windows there are: two bits in one word for each.  Of others one in a hundred seems to be
// there.
class Windows {
 public:
  void reset(std::size_t count) {
    unsigned log = 8;
    while ((std::size_t{1} << log) * kPerWord < count)
      ++log;
    shift_ = 64 - log;
    words_.assign(std::size_t{1} << log, 0);
  }
  void add(std::uint64_t window) {
    const std::uint64_t mixed = mix(window);
    words_[mixed >> shift_] |= bits_of(mixed);
  }
  [[nodiscard]] bool may_have(std::uint64_t window) const {
    const std::uint64_t mixed = mix(window);
    const std::uint64_t bits = bits_of(mixed);
    return (words_[mixed >> shift_] & bits) == bits;
  }

 private:
  static constexpr std::size_t kPerWord = 4;
  static std::uint64_t mix(std::uint64_t window) {
    const std::uint64_t product = window * 0x9e3779b97f4a7c15U;
    return product ^ product >> 32U;
  }
  static std::uint64_t bits_of(std::uint64_t mixed) {
    return std::uint64_t{1} << (mixed & 63U) | std::uint64_t{1} << (mixed >> 6U & 63U);
  }

  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(1);
  unsigned shift_ = 63;
};

}  // namespace smtptape
