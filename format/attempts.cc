#include "format/attempts.h"

#include <algorithm>

#include "format/wire/json.h"

namespace smtptape {

namespace {

PlannedHost read_host(JsonReader& reader) {
  PlannedHost host;
  std::string key;
  if (reader.peek() != JsonReader::Type::Object || !reader.enter_object()) return host;
  while (reader.next_key(key)) {
    const auto value = reader.skip_value();
    if (!value) break;
    if (key == "name") host.name = json_text(*value);
    if (key == "addr") host.address = json_text(*value);
    if (key == "is_secure") host.is_secure = *value == "true";
    key.clear();
  }
  return host;
}

}  // namespace

std::optional<std::string_view> attempted_target(std::string_view message) {
  constexpr std::string_view kAttempting = "Attempting connection to ";
  if (!message.starts_with(kAttempting)) return std::nullopt;
  return message.substr(kAttempting.size());
}

bool is_throttled(std::string_view message) {
  return message.starts_with("Connection rate throttled for ");
}

std::vector<PlannedHost> planned_hosts(std::string_view mx_plan_json) {
  std::vector<PlannedHost> plan;
  JsonReader reader(mx_plan_json);
  std::string key;
  if (reader.peek() != JsonReader::Type::Object || !reader.enter_object()) return plan;
  if (!reader.next_key(key) || key != "Addresses" || !reader.enter_array()) return plan;
  constexpr std::size_t kMostHosts = 256;
  while (plan.size() < kMostHosts && reader.next_element()) {
    const auto host = reader.skip_value();
    if (!host) break;
    JsonReader of_host(*host);
    plan.push_back(read_host(of_host));
  }
  std::reverse(plan.begin(), plan.end());
  return plan;
}

std::size_t place_in_plan(const std::vector<PlannedHost>& plan, std::string_view target) {
  const auto is_target = [target](const PlannedHost& host) {
    if (host.address.empty()) return false;
    if (host.address == target) return true;
    const std::string behind =
        target.starts_with('[') ? "[" + host.address + "]:" : host.address + ":";
    return target.starts_with(behind) && target.find(':', behind.size()) == std::string_view::npos;
  };
  const auto found = std::find_if(plan.begin(), plan.end(), is_target);
  return found == plan.end() ? 0 : static_cast<std::size_t>(found - plan.begin()) + 1;
}

}  // namespace smtptape
