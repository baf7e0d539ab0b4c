// When to send what: as it was received, faster, slower, or as fast as it goes.
//
// The clock starts at the first event that is asked about, whenever that was received.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace smtptape {

// How many times faster than it was received; nullopt: as fast as it goes.
using Speed = std::optional<double>;

// "max", or a positive number.  Throws UsageError.
[[nodiscard]] Speed parse_speed(std::string_view text);

class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Pace(Speed speed) : speed_(speed) {}

  // The moment at which an event that was received then is due.  Never before `now` of the first
  // call; receive times that go back are due at once.
  [[nodiscard]] Clock::time_point due(std::int64_t received, Clock::time_point now);

 private:
  struct Start {
    std::int64_t received;
    Clock::time_point at;
  };
  Speed speed_;
  std::optional<Start> start_;
};

}  // namespace smtptape
