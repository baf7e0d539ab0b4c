// Long runs of digits of a text, and what bytes they may stand for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "share/redact/windows.h"
#include "smtp/spellings.h"

namespace smtptape {

// A way to read a run: with which digits, and how many bits stand before the first whole byte.
struct DigitWay {
  Digits digits;
  unsigned skip;
};
inline constexpr std::array kDigitWays{DigitWay{Digits::Base64, 0},
                                       DigitWay{Digits::Base64, 2},
                                       DigitWay{Digits::Base64, 4},
                                       DigitWay{Digits::Base64, 6},
                                       DigitWay{Digits::Hex, 0},
                                       DigitWay{Digits::Hex, 4}};
// A bit for each of these.
using DigitWaySet = std::uint32_t;

// By which ways the text has the beginning of something: what stands between the digits of a run
// may be decoded, too, since it changes where that ends, not whether it begins.  `known` is asked
// for what `windows` may have.
template <class IsKnown>
[[nodiscard]] DigitWaySet digit_ways(std::string_view text,
                                     const Windows& windows,
                                     const IsKnown& known);

// ---- how ----

namespace digit_runs {

// Of each character: its value, and what it may be.
inline constexpr std::uint8_t kBase64 = 1;
inline constexpr std::uint8_t kHex = 2;
inline constexpr std::uint8_t kLineEnd = 4;  // lines may end within a run
struct Class {
  std::uint8_t is = 0;
  std::uint8_t base64 = 0;
  std::uint8_t hex = 0;
};
constexpr std::array<Class, 256> make_classes() {
  std::array<Class, 256> classes{};
  const auto at = [&classes](char c) -> Class& { return classes[static_cast<unsigned char>(c)]; };
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    at(kDigits[i]) = {kBase64, static_cast<std::uint8_t>(i), 0};
  at('-') = at('+');
  at('_') = at('/');
  constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";
  for (std::size_t i = 0; i < kHexDigits.size(); ++i) {
    at(kHexDigits[i]).is |= kHex;
    at(kHexDigits[i]).hex = static_cast<std::uint8_t>(i < 16 ? i : i - 6);
  }
  at('\r').is = at('\n').is = kLineEnd;
  return classes;
}
inline constexpr std::array<Class, 256> kClasses = make_classes();
inline const Class& class_of(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}

inline constexpr unsigned kWindowBits = 8 * kWindowBytes;

// What the last bits say, the first of them first, as a text has it.
inline std::uint64_t window_of(std::uint64_t bits) {
  return folded_bytes(__builtin_bswap64(bits << (64 - kWindowBits)));
}

template <class IsKnown>
class Run {
 public:
  Run(const Windows& windows, const IsKnown& known) : windows_(windows), known_(known) {}

  DigitWaySet ways_of(std::string_view run) {
    DigitWaySet ways = 0;
    std::uint64_t bits = 0;
    std::uint64_t hex_bits = 0;
    std::size_t count = 0;      // of bits
    std::size_t hex_count = 0;  // of bits since something else
    for (const char c : run) {
      const Class& one = class_of(c);
      if ((one.is & kBase64) == 0) continue;
      bits = bits << 6U | one.base64;
      count += 6;
      // Windows that end within this digit.
      for (unsigned behind = 0; behind <= 4; behind += 2) {
        if (count < kWindowBits + behind || !has(bits >> behind)) continue;
        ways |= 1U << ((count - behind - kWindowBits) % 8 / 2);
      }
      hex_count = (one.is & kHex) != 0 ? hex_count + 4 : 0;
      hex_bits = hex_bits << 4U | one.hex;
      if (hex_count >= kWindowBits && has(hex_bits))
        ways |= 1U << (4 + (hex_count - kWindowBits) % 8 / 4);
    }
    return ways;
  }

 private:
  [[nodiscard]] bool has(std::uint64_t bits) const {
    const std::uint64_t window = window_of(bits);
    return windows_.may_have(window) && known_(window);
  }

  const Windows& windows_;
  const IsKnown& known_;
};

}  // namespace digit_runs

template <class IsKnown>
DigitWaySet digit_ways(std::string_view text, const Windows& windows, const IsKnown& known) {
  using digit_runs::class_of;
  constexpr std::size_t kShortest = 8;  // digits that a window takes
  DigitWaySet ways = 0;
  std::size_t behind = 0;  // of the last run
  // Whatever is that long has one of each so many characters.
  for (std::size_t at = kShortest - 1; at < text.size();) {
    if (class_of(text[at]).is == 0) {
      at += kShortest;
      continue;
    }
    std::size_t from = at;
    while (from > behind && class_of(text[from - 1]).is != 0)
      --from;
    std::size_t to = at + 1;
    while (to < text.size() && class_of(text[to]).is != 0)
      ++to;
    if (to - from >= kShortest)
      ways |= digit_runs::Run(windows, known).ways_of(text.substr(from, to - from));
    behind = to;
    at = to + kShortest;
  }
  return ways;
}

}  // namespace smtptape
