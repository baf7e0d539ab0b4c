// One line of JSON, written as we go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "format/wire/json.h"

namespace smtptape {

class JsonLine {
 public:
  JsonLine& field(std::string_view name, std::string_view text) {
    key(name);
    append_json_string(out_, text);
    return *this;
  }
  JsonLine& field(std::string_view name, std::uint64_t number) {
    key(name);
    out_ += std::to_string(number);
    return *this;
  }
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

}  // namespace smtptape
