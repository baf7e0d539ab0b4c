// One pass through a recording, as kumod makes it for one subscriber: an event is made when it is
// due, whether the subscriber takes it or not; of those that wait for one that is slow, only the
// newest are kept, as many as kumod's ring holds.
//
// Who knows no speed doesn't call catch_up(): then everything waits for the subscriber.  The caller
// has the clock and the socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "filters/allow_list.h"
#include "format/event.h"
#include "format/limits.h"
#include "replay/faults.h"
#include "replay/pace.h"

namespace smtptape {

struct RingLimits {
  std::size_t events = 131'072;  // kumod's
  // kumod has no such bound, but it serves one feed.
  std::size_t bytes = 256 * kMiB;  // of the events' text
};

class Broadcast {
 public:
  struct Next {
    Event* event = nullptr;
    EventBatch* batch = nullptr;  // that owns it
    Pace::Clock::time_point due;
  };

  // `filter`: what the subscriber wants.  What is not for it counts in the ring like the rest.
  Broadcast(
      EventSource& source, AllowList& filter, Pace& pace, Faults& faults, const RingLimits& limits)
      : source_(source), filter_(filter), pace_(pace), faults_(faults), limits_(limits) {}

  // Reads more, when next() has nothing or catch_up() asks for it; false at the end.
  [[nodiscard]] bool read();
  // The next one for the subscriber; valid until it is asked again.
  [[nodiscard]] std::optional<Next> next(Pace::Clock::time_point now);
  // The subscriber made us wait until now: what was made meanwhile waits for it, and may be too
  // much.  True: read more, and ask again.
  [[nodiscard]] bool catch_up(Pace::Clock::time_point now);

  // After catch_up(): events that were dropped, and the newest that was made meanwhile.
  struct Missed {
    std::uint64_t events = 0;
    Next newest;
  };
  [[nodiscard]] std::optional<Missed> take_missed();

 private:
  struct Waiting {
    Next next;
    bool chosen = false;
  };

  bool look_at_next(Pace::Clock::time_point now);
  void drop_oldest();
  void take_off_oldest();

  EventSource& source_;
  AllowList& filter_;
  Pace& pace_;
  Faults& faults_;
  RingLimits limits_;
  std::deque<std::unique_ptr<EventBatch>> batches_;  // of what waits, and of what was given last
  std::unique_ptr<EventBatch> spare_;
  std::size_t looked_at_ = 0;    // events of the last batch
  std::deque<Waiting> waiting_;  // oldest first; only the last may not be made yet
  std::size_t bytes_ = 0;        // of what waits
  std::uint64_t missed_ = 0;
  Next newest_;
  bool at_end_ = false;
};

}  // namespace smtptape
