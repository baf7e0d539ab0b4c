#include "smtp/spellings.h"

#include <algorithm>
#include <utility>

namespace smtptape {

namespace {

// An escape at the start of a text: its size, 0 for none.
struct Escape {
  std::size_t size = 0;
  bool open = false;  // none yet: the text ends in it
};
constexpr Escape kNone{};
constexpr Escape kOpen{0, true};

using Values = std::array<std::int8_t, 256>;

constexpr Values values_of(std::string_view digits) {
  Values values{};
  values.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  return values;
}

constexpr Values hex_values() {
  Values values = values_of("0123456789abcdef");
  for (char c = 'A'; c <= 'F'; ++c)
    values[static_cast<unsigned char>(c)] = static_cast<std::int8_t>(c - 'A' + 10);
  return values;
}

constexpr Values base64_values() {
  Values values = values_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  values[static_cast<unsigned char>('-')] = 62;
  values[static_cast<unsigned char>('_')] = 63;
  return values;
}

constexpr Values kHex = hex_values();
constexpr Values kBase64 = base64_values();

std::int8_t value_of(const Values& values, char c) {
  return values[static_cast<unsigned char>(c)];
}

struct Number {
  std::uint32_t value = 0;
  std::size_t digits = 0;
};

// Of at most `most` digits at the start of `text`.
Number number_at(std::string_view text, std::uint32_t base, std::size_t most) {
  Number number;
  while (number.digits < std::min(most, text.size())) {
    const std::int8_t digit = value_of(kHex, text[number.digits]);
    if (digit < 0 || static_cast<std::uint32_t>(digit) >= base) break;
    number.value = number.value * base + static_cast<std::uint32_t>(digit);
    ++number.digits;
  }
  return number;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto add = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0U | c >> 6U);
  } else {
    if (c < 0x10000) {
      add(0xE0U | c >> 12U);
    } else {
      add(0xF0U | (c >> 18U & 7U));
      add(0x80U | (c >> 12U & 0x3FU));
    }
    add(0x80U | (c >> 6U & 0x3FU));
  }
  add(0x80U | (c & 0x3FU));
}

// `size` digits behind `before` bytes that announce them: one byte.
Escape byte_of(std::string_view text, std::size_t before, std::size_t size, std::string& out) {
  const Number number = number_at(text.substr(before), size == 3 ? 8 : 16, size);
  if (number.digits < size) return before + number.digits == text.size() ? kOpen : kNone;
  out.push_back(static_cast<char>(number.value & 0xffU));
  return {before + size};
}

// "\u{e9}"
Escape braced_character(std::string_view text, std::string& out) {
  constexpr std::size_t kBefore = 3;
  const Number number = number_at(text.substr(kBefore), 16, 6);
  const std::size_t end = kBefore + number.digits;
  if (end == text.size()) return kOpen;
  if (number.digits == 0 || text[end] != '}') return kNone;
  append_utf8(out, number.value);
  return {end + 1};
}

// "\u00e9", or two of them for a character beyond U+FFFF
Escape four_digit_character(std::string_view text, std::string& out) {
  constexpr std::size_t kSize = 6;
  const auto in_range = [](std::uint32_t value, std::uint32_t first) {
    return value >= first && value < first + 0x400;
  };
  const Number first = number_at(text.substr(2), 16, 4);
  if (first.digits < 4) return 2 + first.digits == text.size() ? kOpen : kNone;
  if (in_range(first.value, 0xD800)) {
    const std::string_view rest = text.substr(kSize);
    const bool goes_on = rest.substr(0, 2) == std::string_view("\\u").substr(0, rest.size());
    if (rest.size() < kSize && goes_on) return kOpen;
    const Number second = goes_on ? number_at(rest.substr(2), 16, 4) : Number{};
    if (second.digits == 4 && in_range(second.value, 0xDC00)) {
      append_utf8(out, 0x10000 + ((first.value - 0xD800) << 10U) + (second.value - 0xDC00));
      return {2 * kSize};
    }
  }
  append_utf8(out, first.value);
  return {kSize};
}

Escape backslash(std::string_view text, std::string& out) {
  constexpr std::string_view kLetters = "nrt0bfave\"'\\/";
  constexpr std::string_view kMeanings("\n\r\t\0\b\f\a\v\x1b\"'\\/", 13);
  if (text.size() < 2) return kOpen;
  const char letter = text[1];
  if (letter == 'x') return byte_of(text, 2, 2, out);
  if (letter == 'u') {
    if (text.size() == 2) return kOpen;
    return text[2] == '{' ? braced_character(text, out) : four_digit_character(text, out);
  }
  // What Rust writes as \0 may well be followed by digits.
  if (letter >= '1' && letter <= '3') return byte_of(text, 1, 3, out);
  const std::size_t known = kLetters.find(letter);
  if (known == std::string_view::npos) return kNone;
  out.push_back(kMeanings[known]);
  return {2};
}

Escape quoted_printable(std::string_view text, std::string& out) {
  const std::size_t end = text.find_first_not_of(" \t\r", 1);
  if (end == std::string_view::npos) return kOpen;
  if (text[end] == '\n') return {end + 1};
  return byte_of(text, 1, 2, out);
}

Escape numbered_entity(std::string_view text, std::string& out) {
  if (text.size() < 3) return kOpen;
  const bool hex = text[2] == 'x' || text[2] == 'X';
  const std::size_t before = hex ? 3 : 2;
  const Number number = number_at(text.substr(before), hex ? 16 : 10, 7);
  const std::size_t end = before + number.digits;
  if (end == text.size()) return kOpen;
  if (number.digits == 0 || text[end] != ';' || number.value > 0x10FFFF) return kNone;
  append_utf8(out, number.value);
  return {end + 1};
}

Escape entity(std::string_view text, std::string& out) {
  constexpr auto kNames = std::to_array<std::pair<std::string_view, char>>(
      {{"&quot;", '"'}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}});
  if (text.substr(0, 2) == "&#") return numbered_entity(text, out);
  for (const auto& [name, meaning] : kNames) {
    const std::string_view start = text.substr(0, name.size());
    if (start == name) {
      out.push_back(meaning);
      return {name.size()};
    }
    if (start == name.substr(0, start.size())) return kOpen;
  }
  return kNone;
}

Escape not_ascii(std::string_view text, std::string& out) {
  std::size_t size = 0;
  while (size < text.size() && static_cast<unsigned char>(text[size]) >= 0x80)
    ++size;
  if (size == 0) return kNone;
  out.push_back(kNotAscii);
  return {size, size == text.size()};
}

Escape escape_at(Spelling spelling, std::string_view text, std::string& out) {
  const char c = text.front();
  switch (spelling) {
    case Spelling::Backslash: return c == '\\' ? backslash(text, out) : kNone;
    case Spelling::Percent: return c == '%' ? byte_of(text, 1, 2, out) : kNone;
    case Spelling::QuotedPrintable: return c == '=' ? quoted_printable(text, out) : kNone;
    case Spelling::Xtext: return c == '+' ? byte_of(text, 1, 2, out) : kNone;
    case Spelling::Entity: return c == '&' ? entity(text, out) : kNone;
    case Spelling::NotAscii: return not_ascii(text, out);
  }
  return kNone;
}

void begin(std::string_view text, Respelled& out) {
  out.text.clear();
  out.places.clear();
  out.open = text.size();
  out.changed = false;
}

// Of what was appended to the text, each byte is spelled by all of these.
void place(Respelled& out, std::size_t from, std::size_t to) {
  out.places.resize(out.text.size(),
                    {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to)});
}

}  // namespace

void undo(Spelling spelling, std::string_view text, Respelled& out) {
  begin(text, out);
  for (std::size_t at = 0; at < text.size();) {
    const Escape escape = escape_at(spelling, text.substr(at), out.text);
    if (escape.open) out.open = std::min(out.open, at);
    if (escape.size > 0) out.changed = true;
    if (escape.size == 0) out.text.push_back(text[at]);
    const std::size_t size = std::max<std::size_t>(escape.size, 1);
    place(out, at, at + size);
    at += size;
  }
}

void undo(Digits digits, unsigned skip, std::string_view text, Respelled& out) {
  const Values& values = digits == Digits::Base64 ? kBase64 : kHex;
  const unsigned bits_each = digits == Digits::Base64 ? 6 : 4;
  begin(text, out);
  out.changed = true;
  unsigned to_skip = skip;
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t before = 0;  // the digit before this one
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::int8_t value = value_of(values, text[at]);
    if (value >= 0) {
      bits = bits << bits_each | static_cast<std::uint32_t>(value);
      count += bits_each - to_skip;
      to_skip = 0;
      if (count >= 8) {
        count -= 8;
        out.text.push_back(static_cast<char>(bits >> count & 0xffU));
        place(out, before, at + 1);
      }
      before = at;
    } else if (text[at] != '\r' && text[at] != '\n') {  // lines may end within
      to_skip = skip;
      count = 0;
      out.text.push_back(text[at]);
      place(out, at, at + 1);
    }
  }
  if (count > 0) out.open = before;
}

std::string decode_base64(std::string_view text) {
  while (text.ends_with('='))
    text.remove_suffix(1);
  const bool base64 =
      std::all_of(text.begin(), text.end(), [](char c) { return value_of(kBase64, c) >= 0; });
  if (!base64) return {};
  Respelled decoded;
  undo(Digits::Base64, 0, text, decoded);
  return std::move(decoded.text);
}

}  // namespace smtptape
