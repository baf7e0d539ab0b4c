#include "capture/record/clocks.h"

#include <cstdlib>
#include <ctime>
#include <fstream>

#include "base/wall_time.h"

namespace smtptape {

namespace {

std::int64_t nanos_of(clockid_t clock) {
  std::timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * std::int64_t{kNanosPerSecond} + time.tv_nsec;
}

}  // namespace

Now this_moment() {
  return {nanos_of(CLOCK_MONOTONIC), nanos_of(CLOCK_REALTIME)};
}

// libstdc++'s and libc++'s steady clock is CLOCK_MONOTONIC.
std::chrono::steady_clock::time_point steady_time_point(std::int64_t steady) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(steady));
}

std::int64_t PatientClock::time(Now now) {
  const std::int64_t ahead = now.real - now.steady;
  if (!ahead_ || ahead - *ahead_ <= kLeap) {
    ahead_ = ahead;
    leap_.reset();
  } else if (!leap_ || std::abs(ahead - leap_->ahead) > kLeap) {
    leap_ = {ahead, now.steady};
  } else if (now.steady - leap_->since >= kPatience) {
    ahead_ = ahead;
  }
  return now.steady + *ahead_;
}

ClockReading read_clocks() {
  return {nanos_of(CLOCK_REALTIME), nanos_of(CLOCK_MONOTONIC), nanos_of(CLOCK_BOOTTIME)};
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace smtptape
