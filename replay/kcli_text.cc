// Nearly all lines are plain ASCII, and nearly all others hold nothing that is escaped: runs are
// found sixteen bytes at a time and copied whole; a character beyond ASCII costs one bit looked up.
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

// A bit for each character of the basic plane, where nearly all text lies.
constexpr char32_t kBasicPlaneEnd = 0x10000;
using BasicPlane = std::array<std::uint64_t, kBasicPlaneEnd / 64>;

constexpr BasicPlane make_basic_plane(std::span<const EscapeRange> ranges) {
  BasicPlane bits{};
  for (const EscapeRange& range : ranges) {
    const char32_t last = std::min<char32_t>(range.last, kBasicPlaneEnd - 1);
    for (char32_t c = range.first; c <= last; ++c)
      bits[c / 64] |= std::uint64_t{1} << c % 64;
  }
  return bits;
}

struct EscapeSet {
  std::span<const EscapeRange> ranges;
  BasicPlane basic_plane = make_basic_plane(ranges);

  [[nodiscard]] bool contains(char32_t c) const {
    if (c < kBasicPlaneEnd) return (basic_plane[c / 64] >> c % 64 & 1) != 0;
    const auto range = std::ranges::lower_bound(ranges, c, {}, &EscapeRange::last);
    return range != ranges.end() && range->first <= c;
  }
};

// Combining marks are escaped only where they would have nothing to combine with.
struct EscapeSets {
  EscapeSet first;  // for the first character of a line
  EscapeSet later;
};

constexpr EscapeSets kUnicode16{{kUnicode16First}, {kUnicode16Later}};
constexpr EscapeSets kUnicode17{{kUnicode17First}, {kUnicode17Later}};

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

// The six bits of a continuation byte; anything larger when there is none.
constexpr char32_t kLargestTrail = 0x3F;
char32_t trail_at(std::string_view text, std::size_t at) {
  return at < text.size() ? byte_at(text, at) ^ 0x80U : kLargestTrail + 1;
}

// `text` begins with a byte of 0x80 or more.
Decoded decode(std::string_view text) {
  const char32_t lead = byte_at(text, 0);
  const char32_t second = trail_at(text, 1);
  if (lead < 0xC2 || lead > 0xF4 || second > kLargestTrail) return {};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | second, 2};

  const char32_t third = trail_at(text, 2);
  if (third > kLargestTrail) return {};
  const char32_t three = (lead & 0x0F) << 12 | second << 6 | third;
  const bool surrogate = three >= 0xD800 && three <= 0xDFFF;
  if (lead < 0xF0) return three < 0x800 || surrogate ? Decoded{} : Decoded{three, 3};

  const char32_t fourth = trail_at(text, 3);
  const char32_t four = (lead & 0x07) << 18 | second << 12 | third << 6 | fourth;
  const bool in_range = fourth <= kLargestTrail && four >= 0x10000 && four <= 0x10FFFF;
  return in_range ? Decoded{four, 4} : Decoded{};
}

// --- lines ---

constexpr bool is_plain(std::uint8_t byte) {
  return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\'' && byte != '\\';
}

#ifdef __SSE2__
constexpr std::size_t kBlock = 16;

// A bit for each byte of a block that is not plain.
unsigned unplain_bits(const char* bytes) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  // One more and seen as signed, DEL and the bytes from 0x80 on lie below the space too.
  const __m128i next = _mm_add_epi8(block, _mm_set1_epi8(1));
  __m128i unplain = _mm_cmplt_epi8(next, _mm_set1_epi8(0x21));
  for (const char special : {'"', '\'', '\\'}) {
    unplain = _mm_or_si128(unplain, _mm_cmpeq_epi8(block, _mm_set1_epi8(special)));
  }
  return static_cast<unsigned>(_mm_movemask_epi8(unplain));
}

// The first position from `at` on whose byte is not plain.
std::size_t skip_plain(std::string_view line, std::size_t at) {
  for (; at + kBlock <= line.size(); at += kBlock) {
    const unsigned bits = unplain_bits(line.data() + at);
    if (bits != 0) return at + static_cast<std::size_t>(std::countr_zero(bits));
  }
  if (line.size() >= kBlock) {  // the rest, in a block that reaches back over what was seen
    const std::size_t start = line.size() - kBlock;
    const unsigned bits = unplain_bits(line.data() + start) >> (at - start);
    return bits == 0 ? line.size() : at + static_cast<std::size_t>(std::countr_zero(bits));
  }
  while (at < line.size() && is_plain(byte_at(line, at)))
    ++at;
  return at;
}
#else
// The first position from `at` on whose byte is not plain.
std::size_t skip_plain(std::string_view line, std::size_t at) {
  while (at < line.size() && is_plain(byte_at(line, at)))
    ++at;
  return at;
}
#endif

// The first character that can't be copied, and where it is; at the end when there is none.
struct Find {
  std::size_t at = 0;
  Decoded found;
};

Find find_escape(std::string_view line, std::size_t at, const EscapeSets& sets) {
  for (;;) {
    at = skip_plain(line, at);
    if (at == line.size()) return {at, {}};
    if (byte_at(line, at) < 0x80) return {at, {byte_at(line, at), 1}};
    do {
      const Decoded next = decode(line.substr(at));
      const EscapeSet& set = at == 0 ? sets.first : sets.later;
      if (next.size == 0 || set.contains(next.character)) return {at, next};
      at += next.size;
    } while (at < line.size() && byte_at(line, at) >= 0x80);
  }
}

void append_escape(std::string& out, Decoded next) {
  if (next.size == 0) {
    out += "\uFFFD";
    return;
  }
  switch (next.character) {
    case '\0': out += "\\0"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    case '\n': out += "\\n"; return;
    case '"': out += "\\\""; return;
    case '\'': out += "\\'"; return;
    case '\\': out += "\\\\"; return;
    default: break;
  }
  std::array<char, 8> digits{};
  const std::uint32_t code = next.character;
  const char* const end = std::to_chars(digits.begin(), digits.end(), code, 16).ptr;
  out.append("\\u{").append(digits.cbegin(), end).push_back('}');
}

}  // namespace

void append_delta(std::string& out, Elapsed delta, KcliProfile profile) {
  const Scaled scaled = scale(delta);
  std::array<char, 24> digits{};
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
  for (std::size_t at = 0;;) {
    const Find next = find_escape(line, at, sets);
    out.append(line.data() + at, next.at - at);
    if (next.at == line.size()) return;
    append_escape(out, next.found);
    at = next.at + std::max<std::size_t>(next.found.size, 1);
  }
}

}  // namespace smtptape
