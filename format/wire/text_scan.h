// Text sixteen bytes at a time: copying it while looking for what is not simply itself.  And what
// the escapes of JSON mean, as serde_json writes them.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace smtptape {

// Quote, backslash and control characters: what JSON escapes.
[[nodiscard]] constexpr bool needs_json_escape(unsigned char byte) {
  return byte < 0x20 || byte == '"' || byte == '\\';
}

inline constexpr std::size_t kTextBlock = 16;

// A mask with bit i set where a scan finds byte i of a block; for processors without the
// instructions below.
template <class Scan>
[[nodiscard]] unsigned portable_mask(const char* block) {
  unsigned mask = 0;
  for (unsigned i = 0; i < kTextBlock; ++i)
    mask |= (Scan::finds(static_cast<unsigned char>(block[i])) ? 1U : 0U) << i;
  return mask;
}

struct JsonScan {
  static constexpr bool finds(unsigned char byte) { return needs_json_escape(byte); }
  static unsigned mask(const char* bytes) {
#ifdef __SSE2__
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    // min(byte, 0x1f) == byte, unsigned: a control character.
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    const __m128i any = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    return static_cast<unsigned>(_mm_movemask_epi8(any));
#else
    return portable_mask<JsonScan>(bytes);
#endif
  }
};

// All but visible ASCII without quotes and backslash.
struct PlainScan {
  static constexpr bool finds(unsigned char byte) {
    return byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\'' || byte == '\\';
  }
  static unsigned mask(const char* bytes) {
#ifdef __SSE2__
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    // One more and seen as signed, DEL and the bytes from 0x80 on lie below the space too.
    const __m128i next = _mm_add_epi8(block, _mm_set1_epi8(1));
    const __m128i outside = _mm_cmplt_epi8(next, _mm_set1_epi8(0x21));
    const __m128i quotes = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                        _mm_cmpeq_epi8(block, _mm_set1_epi8('\'')));
    const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    const __m128i any = _mm_or_si128(_mm_or_si128(outside, quotes), backslash);
    return static_cast<unsigned>(_mm_movemask_epi8(any));
#else
    return portable_mask<PlainScan>(bytes);
#endif
  }
};

// Copies what lies before the first byte that the scan finds, and returns how much that is.  Up to
// a block more may be written to `to`.
template <class Scan>
[[nodiscard]] [[gnu::always_inline]] inline std::size_t copy_unfound(char* to,
                                                                     const char* from,
                                                                     std::size_t size) {
  std::size_t at = 0;
  // Branches that are foretold well: where the next block lies must not depend on this one's bits.
  for (; at + kTextBlock <= size; at += kTextBlock) {
    std::memcpy(to + at, from + at, kTextBlock);
    const unsigned mask = Scan::mask(from + at);
    if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(mask));
  }
  // The rest as the end of a whole block, of which the beginning was seen before.
  if (at > 0 && at < size) {
    const std::size_t last = size - kTextBlock;
    std::memcpy(to + last, from + last, kTextBlock);
    const unsigned mask = Scan::mask(from + last) | 1U << kTextBlock;
    return last + static_cast<std::size_t>(std::countr_zero(mask));
  }
  for (; at < size && !Scan::finds(static_cast<unsigned char>(from[at])); ++at)
    to[at] = from[at];
  return at;
}

// The first byte in [from, end) that JSON escapes, or end.
[[nodiscard]] inline const char* find_json_escape(const char* from, const char* end) {
  while (end - from >= static_cast<std::ptrdiff_t>(kTextBlock)) {
    const unsigned mask = JsonScan::mask(from);
    if (mask != 0) return from + std::countr_zero(mask);
    from += kTextBlock;
  }
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
