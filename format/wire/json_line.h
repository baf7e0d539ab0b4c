// JSON objects, written member by member: what --json prints, and what the recorder answers.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/visible_text.h"
#include "format/wire/json.h"

namespace smtptape {

// A text of any bytes as a JSON string: names of files need not be UTF-8.
inline std::string json_text(std::string_view text) {
  std::string json;
  append_json_string(json, is_utf8(text) ? std::string(text) : as_utf8(text));
  return json;
}

// One line of JSON, written as we go.
class JsonLine {
 public:
  JsonLine& field(std::string_view name, std::string_view text) {
    key(name);
    out_ += json_text(text);
    return *this;
  }
  JsonLine& field(std::string_view name, std::uint64_t number) {
    key(name);
    out_ += std::to_string(number);
    return *this;
  }
  // Finite.
  JsonLine& real(std::string_view name, double number) {
    key(name);
    std::array<char, 32> text{};
    out_.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
    return *this;
  }
  JsonLine& truth(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  JsonLine& raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
    return *this;
  }
  [[nodiscard]] std::string object() const { return "{" + out_ + "}"; }

 private:
  void key(std::string_view name) {
    if (!out_.empty()) out_.push_back(',');
    append_json_string(out_, name);
    out_.push_back(':');
  }
  std::string out_;
};

template <class Items, class ToJson>
std::string json_list(const Items& items, ToJson to_json) {
  std::string out;
  for (const auto& item : items)
    out += (out.empty() ? "" : ",") + to_json(item);
  return "[" + out + "]";
}

}  // namespace smtptape
