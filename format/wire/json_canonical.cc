// serde_json's form of a value: writing it, and bringing other JSON into it.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "format/wire/json.h"
#include "format/wire/json_number.h"
#include "format/wire/text_scan.h"

namespace smtptape {

namespace {

// A byte as it stands in JSON, padded so that all of it is stored at once.
struct WrittenByte {
  std::array<char, 7> text{};
  std::uint8_t size = 1;
};

constexpr std::array<WrittenByte, 256> make_written_bytes() {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kShort = "\bb\ff\nn\rr\tt\"\"\\\\";
  std::array<WrittenByte, 256> written{};
  for (std::size_t byte = 0; byte < written.size(); ++byte) {
    written[byte].text[0] = static_cast<char>(byte);
    if (!needs_json_escape(static_cast<unsigned char>(byte))) continue;
    written[byte] = {{'\\', 'u', '0', '0', kHex[byte >> 4 & 0xF], kHex[byte & 0xF]}, 6};
  }
  for (std::size_t i = 0; i < kShort.size(); i += 2) {
    written[static_cast<unsigned char>(kShort[i])] = {{'\\', kShort[i + 1]}, 2};
  }
  return written;
}
constexpr std::array<WrittenByte, 256> kWrittenBytes = make_written_bytes();

const WrittenByte& written_byte(char c) {
  return kWrittenBytes[static_cast<unsigned char>(c)];
}

// So many bytes are escaped at a time, into room that surely suffices: what is written there needs
// no further look at it.
constexpr std::size_t kSlice = 1024;
constexpr std::size_t kMostGrowth = 6;

}  // namespace

char* write_json_escaped(char* to, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from != end) {
    const std::size_t plain =
        copy_unfound<JsonScan>(to, from, static_cast<std::size_t>(end - from));
    from += plain;
    to += plain;
    // Mostly two: the end of a line.
    for (; from != end && needs_json_escape(static_cast<unsigned char>(*from)); ++from) {
      const WrittenByte& byte = written_byte(*from);
      std::memcpy(to, &byte, sizeof(byte));
      to += byte.size;
    }
  }
  return to;
}

void append_json_escaped(std::string& out, std::string_view text) {
  std::array<char, kSlice * kMostGrowth + kTextBlock> room;  // NOLINT: written before it is read
  while (!text.empty()) {
    const std::string_view slice = text.substr(0, kSlice);
    out.append(room.data(), write_json_escaped(room.data(), slice));
    text.remove_prefix(slice.size());
  }
}

void append_json_escaped(TextBuffer& out, std::string_view text) {
  while (!text.empty()) {
    const std::string_view slice = text.substr(0, kSlice);
    out.advance_to(write_json_escaped(out.room(slice.size() * kMostGrowth + kTextBlock), slice));
    text.remove_prefix(slice.size());
  }
}

std::size_t json_escaped_size(std::string_view text) {
  std::size_t size = text.size();
  const char* from = text.data();
  const char* const end = from + text.size();
  for (; end - from >= static_cast<std::ptrdiff_t>(kTextBlock); from += kTextBlock) {
    for (unsigned mask = JsonScan::mask(from); mask != 0; mask &= mask - 1)
      size += written_byte(from[std::countr_zero(mask)]).size - 1U;
  }
  for (; from != end; ++from)
    size += written_byte(*from).size - 1U;
  return size;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  append_json_escaped(out, text);
  out.push_back('"');
}

namespace {

// The layout serde_json gives to the shortest digits that read back as the same double: plain
// between 1e-5 and 1e16, else with an exponent.
void append_double(std::string& out, double value) {
  std::array<char, 32> buffer{};
  const auto end =
      std::to_chars(
          buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific)
          .ptr;
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  if (text.front() == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(
      text.data() + e + 1 + (text[e + 1] == '+' ? 1 : 0), text.data() + text.size(), exponent);
  std::string digits(text.substr(0, 1));
  if (e > 2) digits.append(text.substr(2, e - 2));
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // digits before the decimal point
  if (value == 0) {
    out.append("0.0");
  } else if (point > 16 || point <= -5) {
    out.append(digits, 0, 1);
    if (count > 1) out.append(".").append(digits, 1);
    out.append(exponent < 0 ? "e" : "e+").append(std::to_string(exponent));
  } else if (point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else if (point >= count) {
    out.append(digits).append(static_cast<std::size_t>(point - count), '0').append(".0");
  } else {
    const auto split = static_cast<std::size_t>(point);
    out.append(digits, 0, split).append(".").append(digits, split);
  }
}

void append_number(std::string& out, std::string_view text) {
  const char* const end = text.data() + text.size();
  if (text.find_first_of(".eE") == std::string_view::npos && text != "-0") {
    std::uint64_t whole = 0;
    std::int64_t negative = 0;
    const auto unsigned_result = std::from_chars(text.data(), end, whole);
    const auto signed_result = std::from_chars(text.data(), end, negative);
    if (unsigned_result.ec == std::errc{} || signed_result.ec == std::errc{}) {
      out.append(text);  // an integer of 64 bits has one spelling
      return;
    }
  }
  append_double(out, to_double(text));
}

bool append_canonical_value(std::string& out, JsonReader& reader);

// Sorted, the last of duplicates; stable, so that "last" means last in the text.
void sort_members(std::vector<JsonMember>& members) {
  const auto by_key = [](const JsonMember& a, const JsonMember& b) { return a.key < b.key; };
  if (std::adjacent_find(members.begin(), members.end(), [&](const auto& a, const auto& b) {
        return !by_key(a, b);
      }) == members.end()) {
    return;
  }
  std::stable_sort(members.begin(), members.end(), by_key);
  std::vector<JsonMember> last;
  last.reserve(members.size());
  for (JsonMember& member : members) {
    if (!last.empty() && last.back().key == member.key) last.pop_back();
    last.push_back(std::move(member));
  }
  members = std::move(last);
}

bool read_members(JsonReader& reader, std::vector<JsonMember>& members) {
  if (!reader.enter_object()) return false;
  std::string key;
  while (reader.next_key(key)) {
    members.push_back({key, {}});
    if (!append_canonical_value(members.back().json, reader)) return false;
  }
  if (reader.failed()) return false;
  sort_members(members);
  return true;
}

bool append_canonical_object(std::string& out, JsonReader& reader) {
  std::vector<JsonMember> members;
  if (!read_members(reader, members)) return false;
  out.push_back('{');
  for (const JsonMember& member : members) {
    if (&member != members.data()) out.push_back(',');
    append_json_string(out, member.key);
    out.push_back(':');
    out.append(member.json);
  }
  out.push_back('}');
  return true;
}

bool append_canonical_array(std::string& out, JsonReader& reader) {
  if (!reader.enter_array()) return false;
  out.push_back('[');
  bool first = true;
  while (reader.next_element()) {
    if (!first) out.push_back(',');
    first = false;
    if (!append_canonical_value(out, reader)) return false;
  }
  out.push_back(']');
  return !reader.failed();
}

bool append_canonical_value(std::string& out, JsonReader& reader) {
  switch (reader.peek()) {
    case JsonReader::Type::Object: return append_canonical_object(out, reader);
    case JsonReader::Type::Array: return append_canonical_array(out, reader);
    case JsonReader::Type::String: {
      std::string text;
      if (!reader.read_string(text)) return false;
      append_json_string(out, text);
      return true;
    }
    case JsonReader::Type::Number: {
      const auto raw = reader.skip_value();
      if (raw) append_number(out, *raw);
      return raw.has_value();
    }
    case JsonReader::Type::Null:
    case JsonReader::Type::Bool:
    case JsonReader::Type::End: {
      const auto raw = reader.skip_value();
      if (raw) out.append(*raw);
      return raw.has_value();
    }
  }
  return false;
}

}  // namespace

bool append_canonical_json(std::string& out, std::string_view json) {
  JsonReader reader(json);
  const std::size_t before = out.size();
  if (append_canonical_value(out, reader) && reader.at_end()) return true;
  out.resize(before);
  return false;
}

bool read_canonical_members(std::string_view json, int outer_depth, std::vector<JsonMember>& out) {
  JsonReader reader(json, outer_depth);
  out.clear();
  return read_members(reader, out) && reader.at_end();
}

namespace {

// Walks text that serde_json wrote, and stops at the first thing that it might not have written.
class CanonicalScanner {
 public:
  CanonicalScanner(std::string_view text, int depth)
      : start_(text.data()), at_(start_), end_(start_ + text.size()), depth_(depth) {}

  [[nodiscard]] bool at_end() const { return at_ == end_; }

  // Hands each member's span to `visit`, which may refuse.
  template <class Visit>
  bool object(Visit visit) {
    if (!enter('{')) return false;
    std::string_view before;
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) return false;
      std::string_view key;
      if (!plain_key(key) || (!first && key <= before) || !take(':')) return false;
      before = key;
      const char* const value_at = at_;
      if (!value()) return false;
      if (!visit(JsonSpan{
              offset(key.data()), size(key), offset(value_at), offset(at_) - offset(value_at)})) {
        return false;
      }
    }
    --depth_;
    return true;
  }

 private:
  [[nodiscard]] std::uint32_t offset(const char* at) const {
    return static_cast<std::uint32_t>(at - start_);
  }
  static std::uint32_t size(std::string_view text) {
    return static_cast<std::uint32_t>(text.size());
  }

  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool take(std::string_view word) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word))
      return false;
    at_ += word.size();
    return true;
  }

  bool enter(char open) { return ++depth_ <= kMaxJsonDepth && take(open); }

  bool plain_key(std::string_view& key) {
    if (!take('"')) return false;
    const char* const stop = find_json_escape(at_, end_);
    key = {at_, static_cast<std::size_t>(stop - at_)};
    at_ = stop;
    return take('"');
  }

  bool value() {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"': return string();
      case '{': return object([](const JsonSpan&) { return true; });
      case '[': return array();
      case 'n': return take("null");
      case 't': return take("true");
      case 'f': return take("false");
      default: return integer();
    }
  }

  bool array() {
    if (!enter('[')) return false;
    for (bool first = true; !take(']'); first = false) {
      if ((!first && !take(',')) || !value()) return false;
    }
    --depth_;
    return true;
  }

  bool string() {
    ++at_;
    for (;;) {
      at_ = find_json_escape(at_, end_);
      if (take('"')) return true;
      if (end_ - at_ < 2 || *at_ != '\\') return false;
      if (short_escape_meaning(at_[1]) != 0) {
        at_ += 2;
      } else if (at_[1] == 'u' && end_ - at_ >= 6 && long_escape_meaning(at_ + 2) >= 0) {
        at_ += 6;
      } else {
        return false;
      }
    }
  }

  // Integers that surely fit 64 bits; "-0" is a double to serde_json.
  bool integer() {
    const bool negative = take('-');
    const char* const digits = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
      ++at_;
    const auto count = at_ - digits;
    if (count == 0 || count > 18) return false;
    return *digits != '0' || (count == 1 && !negative);
  }

  const char* start_;
  const char* at_;
  const char* end_;
  int depth_;
};

}  // namespace

std::optional<std::size_t> split_canonical_object(std::string_view json,
                                                  int outer_depth,
                                                  std::span<JsonSpan> room) {
  if (json.size() > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  CanonicalScanner scanner(json, outer_depth);
  std::size_t count = 0;
  const bool whole = scanner.object([&](const JsonSpan& span) {
    if (count == room.size()) return false;
    room[count++] = span;
    return true;
  });
  if (!whole || !scanner.at_end()) return std::nullopt;
  return count;
}

}  // namespace smtptape
