#include "cli/text/json_lines.h"

#include <algorithm>
#include <cstddef>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/error.h"
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

boost::json::value json_value(std::string_view json) {
  return boost::json::parse({json.data(), json.size()});
}

boost::json::object json_of(const Damage& damage) {
  boost::json::object object{
      {"offset", damage.offset}, {"bytes", damage.bytes}, {"what", json_string(damage.what)}};
  if (damage.events_lost) object["events_lost"] = *damage.events_lost;
  return object;
}

std::string line_of(const boost::json::object& object) {
  return boost::json::serialize(object) + "\n";
}

void refuse_json_beside(const std::string& output) {
  if (output != "-" && output != "/dev/stdout") return;
  throw UsageError("--json: standard output is taken by the tape; name a file with -o");
}

}  // namespace smtptape
