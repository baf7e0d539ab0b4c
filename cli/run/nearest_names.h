// Of the names of sessions, messages and recipients the one that is most like another.
#pragma once

#include <cstdint>
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
  enum class Among : std::uint8_t { Everything, Sessions, Messages };
  explicit NearestName(std::string_view name, Among among = Among::Everything)
      : name_(name), among_(among) {}
  [[nodiscard]] const std::string& name() const { return name_; }
  void note(const Meta& meta);
  [[nodiscard]] const std::optional<std::string>& nearest() const { return nearest_; }

 private:
  void note(std::string_view candidate);

  std::string name_;
  Among among_;
  std::optional<std::string> nearest_;
  std::size_t edits_ = 0;  // of the nearest
  MetaMemo<bool> seen_;
};

// Looks into the tapes for a few seconds at most; nullopt: nothing in them is much like it.
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view name,
                                                      const std::vector<std::string>& tapes,
                                                      const TimeWindow& window);

}  // namespace smtptape
