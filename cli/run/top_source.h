// Where the events of `smtptape top` come from: a recording that is followed, or the live feed.
// Read on a thread of its own; whoever draws takes what has come.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "capture/feed/feed.h"
#include "filters/request.h"
#include "format/event.h"
#include "store/follow/follow.h"
#include "store/plan/selection.h"

namespace smtptape {

// Batches between the two threads.
class TopQueue {
 public:
  static constexpr std::string_view kEnded = "ended";  // a state: nothing more comes
  static constexpr std::size_t kMostBatches = 16;      // then a recording waits
  static constexpr std::size_t kMostBytes = 64 << 20;  // then the feed's events are left out

  // Waits for room.  False: stopped.
  bool put(std::unique_ptr<EventBatch> batch, const std::stop_token& stop);
  // Does not wait: what there is no room for is left out, and counted.
  void put_or_leave_out(std::unique_ptr<EventBatch> batch, std::size_t bytes);
  void tell(std::string_view line);
  // In a word: "live", "ended".
  void set_state(std::string_view state);

  [[nodiscard]] std::unique_ptr<EventBatch> take();  // null: nothing is there
  [[nodiscard]] std::optional<std::string> take_line();
  [[nodiscard]] std::string state() const;

 private:
  struct Waiting {
    std::unique_ptr<EventBatch> batch;
    std::size_t bytes = 0;
  };
  mutable std::mutex mutex_;
  std::condition_variable_any taken_;
  std::deque<Waiting> batches_;
  std::deque<std::string> lines_;  // the last few
  std::size_t bytes_ = 0;
  std::uint64_t left_out_ = 0;
  std::string state_ = "live";
};

// A thread that fills the queue, until it is destroyed.  The queue outlives it.
[[nodiscard]] std::jthread follow_recording(FollowOptions options,
                                            Selection selection,
                                            TopQueue& queue);
// Connects again when the connection ends.
[[nodiscard]] std::jthread follow_live(FeedOptions options, TraceRequest request, TopQueue& queue);

}  // namespace smtptape
