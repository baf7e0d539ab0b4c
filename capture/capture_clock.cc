#include "capture/capture_clock.h"

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
