// The machine's clocks.
//
// Two of them matter while recording.  The steady one never steps: what waits or rotates goes by
// it.  The real one is what people read, and it can step: at the first synchronization after boot,
// when a suspended machine wakes, when somebody sets it.  What is recorded has real time, as it was
// at reception; so a window of time means what it says, also after a year.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/wall_time.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// One moment on both.
struct Moment {
  std::int64_t steady = 0;  // ns since some start: only differences mean anything
  std::int64_t real = 0;    // ns since 1970
};
[[nodiscard]] Moment this_moment();
[[nodiscard]] std::chrono::steady_clock::time_point steady_time_point(std::int64_t steady);

// Real time for what can't be taken back, such as to delete what is old: a clock that leaps ahead
// is believed only after it has stood by that for an hour.
class PatientClock {
 public:
  static constexpr std::int64_t kPatience = 3600 * std::int64_t{kNanosPerSecond};
  static constexpr std::int64_t kLeap = kNanosPerSecond;

  // The real time that is believed, ns since 1970.  Moments in their order.
  [[nodiscard]] std::int64_t time(Moment now);

 private:
  struct Leap {
    std::int64_t ahead = 0;
    std::int64_t since = 0;  // of the steady clock
  };
  std::optional<std::int64_t> ahead_;  // real minus steady, as believed
  std::optional<Leap> leap_;
};

// What a tape tells of all three: clock records.
[[nodiscard]] ClockReading read_clocks();
// Of the running system: monotonic times are comparable within one boot only.
[[nodiscard]] std::string read_boot_id();

}  // namespace smtptape
