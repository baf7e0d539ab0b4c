// JSON text as serde_json writes it: finding the next byte that is not simply itself, sixteen bytes
// at a time, and what its escapes mean.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace smtptape {

// Quote, backslash and control characters: what JSON escapes.
[[nodiscard]] inline bool needs_json_escape(unsigned char byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}

#ifdef __SSE2__
// A mask with bit i set where byte i of the block needs an escape.
[[nodiscard]] inline unsigned json_escape_mask(__m128i block) {
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  // min(byte, 0x1f) == byte, unsigned: a control character.
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  const __m128i any = _mm_or_si128(_mm_or_si128(quote, backslash), control);
  return static_cast<unsigned>(_mm_movemask_epi8(any));
}
#endif

// The first byte in [from, end) that JSON escapes, or end.
[[nodiscard]] inline const char* find_json_escape(const char* from, const char* end) {
#ifdef __SSE2__
  while (end - from >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const unsigned mask = json_escape_mask(block);
    if (mask != 0) return from + std::countr_zero(mask);
    from += 16;
  }
#endif
  while (from != end && !needs_json_escape(static_cast<unsigned char>(*from)))
    ++from;
  return from;
}

// The character that a two-byte escape of serde_json's stands for; 0 when it is none.
[[nodiscard]] inline char short_escape_meaning(char name) {
  switch (name) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'f': return '\f';
    case '"': return '"';
    case '\\': return '\\';
    default: return 0;
  }
}

// The control character of "\u00xx" (`hex` = the four digits) as serde_json writes it: lower case,
// and only where no two-byte escape exists; -1 otherwise.
[[nodiscard]] inline int long_escape_meaning(const char* hex) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex[0] != '0' || hex[1] != '0' || (hex[2] != '0' && hex[2] != '1')) return -1;
  const int low = digit(hex[3]);
  if (low < 0) return -1;
  const int code = digit(hex[2]) * 16 + low;
  constexpr std::string_view kShort = "\n\r\t\b\f";
  return kShort.find(static_cast<char>(code)) == std::string_view::npos ? code : -1;
}

}  // namespace smtptape
