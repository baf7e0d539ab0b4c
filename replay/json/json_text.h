// What JSON for programs is made of, whoever prints it.  Strings are valid UTF-8 whatever they are
// made of, numbers are numbers, times are RFC 3339.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace smtptape {

// The text; what is no UTF-8 in it becomes U+FFFD.  File names are any bytes.
[[nodiscard]] boost::json::string json_string(std::string_view bytes);
[[nodiscard]] boost::json::value text_or_null(std::string_view text);
[[nodiscard]] boost::json::value json_seconds(std::int64_t nanos);

template <class Items, class ToJson>
[[nodiscard]] boost::json::array json_array(const Items& items, ToJson to_json) {
  boost::json::array all;
  for (const auto& item : items)
    all.emplace_back(to_json(item));
  return all;
}

// With its end.
[[nodiscard]] std::string line_of(const boost::json::object& object);

}  // namespace smtptape
