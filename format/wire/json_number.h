// Numbers and depth as serde_json takes them.  Private to format/wire.
#pragma once

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

namespace smtptape {

// serde_json gives up when it would enter the 128th container.
inline constexpr int kMaxJsonDepth = 127;

// The nearest double; infinite when there is none, zero when it is too small.
[[nodiscard]] inline double to_double(std::string_view number) {
  double value = 0;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
  if (result.ec != std::errc::result_out_of_range) return value;
  return std::strtod(std::string(number).c_str(), nullptr);
}

}  // namespace smtptape
