// Of the names of sessions, messages and recipients the one that is most like another.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/meta.h"
#include "store/read/inputs.h"

namespace smtptape {

// What is much like `name`: begins with it, or differs by little.
class NearestName {
 public:
  explicit NearestName(std::string_view name) : name_(name) {}
  void note(const Meta& meta);
  [[nodiscard]] const std::optional<std::string>& nearest() const { return nearest_; }

 private:
  void note(std::string_view candidate);

  std::string name_;
  std::optional<std::string> nearest_;
  std::size_t edits_ = 0;  // of the nearest
  MetaMemo<bool> seen_;
};

// Looks into the tapes for a few seconds at most; nullopt: nothing in them is much like it.
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view name,
                                                      const std::vector<std::string>& tapes,
                                                      const TimeWindow& window);

}  // namespace smtptape
