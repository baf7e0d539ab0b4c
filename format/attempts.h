// Where KumoMTA says that it connects to: hosts of the plan in the metadata, and attempts in its
// diagnostics.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

struct PlannedHost {
  std::string name;
  std::string address;
  bool is_secure = false;
};

// "Attempting connection to TARGET"
[[nodiscard]] std::optional<std::string_view> attempted_target(std::string_view message);
// "Connection rate throttled for …"
[[nodiscard]] bool is_throttled(std::string_view message);

// In the order of use.
[[nodiscard]] std::vector<PlannedHost> planned_hosts(std::string_view mx_plan_json);
// Its place from 1 on; 0: it is not in the plan.
[[nodiscard]] std::size_t place_in_plan(const std::vector<PlannedHost>& plan,
                                        std::string_view target);

}  // namespace smtptape
