// Numbers of things: added, and in sentences.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace smtptape {

// Counts that others tell us end here: what is more is this.
inline constexpr std::uint64_t kMostCounted = std::numeric_limits<std::uint64_t>::max();
[[nodiscard]] constexpr std::uint64_t capped_sum(std::uint64_t a, std::uint64_t b) {
  return a > kMostCounted - b ? kMostCounted : a + b;
}

// "1 tape", "2 tapes"; `many` where an s is not enough.
[[nodiscard]] inline std::string counted(std::uint64_t count,
                                         std::string_view one,
                                         std::string_view many = {}) {
  std::string text = std::to_string(count) + " ";
  if (count != 1 && !many.empty()) return text.append(many);
  text.append(one);
  return count == 1 ? text : text + "s";
}

// "once", "twice", "3 times"
[[nodiscard]] inline std::string times(std::uint64_t count) {
  if (count == 1) return "once";
  if (count == 2) return "twice";
  return std::to_string(count) + " times";
}

}  // namespace smtptape
