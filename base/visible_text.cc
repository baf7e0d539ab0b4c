#include "base/visible_text.h"

#include <cstddef>
#include <cstdint>

namespace smtptape {

namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  // 0: no UTF-8
};

std::uint32_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// The character at the start of `text`, which is not empty.
Character character_at(std::string_view text) {
  const std::uint32_t lead = byte_at(text, 0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < size) return {};
  std::uint32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, i) & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte_at(text, i) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  const bool too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  return surrogate || too_long || code > 0x10FFFF ? Character{} : Character{code, size};
}

bool must_be_escaped(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return true;
  switch (code) {
    case 0x061C:  // a mark of direction
    case 0x200E:
    case 0x200F:  // others
    case 0x2028:  // separators of lines and paragraphs
    case 0x2029: return true;
    default: break;
  }
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

void append_hex(std::string& out, std::uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (value >= 16) append_hex(out, value >> 4U);
  out.push_back(kDigits[value & 15U]);
}

void append_escape(std::string& out, std::uint32_t code) {
  switch (code) {
    case '\0': out.append("\\0"); return;
    case '\t': out.append("\\t"); return;
    case '\r': out.append("\\r"); return;
    case '\n': out.append("\\n"); return;
    default: break;
  }
  out.append("\\u{");
  append_hex(out, code);
  out.push_back('}');
}

}  // namespace

void append_visible(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Character next = character_at(text);
    const std::size_t size = next.size == 0 ? 1 : next.size;
    if (next.size == 0) {
      out.append("\\x");
      append_hex(out, byte_at(text, 0));
    } else if (must_be_escaped(next.code)) {
      append_escape(out, next.code);
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(size);
  }
}

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

std::string visible_json(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const Character next = character_at(lines);
    const std::size_t size = next.size == 0 ? 1 : next.size;
    if (next.size == 0) {
      out.append("\uFFFD");
    } else if (must_be_escaped(next.code) && next.code != '\n') {
      std::string digits;
      append_hex(digits, next.code);
      out.append("\\u").append(4 - digits.size(), '0').append(digits);
    } else {
      out.append(lines.substr(0, size));
    }
    lines.remove_prefix(size);
  }
  return out;
}

std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character_at(text).size;
    out.append(size == 0 ? std::string_view("\uFFFD") : text.substr(0, size));
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,";
  const std::string shown = visible(text);
  if (!shown.empty() && shown.find_first_not_of(kPlain) == std::string::npos) return shown;
  std::string out = "'";
  for (const char c : shown) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace smtptape
