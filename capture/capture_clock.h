// Receive time: real time as it was when the capture began, carried on by the monotonic clock, so
// that it never steps.  How far the two have parted is told by the clock records of the tapes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "format/tape/tape_info.h"

namespace smtptape {

[[nodiscard]] ClockReading read_clocks();
// Of the running system: monotonic times are comparable within one boot only.
[[nodiscard]] std::string read_boot_id();

// Immutable: any thread.
class CaptureClock {
 public:
  using Steady = std::chrono::steady_clock;

  CaptureClock() : realtime_(read_clocks().realtime), steady_(Steady::now()) {}

  // ns since 1970.
  [[nodiscard]] std::int64_t now() const {
    const std::chrono::nanoseconds passed = Steady::now() - steady_;
    return realtime_ + passed.count();
  }
  [[nodiscard]] Steady::time_point steady_at(std::int64_t time) const {
    return steady_ + std::chrono::nanoseconds(time - realtime_);
  }

 private:
  std::int64_t realtime_;
  Steady::time_point steady_;
};

}  // namespace smtptape
