#include "replay/kcli_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <limits>
#include <span>

namespace smtptape {
namespace {

// --- deltas ---

struct Scaled {
  std::uint64_t whole;
  std::uint32_t rest;
  std::uint32_t unit;  // what `rest` is a part of
  std::string_view name;
  std::size_t name_width;  // in characters
};

// The unit is chosen before rounding and stays: 999.5 µs is "1000µs".
Scaled scale(Elapsed delta) {
  if (delta.seconds > 0) return {delta.seconds, delta.nanos, kNanosPerSecond, "s", 1};
  const std::uint32_t nanos = delta.nanos;
  if (nanos >= 1'000'000) return {nanos / 1'000'000, nanos % 1'000'000, 1'000'000, "ms", 2};
  if (nanos >= 1'000) return {nanos / 1'000, nanos % 1'000, 1'000, "\u00b5s", 2};
  return {nanos, 0, 1, "ns", 2};
}

bool rounds_up(const Scaled& scaled, KcliProfile profile) {
  const std::uint32_t twice = scaled.rest * 2;  // below 2e9
  if (twice != scaled.unit) return twice > scaled.unit;
  return profile == KcliProfile::HalfUp || scaled.whole % 2 == 1;
}

char* write_rounded(char* start, char* end, const Scaled& scaled, KcliProfile profile) {
  if (!rounds_up(scaled, profile)) return std::to_chars(start, end, scaled.whole).ptr;
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  if (scaled.whole < kLargest) return std::to_chars(start, end, scaled.whole + 1).ptr;
  return std::ranges::copy(std::string_view("18446744073709551616"), start).out;
}

// --- which characters are escaped ---

struct EscapeRange {
  char32_t first;
  char32_t last;
};

#include "replay/escape_ranges.inc"

constexpr std::size_t kPageBits = 8;
constexpr std::size_t kPages = 0x110000 >> kPageBits;

// For each page of 256 characters the first range that ends in it or later; one more for the end.
using PageIndex = std::array<std::uint16_t, kPages + 1>;

constexpr PageIndex index_pages(std::span<const EscapeRange> ranges) {
  PageIndex index{};
  std::size_t at = 0;
  for (std::size_t page = 0; page < kPages; ++page) {
    while (at < ranges.size() && ranges[at].last < page << kPageBits)
      ++at;
    index[page] = static_cast<std::uint16_t>(at);
  }
  index[kPages] = static_cast<std::uint16_t>(ranges.size());
  return index;
}

struct EscapeSet {
  std::span<const EscapeRange> ranges;
  const PageIndex& pages;

  [[nodiscard]] bool contains(char32_t character) const {
    const std::size_t page = character >> kPageBits;
    const EscapeRange* const begin = ranges.data() + pages[page];
    const EscapeRange* const end =
        ranges.data() + std::min<std::size_t>(pages[page + 1] + std::size_t{1}, ranges.size());
    const EscapeRange* const range = std::lower_bound(
        begin, end, character, [](EscapeRange r, char32_t c) { return r.last < c; });
    return range != end && range->first <= character;
  }
};

constexpr PageIndex kUnicode16FirstPages = index_pages(kUnicode16First);
constexpr PageIndex kUnicode16LaterPages = index_pages(kUnicode16Later);
constexpr PageIndex kUnicode17FirstPages = index_pages(kUnicode17First);
constexpr PageIndex kUnicode17LaterPages = index_pages(kUnicode17Later);

// Combining marks are escaped only where they would have nothing to combine with.
struct EscapeSets {
  EscapeSet first;  // for the first character of a line
  EscapeSet later;
};

constexpr EscapeSets kUnicode16{{kUnicode16First, kUnicode16FirstPages},
                                {kUnicode16Later, kUnicode16LaterPages}};
constexpr EscapeSets kUnicode17{{kUnicode17First, kUnicode17FirstPages},
                                {kUnicode17Later, kUnicode17LaterPages}};

const EscapeSets& sets_of(KcliProfile profile) {
  return profile == KcliProfile::HalfUp ? kUnicode16 : kUnicode17;
}

// --- UTF-8 ---

struct Decoded {
  char32_t character = 0;
  std::size_t size = 0;  // 0: not UTF-8
};

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

// `text` begins with a byte of 0x80 or more.
Decoded decode(std::string_view text) {
  const std::uint8_t lead = byte_at(text, 0);
  const auto size = static_cast<std::size_t>(std::countl_one(lead));
  if (size < 2 || size > 4 || size > text.size()) return {};
  char32_t character = lead & (0x7Fu >> size);
  for (std::size_t at = 1; at < size; ++at) {
    const std::uint8_t next = byte_at(text, at);
    if ((next & 0xC0) != 0x80) return {};
    character = character << 6 | (next & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < kSmallest[size] || character > 0x10FFFF || surrogate) return {};
  return {character, size};
}

// --- lines ---

constexpr bool is_plain(std::uint8_t byte) {
  return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\'' && byte != '\\';
}

#ifdef __SSE2__
// A bit for each of 16 bytes that is not plain.
unsigned unplain_bits(const char* bytes) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  // Compared as signed, bytes from 0x80 on are below the space too.
  __m128i unplain = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
  for (const char special : {'"', '\'', '\\', '\x7F'}) {
    unplain = _mm_or_si128(unplain, _mm_cmpeq_epi8(block, _mm_set1_epi8(special)));
  }
  return static_cast<unsigned>(_mm_movemask_epi8(unplain));
}
#endif

// The first position from `at` on whose byte is not plain.
std::size_t skip_plain(std::string_view line, std::size_t at) {
#ifdef __SSE2__
  for (; at + 16 <= line.size(); at += 16) {
    const unsigned bits = unplain_bits(line.data() + at);
    if (bits != 0) return at + static_cast<std::size_t>(std::countr_zero(bits));
  }
#endif
  while (at < line.size() && is_plain(byte_at(line, at)))
    ++at;
  return at;
}

void append_code(std::string& out, char32_t character) {
  std::array<char, 8> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), std::uint32_t{character}, 16).ptr;
  out.append("\\u{").append(digits.begin(), end).push_back('}');
}

// For an ASCII character that is not plain.
void append_ascii_escape(std::string& out, char character) {
  switch (character) {
    case '\0': out += "\\0"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    case '\n': out += "\\n"; return;
    case '"': out += "\\\""; return;
    case '\'': out += "\\'"; return;
    case '\\': out += "\\\\"; return;
    default: append_code(out, static_cast<std::uint8_t>(character));
  }
}

}  // namespace

void append_delta(std::string& out, Elapsed delta, KcliProfile profile) {
  const Scaled scaled = scale(delta);
  std::array<char, 24> digits;
  char* start = digits.begin();
  if (delta.negative) *start++ = '-';
  const char* const end = write_rounded(start, digits.end(), scaled, profile);

  constexpr std::size_t kWidth = 5;
  const std::size_t width = static_cast<std::size_t>(end - digits.begin()) + scaled.name_width;
  if (width < kWidth) out.append(kWidth - width, ' ');
  out.append(digits.cbegin(), end).append(scaled.name);
}

void append_escaped(std::string& out, std::string_view line, KcliProfile profile) {
  const EscapeSets& sets = sets_of(profile);
  std::size_t copied = 0;  // what lies before is in `out`
  std::size_t at = 0;
  const auto copy_up_to_here = [&] { out.append(line.data() + copied, at - copied); };
  while ((at = skip_plain(line, at)) < line.size()) {
    if (byte_at(line, at) < 0x80) {
      copy_up_to_here();
      append_ascii_escape(out, line[at]);
      copied = ++at;
      continue;
    }
    const Decoded decoded = decode(line.substr(at));
    if (decoded.size == 0) {
      copy_up_to_here();
      out += "\uFFFD";
      copied = ++at;
    } else if ((at == 0 ? sets.first : sets.later).contains(decoded.character)) {
      copy_up_to_here();
      append_code(out, decoded.character);
      copied = at += decoded.size;
    } else {
      at += decoded.size;
    }
  }
  copy_up_to_here();
}

}  // namespace smtptape
