// The threads that record: each takes a source's turn from the queue, hands it to the recorder of
// that source, and comes again.  A source is in one worker's hands at a time.
//
// Threads: start() and join() on the thread that made it; the rest from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "capture/record/clocks.h"
#include "capture/record/event_queue.h"
#include "capture/record/recorder.h"

namespace smtptape {

class Workers {
 public:
  using Recorders = std::vector<std::unique_ptr<Recorder>>;
  // Done to a recorder by the worker that has its source in hand.
  using Task = std::function<void(Recorder& recorder, Now now)>;

  // One recorder a source.  `on_done` is called on a worker when nothing more is taken before the
  // queue's end.  The references outlive the threads.
  Workers(Recorders& recorders, EventQueue& queue, std::function<void()> on_done);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // As many as there are processors, two at least, and no more than sources.
  [[nodiscard]] static std::size_t usual_count(std::size_t sources);
  void start(std::size_t threads);
  // Tasks of a source are done in their order, and all of them before join() returns.
  void post(std::size_t source, Task task, EventQueue::When when = EventQueue::When::Soon);
  // Ends the queue, waits, and ends the recorders.  Gives back what went wrong.
  std::exception_ptr join();
  // How the recorders were a moment ago.
  [[nodiscard]] std::vector<RecorderReport> reports() const;

 private:
  // Frames of that size are handled one at a time, so that their copies don't add up.
  static constexpr std::uint64_t kLarge = 4 * kMiB;

  void work();
  std::optional<std::int64_t> handle(EventQueue::Turn& turn);
  void record(Recorder& recorder, const FrameChunk& chunk);
  void close_all();
  void fail(std::exception_ptr why);
  void look_whether_full(std::size_t source);
  std::optional<std::int64_t> publish(std::size_t source, bool at_once);
  void tell_done();

  struct Published {
    RecorderReport report;
    std::int64_t at = 0;  // of the steady clock
  };

  Recorders& recorders_;
  EventQueue& queue_;
  std::function<void()> on_done_;
  std::mutex large_;
  std::atomic<std::size_t> next_to_close_ = 0;
  mutable std::mutex mutex_;
  std::vector<Published> published_;  // by mutex_
  std::vector<bool> full_;            // by mutex_
  bool told_ = false;                 // by mutex_
  std::exception_ptr failure_;        // by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace smtptape
