#include "cli/text/json_lines.h"

#include <boost/json/parse.hpp>

#include "base/error.h"

namespace smtptape {

boost::json::value json_value(std::string_view json) {
  return boost::json::parse({json.data(), json.size()});
}

boost::json::object json_of(const Damage& damage) {
  boost::json::object object{
      {"offset", damage.offset}, {"bytes", damage.bytes}, {"what", json_string(damage.what)}};
  if (damage.events_lost) object["events_lost"] = *damage.events_lost;
  return object;
}

void refuse_json_beside(const std::string& output) {
  if (output != "-" && output != "/dev/stdout") return;
  throw UsageError("--json: standard output is taken by the tape; name a file with -o");
}

}  // namespace smtptape
