#include "replay/pace.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "base/error.h"

namespace smtptape {

namespace {

// Longer pauses than this no clock can hold at every speed, and nobody waits for.
constexpr double kLongestSeconds = 10.0 * 365 * 86'400;

}  // namespace

Speed parse_speed(std::string_view text) {
  if (text == "max") return std::nullopt;
  double factor = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, factor);
  if (error != std::errc{} || stop != end || !std::isfinite(factor) || factor <= 0) {
    throw UsageError("--speed " + std::string(text) +
                     ": want max, or how many times faster than recorded, as in 1 or 0.5");
  }
  return factor;
}

Pace::Clock::time_point Pace::due(std::int64_t received, Clock::time_point now) {
  if (!speed_) return now;
  if (!start_) start_ = {received, now};
  const double recorded =
      (static_cast<double>(received) - static_cast<double>(start_->received)) * 1e-9;
  const double seconds = std::clamp(recorded / *speed_, 0.0, kLongestSeconds);
  return start_->at +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace smtptape
