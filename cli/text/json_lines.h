// What --json prints: one object a line, with a `schema` field.  Strings are valid UTF-8 whatever
// they are made of, numbers are numbers, times are RFC 3339.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "format/tape/tape_reader.h"

namespace smtptape {

// The text; what is no UTF-8 in it becomes U+FFFD.  File names are any bytes.
[[nodiscard]] boost::json::string json_string(std::string_view bytes);

// Of JSON that another part of the program wrote.
[[nodiscard]] boost::json::value json_value(std::string_view json);

[[nodiscard]] boost::json::object json_of(const Damage& damage);
template <class Items, class ToJson>
[[nodiscard]] boost::json::array json_array(const Items& items, ToJson to_json) {
  boost::json::array all;
  for (const auto& item : items)
    all.emplace_back(to_json(item));
  return all;
}

// With its end.
[[nodiscard]] std::string line_of(const boost::json::object& object);

// With --json the tape itself must not go the same way: throws UsageError.
void refuse_json_beside(const std::string& output);

}  // namespace smtptape
