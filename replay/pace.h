// When to show or send what: as it was received, faster, slower, or as fast as it goes.
//
// Pure.  The clock starts at the first event that is asked about, whenever that was received, and
// what is due is reckoned from then on: who is late once is not late for ever.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtptape {

// How many times faster than it was received; nullopt: as fast as it goes.
using Speed = std::optional<double>;

// "max", or a positive number.  Throws UsageError.
[[nodiscard]] Speed parse_speed(std::string_view text);

struct PaceOptions {
  Speed speed;
  // No pause is longer than this, whatever the speed.
  std::optional<std::chrono::nanoseconds> idle_limit;
};

// Of --speed and --idle-limit, as they were given.  Throws UsageError, also for a limit of pauses
// where there are none.
[[nodiscard]] PaceOptions parse_pace(const std::optional<std::string>& speed,
                                     const std::optional<std::string>& idle_limit);

class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Pace(const PaceOptions& options) : options_(options) {}

  // The moment at which the next event, which was received then, is due.  Never before `now` of the
  // first call; receive times that go back are due with the event before.
  [[nodiscard]] Clock::time_point due(std::int64_t received, Clock::time_point now);

  // When it would be due; due() is not asked about it.
  [[nodiscard]] Clock::time_point would_be_due(std::int64_t received) const;

  // For who waits for an event that due() was asked about; due_again() tells its new moment.
  void set_speed(Speed speed, Clock::time_point now);
  void delay(Clock::duration by) { at_ += by; }
  [[nodiscard]] Clock::time_point due_again(Clock::time_point now) const {
    return options_.speed ? at_ + pause() : now;
  }

  // The next event is due at once, and the clock starts with it.
  void restart() { latest_.reset(); }

 private:
  [[nodiscard]] Clock::duration pause() const { return pause_of(seconds_); }
  [[nodiscard]] Clock::duration pause_of(double seconds) const;

  PaceOptions options_;
  std::optional<std::int64_t> latest_;  // receive time so far
  // The event that is next is due when so many recorded seconds have passed since then.
  Clock::time_point at_;
  double seconds_ = 0;
};

}  // namespace smtptape
