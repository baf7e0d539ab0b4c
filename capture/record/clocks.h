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

// What time it is, and when something arrived: two types that don't convert.  A recorder that is
// behind handles what arrived seconds ago.  What decides about the stream (batches, groups, tapes,
// gaps) goes by arrival, so that a late recorder leaves the tapes that one on time would have left;
// what decides about ourselves (syncs, pauses after a failure, retention) goes by now.
struct Now {
  std::int64_t steady = 0;  // ns since some start: only differences mean anything
  std::int64_t real = 0;    // ns since 1970
};
struct Arrival {
  std::int64_t steady = 0;
  std::int64_t real = 0;
};
[[nodiscard]] Now this_moment();
// Of what is taken from the network at this moment, and nowhere else.
[[nodiscard]] constexpr Arrival arriving(Now now) {
  return {now.steady, now.real};
}
[[nodiscard]] std::chrono::steady_clock::time_point steady_time_point(std::int64_t steady);

// Real time for what can't be taken back, such as to delete what is old: a clock that leaps ahead
// is believed only after it has stood by that for an hour.
class PatientClock {
 public:
  static constexpr std::int64_t kPatience = 3600 * std::int64_t{kNanosPerSecond};
  static constexpr std::int64_t kLeap = kNanosPerSecond;

  // The real time that is believed, ns since 1970.  Moments in their order.
  [[nodiscard]] std::int64_t time(Now now);

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
