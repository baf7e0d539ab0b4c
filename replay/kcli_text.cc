// Nearly all lines are plain ASCII, and nearly all others hold nothing that is escaped: sixteen
// bytes are copied and looked at in one go; a character beyond ASCII costs one bit looked up.
#include "replay/kcli_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>

#include "format/wire/text_scan.h"

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

// Text on its way into a string: room on the stack, moved when it is nearly full.
class Room {
 public:
  explicit Room(std::string& out) : out_(out) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { flush(); }

  // Here so many bytes can be written before advance_to().
  static constexpr std::size_t kPlain = 256;
  static constexpr std::size_t kStep = kPlain + kTextBlock;
  char* next() {
    if (static_cast<std::size_t>(bytes_.data() + bytes_.size() - to_) < kStep) flush();
    return to_;
  }
  void advance_to(char* to) { to_ = to; }

  void append(std::string_view text) {
    const auto left = static_cast<std::size_t>(bytes_.data() + bytes_.size() - to_);
    if (text.size() > left) flush();
    if (text.size() > bytes_.size()) {
      out_.append(text);
      return;
    }
    std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
  }

 private:
  void flush() {
    out_.append(bytes_.data(), to_);
    to_ = bytes_.data();
  }

  std::string& out_;
  std::array<char, 2048> bytes_;  // NOLINT: written before it is read
  char* to_ = bytes_.data();
};

// Writes at most Room::kStep bytes; returns their end.
char* write_escape(char* to, Decoded next) {
  const auto put = [&to](std::string_view text) { return std::ranges::copy(text, to).out; };
  if (next.size == 0) return put("\uFFFD");
  switch (next.character) {
    case '\0': return put("\\0");
    case '\t': return put("\\t");
    case '\r': return put("\\r");
    case '\n': return put("\\n");
    case '"': return put("\\\"");
    case '\'': return put("\\'");
    case '\\': return put("\\\\");
    default: break;
  }
  to = put("\\u{");
  to = std::to_chars(to, to + 8, static_cast<std::uint32_t>(next.character), 16).ptr;
  return put("}");
}

// Passes over characters beyond ASCII up to the first that is escaped, and over that.
const char* copy_beyond_ascii(const char* from, const char* end, const EscapeSet& set, Room& room) {
  const Decoded next = decode({from, static_cast<std::size_t>(end - from)});
  char* const to = room.next();
  if (next.size == 0 || set.contains(next.character)) {
    room.advance_to(write_escape(to, next));
    return from + std::max<std::size_t>(next.size, 1);
  }
  room.advance_to(std::copy_n(from, next.size, to));
  return from + next.size;
}

enum class Newlines : std::uint8_t { Escape, EndTheLine };

// Copies a line and returns where it ends, at its LF or at the end of the text.  One CR before the
// LF belongs to the ending.
template <Newlines newlines>
const char* copy_line(const char* from, const char* end, const EscapeSets& sets, Room& room) {
  const char* const start = from;
  while (from != end) {
    char* const to = room.next();
    const std::size_t size = std::min(static_cast<std::size_t>(end - from), Room::kPlain);
    const std::size_t plain = copy_unfound<PlainScan>(to, from, size);
    room.advance_to(to + plain);
    from += plain;
    if (plain == size) continue;
    if (static_cast<unsigned char>(*from) >= 0x80) {
      do {
        from = copy_beyond_ascii(from, end, from == start ? sets.first : sets.later, room);
      } while (from != end && static_cast<unsigned char>(*from) >= 0x80);
      continue;
    }
    if constexpr (newlines == Newlines::EndTheLine) {
      if (*from == '\n') return from;
      if (*from == '\r' && from + 1 != end && from[1] == '\n') return from + 1;
    }
    room.advance_to(write_escape(room.next(), {static_cast<unsigned char>(*from), 1}));
    ++from;
  }
  return from;
}

}  // namespace

char* write_delta(char* to, Elapsed delta, KcliProfile profile) {
  const Scaled scaled = scale(delta);
  std::array<char, 24> digits{};
  char* start = digits.begin();
  if (delta.negative) *start++ = '-';
  const char* const end = write_rounded(start, digits.end(), scaled, profile);

  constexpr std::size_t kWidth = 5;
  const std::size_t width = static_cast<std::size_t>(end - digits.begin()) + scaled.name_width;
  for (std::size_t i = width; i < kWidth; ++i)
    *to++ = ' ';
  to = std::copy(digits.cbegin(), end, to);
  return std::ranges::copy(scaled.name, to).out;
}

void append_delta(std::string& out, Elapsed delta, KcliProfile profile) {
  std::array<char, kMostDelta> text;  // NOLINT: written before it is read
  out.append(text.data(), write_delta(text.data(), delta, profile));
}

void append_escaped(std::string& out, std::string_view line, KcliProfile profile) {
  Room room(out);
  copy_line<Newlines::Escape>(line.data(), line.data() + line.size(), sets_of(profile), room);
}

void append_lines(std::string& out, std::string_view text, LineFrame frame, KcliProfile profile) {
  const EscapeSets& sets = sets_of(profile);
  Room room(out);
  const char* const end = text.data() + text.size();
  for (const char* from = text.data(); from != end;) {
    room.append(frame.start);
    from = copy_line<Newlines::EndTheLine>(from, end, sets, room);
    room.append(frame.end);
    if (from != end) ++from;
  }
}

}  // namespace smtptape
