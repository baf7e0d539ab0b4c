#include "format/wire/utf8.h"

#include <cstdint>
#include <cstring>

#include "format/wire/json.h"

namespace smtptape {

namespace {

constexpr bool continues(unsigned char byte) {
  return (byte & 0xC0U) == 0x80;
}

// The length of the character at `at`, which is not ASCII; 0 when it is none.
std::size_t size_of_character(const unsigned char* at, std::size_t left) {
  const unsigned char first = at[0];
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (left < size || !continues(at[1])) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!continues(at[i])) return 0;
  }
  const unsigned char second = at[1];
  switch (first) {
    case 0xE0: return second >= 0xA0 ? size : 0;  // not in two bytes what fits in them
    case 0xED: return second < 0xA0 ? size : 0;   // no surrogates
    case 0xF0: return second >= 0x90 ? size : 0;
    case 0xF4: return second < 0x90 ? size : 0;  // nothing above U+10FFFF
    default: return size;
  }
}

bool is_ascii(const unsigned char* block) {
  std::uint64_t words[2];
  std::memcpy(words, block, sizeof words);
  return ((words[0] | words[1]) & 0x8080'8080'8080'8080U) == 0;
}

}  // namespace

bool is_utf8_portably(std::string_view bytes) {
  constexpr std::size_t kBlock = 16;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  for (std::size_t left = bytes.size(); left > 0;) {
    std::size_t size = 1;
    if (left >= kBlock && is_ascii(at)) {
      size = kBlock;
    } else if (*at >= 0x80) {
      size = size_of_character(at, left);
      if (size == 0) return false;
    }
    at += size;
    left -= size;
  }
  return true;
}

bool is_utf8(std::string_view bytes) {
#ifdef __x86_64__
  // Short text is not worth the way there.
  constexpr std::size_t kShort = 64;
  static const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
  if (bytes.size() > kShort && kHasAvx2) return is_utf8_with_avx2(bytes);
#endif
  return is_utf8_portably(bytes);
}

}  // namespace smtptape
