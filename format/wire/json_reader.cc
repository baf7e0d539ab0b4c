// Reading JSON as serde_json does.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "format/wire/json.h"
#include "format/wire/json_number.h"
#include "format/wire/text_scan.h"

namespace smtptape {

namespace {

constexpr const char* kEofString = "EOF while parsing a string";
constexpr const char* kEofValue = "EOF while parsing a value";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&out](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

bool JsonReader::fail(const char* why) {
  if (error_ == nullptr) {
    error_ = why;
    error_at_ = at_;
  }
  return false;
}

std::string JsonReader::error() const {
  if (error_ == nullptr) return {};
  const std::string_view before = text_.substr(0, std::min(error_at_, text_.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n');
  const std::size_t column =
      line_start == std::string_view::npos ? before.size() : before.size() - line_start - 1;
  return std::string(error_) + " at line " + std::to_string(line) + " column " +
         std::to_string(column);
}

void JsonReader::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++at_;
  }
}

JsonReader::Type JsonReader::peek() {
  if (failed()) return Type::End;
  skip_space();
  if (at_ >= text_.size()) return Type::End;
  switch (text_[at_]) {
    case 'n': return Type::Null;
    case 't':
    case 'f': return Type::Bool;
    case '"': return Type::String;
    case '[': return Type::Array;
    case '{': return Type::Object;
    default: return text_[at_] == '-' || is_digit(text_[at_]) ? Type::Number : Type::End;
  }
}

bool JsonReader::enter(char open) {
  if (failed()) return false;
  skip_space();
  if (at_ >= text_.size()) return fail(kEofValue);
  if (text_[at_] != open) return fail("expected value");
  if (depth_ >= kMaxJsonDepth) return fail("recursion limit exceeded");
  ++at_;
  ++depth_;
  first_ = true;
  return true;
}

bool JsonReader::enter_object() {
  return enter('{');
}
bool JsonReader::enter_array() {
  return enter('[');
}

// Consumes what stands before an item: nothing or a comma.  False at the closing bracket.
bool JsonReader::next_item(char close) {
  if (failed()) return false;
  skip_space();
  const char* const eof = close == '}' ? "EOF while parsing an object" : "EOF while parsing a list";
  if (at_ >= text_.size()) return fail(eof);
  if (text_[at_] == close) {
    ++at_;
    --depth_;
    first_ = false;
    return false;
  }
  if (first_) {
    first_ = false;
    return true;
  }
  if (text_[at_] != ',') return fail(close == '}' ? "expected `,` or `}`" : "expected `,` or `]`");
  ++at_;
  skip_space();
  if (at_ >= text_.size()) return fail(kEofValue);
  if (text_[at_] == close) return fail("trailing comma");
  return true;
}

bool JsonReader::next_key(std::string& key) {
  if (!next_item('}')) return false;
  if (text_[at_] != '"') return fail("key must be a string");
  key.clear();
  if (!scan_string(&key)) return false;
  skip_space();
  if (at_ >= text_.size()) return fail("EOF while parsing an object");
  if (text_[at_] != ':') return fail("expected `:`");
  ++at_;
  return true;
}

bool JsonReader::next_element() {
  return next_item(']');
}

std::optional<std::string_view> JsonReader::skip_value() {
  const Type type = peek();
  const std::size_t start = at_;
  bool ok = false;
  switch (type) {
    case Type::Null: ok = skip_word("null"); break;
    case Type::Bool: ok = skip_word(text_[at_] == 't' ? "true" : "false"); break;
    case Type::Number: ok = skip_number(); break;
    case Type::String: ok = scan_string(nullptr); break;
    case Type::Array:
      ok = enter_array();
      while (ok && next_element())
        ok = skip_value().has_value();
      break;
    case Type::Object: {
      std::string key;
      ok = enter_object();
      while (ok && next_key(key))
        ok = skip_value().has_value();
      break;
    }
    case Type::End: ok = fail(at_ >= text_.size() ? kEofValue : "expected value"); break;
  }
  if (!ok || failed()) return std::nullopt;
  return text_.substr(start, at_ - start);
}

bool JsonReader::skip_word(std::string_view word) {
  for (const char c : word) {
    if (at_ >= text_.size()) return fail(kEofValue);
    if (text_[at_] != c) return fail("expected ident");
    ++at_;
  }
  return true;
}

bool JsonReader::skip_number() {
  const auto digits = [this] {
    if (at_ >= text_.size()) return fail(kEofValue);
    if (!is_digit(text_[at_])) return fail("invalid number");
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
    return true;
  };
  const std::size_t start = at_;
  if (text_[at_] == '-') ++at_;
  if (at_ < text_.size() && text_[at_] == '0') {
    ++at_;
    if (at_ < text_.size() && is_digit(text_[at_])) return fail("invalid number");
  } else if (!digits()) {
    return false;
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (!digits()) return false;
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return false;
  }
  const std::string_view number = text_.substr(start, at_ - start);
  return std::isinf(to_double(number)) ? fail("number out of range") : true;
}

bool JsonReader::read_string(std::string& out) {
  if (peek() != Type::String) return fail("invalid type: expected a string");
  return scan_string(&out);
}

bool JsonReader::read_bool(bool& out) {
  if (peek() != Type::Bool) return fail("invalid type: expected a boolean");
  out = text_[at_] == 't';
  return skip_word(out ? "true" : "false");
}

bool JsonReader::read_null() {
  if (peek() != Type::Null) return fail("invalid type: expected null");
  return skip_word("null");
}

bool JsonReader::read_u64(std::uint64_t& out) {
  if (peek() != Type::Number) return fail("invalid type: expected an unsigned integer");
  const std::size_t start = at_;
  if (!skip_number()) return false;
  const char* const end = text_.data() + at_;
  const auto result = std::from_chars(text_.data() + start, end, out);
  if (result.ec != std::errc{} || result.ptr != end) {
    return fail("invalid value: expected an unsigned integer");
  }
  return true;
}

bool JsonReader::at_end() {
  if (failed()) return false;
  skip_space();
  return at_ == text_.size() || fail("trailing characters");
}

// The cursor stands on the opening quote.
bool JsonReader::scan_string(std::string* out) {
  ++at_;
  const char* const end = text_.data() + text_.size();
  for (;;) {
    const char* const from = text_.data() + at_;
    const char* const stop = find_json_escape(from, end);
    if (out != nullptr) out->append(from, stop);
    at_ = static_cast<std::size_t>(stop - text_.data());
    if (stop == end) return fail(kEofString);
    if (*stop == '"') {
      ++at_;
      return true;
    }
    if (*stop != '\\') {
      ++at_;
      return fail("control character (\\u0000-\\u001F) found while parsing a string");
    }
    ++at_;
    if (!scan_escape(out)) return false;
  }
}

// The cursor stands after the backslash.
bool JsonReader::scan_escape(std::string* out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (at_ >= text_.size()) return fail(kEofString);
  const char name = text_[at_++];
  if (name == 'u') return scan_unicode_escape(out);
  const std::size_t which = kNames.find(name);
  if (which == std::string_view::npos) return fail("invalid escape");
  if (out != nullptr) out->push_back(kMeanings[which]);
  return true;
}

bool JsonReader::scan_unicode_escape(std::string* out) {
  std::uint32_t code = 0;
  if (!scan_hex4(code)) return false;
  if (code >= 0xDC00 && code <= 0xDFFF) return fail("lone leading surrogate in hex escape");
  if (code >= 0xD800 && code <= 0xDBFF) {
    std::uint32_t low = 0;
    if (text_.substr(at_, 2) != "\\u") return fail("unexpected end of hex escape");
    at_ += 2;
    if (!scan_hex4(low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return fail("lone leading surrogate in hex escape");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  if (out != nullptr) append_utf8(*out, code);
  return true;
}

bool JsonReader::scan_hex4(std::uint32_t& out) {
  if (text_.size() - at_ < 4) {
    at_ = text_.size();
    return fail(kEofString);
  }
  const char* const start = text_.data() + at_;
  const bool hex = std::all_of(start, start + 4, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (!hex) return fail("invalid escape");
  std::from_chars(start, start + 4, out, 16);
  at_ += 4;
  return true;
}

std::string json_text(std::string_view json) {
  std::string text;
  JsonReader reader(json);
  if (reader.peek() != JsonReader::Type::String || !reader.read_string(text)) text.clear();
  return text;
}

}  // namespace smtptape
