// The thread that writes: takes from the queue what the network thread put there, and hands it to
// the recorder of its source.
//
// Threads: everything but the tasks is called on the thread that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "capture/record/clocks.h"
#include "capture/record/event_queue.h"
#include "capture/record/recorder.h"

namespace smtptape {

class WriterThread {
 public:
  using Recorders = std::vector<std::unique_ptr<Recorder>>;
  // Done on the writer thread, between two chunks.
  using Task = std::function<void(Recorders& recorders, Moment now)>;

  // One recorder a source.  `on_done` is called on the writer thread when nothing more is taken
  // before the queue's end.  The references outlive the thread.
  WriterThread(Recorders& recorders, EventQueue& queue, std::function<void()> on_done);
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  void start();
  // From any thread.  Tasks are done in their order, and all of them before join() returns.
  enum class When : std::uint8_t {
    Soon,    // between two chunks
    InTurn,  // when all is recorded that was in the queue before this call
  };
  void post(Task task, When when = When::Soon);
  // Nothing more comes.  Gives back what went wrong.
  std::exception_ptr join();
  // How the recorders were a moment ago, from any thread.
  [[nodiscard]] std::vector<RecorderReport> reports() const;

 private:
  void run();
  void record_all();
  void do_tasks(std::uint64_t recorded);
  void tick();
  void finish();
  void publish(bool at_once);
  [[nodiscard]] std::optional<EventQueue::TimePoint> deadline() const;

  Recorders& recorders_;
  EventQueue& queue_;
  std::function<void()> on_done_;
  std::uint64_t recorded_ = 0;  // chunks
  std::int64_t published_ = 0;  // when, of the steady clock
  mutable std::mutex mutex_;
  struct Waiting {
    Task task;
    std::uint64_t after = 0;  // so many chunks
  };
  std::deque<Waiting> tasks_;            // by mutex_
  std::vector<RecorderReport> reports_;  // by mutex_
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace smtptape
