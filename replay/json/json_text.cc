#include "replay/json/json_text.h"

#include <algorithm>
#include <cstddef>

#include <boost/json/serialize.hpp>

#include "format/wire/json.h"

namespace smtptape {

namespace {

// Of the character at the front; 0: it is none.
std::size_t character_size(std::string_view bytes) {
  constexpr std::size_t kMost = 4;
  for (std::size_t size = 1; size <= std::min(kMost, bytes.size()); ++size) {
    if (is_utf8(bytes.substr(0, size))) return size;
  }
  return 0;
}

}  // namespace

boost::json::string json_string(std::string_view bytes) {
  if (is_utf8(bytes)) return boost::json::string(bytes.data(), bytes.size());
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string text;
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    text += size == 0 ? kReplacement : bytes.substr(0, size);
    bytes.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return boost::json::string(text.data(), text.size());
}

boost::json::value text_or_null(std::string_view text) {
  return text.empty() ? boost::json::value() : boost::json::value(json_string(text));
}

boost::json::value json_seconds(std::int64_t nanos) {
  constexpr double kSecond = 1e9;
  return static_cast<double>(nanos) / kSecond;
}

std::string line_of(const boost::json::object& object) {
  return boost::json::serialize(object) + "\n";
}

}  // namespace smtptape
