// JSON as serde_json reads and writes it: the words of this feed and of kcli's text.
//
// A strict reader: depth at most 127 nested values, no lone surrogates, nothing after the value but
// white space, integers of 64 bits exact, larger and fractional numbers as double.  It gives
// positions of the raw text, which is why it is ours: see docs/decisions/0001-json.md.
// Input is UTF-8 that was already validated.  Nothing here allocates per value but the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_buffer.h"

namespace smtptape {

// Reads one JSON text from front to back.  After the first failure error() says why, and every
// call returns false or nothing.
class JsonReader {
 public:
  enum class Type : std::uint8_t { Null, Bool, Number, String, Array, Object, End };

  // `outer_depth`: how many containers `text` was cut out of; they count towards the limit.
  explicit JsonReader(std::string_view text, int outer_depth = 0)
      : text_(text), depth_(outer_depth) {}

  // The type of the value at the cursor (white space is passed over); End also when it can't be
  // one.
  [[nodiscard]] Type peek();

  // Containers: `enter_*` consumes the bracket; then `next_key`/`next_element` until false, which
  // has consumed the closing bracket.  A key is unescaped into `key`.
  [[nodiscard]] bool enter_object();
  [[nodiscard]] bool next_key(std::string& key);
  [[nodiscard]] bool enter_array();
  [[nodiscard]] bool next_element();

  // Consumes a whole value of any type, checked to its end, and returns its raw text.
  [[nodiscard]] std::optional<std::string_view> skip_value();
  // Consumes a string and unescapes it (appended to `out`).
  [[nodiscard]] bool read_string(std::string& out);
  [[nodiscard]] bool read_bool(bool& out);
  [[nodiscard]] bool read_null();
  // An unsigned integer of 64 bits; anything else is a failure.
  [[nodiscard]] bool read_u64(std::uint64_t& out);

  // True when only white space is left.
  [[nodiscard]] bool at_end();

  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] bool failed() const { return error_ != nullptr; }
  // serde_json's words and place: "expected value at line 1 column 5".
  [[nodiscard]] std::string error() const;
  // For a value that is JSON but not what the caller wants.
  bool fail(const char* why);

 private:
  void skip_space();
  [[nodiscard]] bool enter(char open);
  [[nodiscard]] bool next_item(char close);
  [[nodiscard]] bool skip_number();
  [[nodiscard]] bool skip_word(std::string_view word);
  [[nodiscard]] bool scan_string(std::string* out);
  [[nodiscard]] bool scan_escape(std::string* out);
  [[nodiscard]] bool scan_unicode_escape(std::string* out);
  [[nodiscard]] bool scan_hex4(std::uint32_t& out);

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_;
  bool first_ = false;  // the next key or element is the first of its container
  const char* error_ = nullptr;
  std::size_t error_at_ = 0;
};

// Appends `text` as a JSON string with its quotes, escaped as serde_json does (protocol: only
// quote, backslash and characters below U+0020; everything else raw).
void append_json_string(std::string& out, std::string_view text);
// The other way; empty: it is no string.
[[nodiscard]] std::string json_text(std::string_view json);
// The same without the quotes.
void append_json_escaped(std::string& out, std::string_view text);
void append_json_escaped(TextBuffer& out, std::string_view text);
// The same to where there is room for six times its size and kTextBlock more; returns its end.
char* write_json_escaped(char* to, std::string_view text);
// How many bytes append_json_escaped() would append.
[[nodiscard]] std::size_t json_escaped_size(std::string_view text);

// Appends the value in serde_json's form: compact, keys sorted by bytes at all depths, the last of
// duplicate keys, shortest numbers.  False when `json` is not one valid JSON value.
[[nodiscard]] bool append_canonical_json(std::string& out, std::string_view json);

// The members of an object in that form: keys unescaped and ascending, values canonical.  False
// when `json` is not one valid JSON object.
struct JsonMember {
  std::string key;
  std::string json;
};
[[nodiscard]] bool read_canonical_members(std::string_view json,
                                          int outer_depth,
                                          std::vector<JsonMember>& out);

// Where a member of an object stands in its text.
struct JsonSpan {
  std::uint32_t key_at;  // behind the opening quote
  std::uint32_t key_size;
  std::uint32_t value_at;
  std::uint32_t value_size;
};
// The quick way for what serde_json wrote: when `json` is, for certain, an object in the form above
// whose keys need no escapes and whose numbers are short integers, and has no more members than
// `room`, fills `room` and returns their number.  nullopt says nothing about it: read it with care.
[[nodiscard]] std::optional<std::size_t> split_canonical_object(std::string_view json,
                                                                int outer_depth,
                                                                std::span<JsonSpan> room);

// UTF-8 as Rust and RFC 3629 define it.
[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace smtptape
