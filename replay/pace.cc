#include "replay/pace.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/time_spec.h"

namespace smtptape {

namespace {

// Longer pauses than this no clock can hold at every speed, and nobody waits for.
constexpr double kLongestSeconds = 10.0 * 365 * 86'400;

double seconds_between(std::int64_t from, std::int64_t to) {
  std::int64_t nanos = 0;
  if (__builtin_sub_overflow(to, from, &nanos)) return kLongestSeconds;
  return static_cast<double>(nanos) * 1e-9;
}

Pace::Clock::duration as_duration(double seconds) {
  return std::chrono::duration_cast<Pace::Clock::duration>(
      std::chrono::duration<double>(std::clamp(seconds, 0.0, kLongestSeconds)));
}

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

PaceOptions parse_pace(const std::optional<std::string>& speed,
                       const std::optional<std::string>& idle_limit) {
  PaceOptions pace;
  if (speed) pace.speed = parse_speed(*speed);
  if (!idle_limit) return pace;
  pace.idle_limit = parse_duration(*idle_limit, "--idle-limit");
  if (!pace.speed) {
    throw UsageError("--idle-limit: shortens pauses, and there are none at full speed; add " +
                     std::string("--speed 1"));
  }
  return pace;
}

Pace::Clock::time_point Pace::due(std::int64_t received, Clock::time_point now) {
  if (!latest_ || !options_.speed) {
    at_ = now;
    seconds_ = 0;
    latest_ = std::max(received, latest_.value_or(received));
    return now;
  }
  at_ += pause();  // when the event before this one was due
  seconds_ = received > *latest_ ? seconds_between(*latest_, received) : 0;
  latest_ = std::max(*latest_, received);
  return at_ + pause();
}

Pace::Clock::time_point Pace::would_be_due(std::int64_t received) const {
  if (!latest_) return Clock::time_point::min();
  const double behind = received > *latest_ ? seconds_between(*latest_, received) : 0;
  return at_ + pause() + pause_of(behind);
}

void Pace::set_speed(Speed speed, Clock::time_point now) {
  if (options_.speed) {
    // What is left of the pause, in recorded seconds; of one that was shortened, of what remained.
    const std::chrono::duration<double> left = at_ + pause() - std::max(now, at_);
    seconds_ = std::max(0.0, left.count()) * *options_.speed;
    at_ = std::max(now, at_);
  } else {
    at_ = now;
    seconds_ = 0;
  }
  options_.speed = speed;
}

Pace::Clock::duration Pace::pause_of(double seconds) const {
  const Clock::duration whole = as_duration(options_.speed ? seconds / *options_.speed : 0);
  return options_.idle_limit ? std::min<Clock::duration>(whole, *options_.idle_limit) : whole;
}

}  // namespace smtptape
