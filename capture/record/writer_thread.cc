#include "capture/record/writer_thread.h"

#include <algorithm>
#include <utility>

#include "base/thread_name.h"

namespace smtptape {

namespace {

constexpr std::int64_t kPublishInterval = kNanosPerSecond / 5;

}  // namespace

WriterThread::WriterThread(Recorders& recorders, EventQueue& queue, std::function<void()> on_done)
    : recorders_(recorders), queue_(queue), on_done_(std::move(on_done)) {
  publish(true);
}

WriterThread::~WriterThread() {
  static_cast<void>(join());
}

void WriterThread::start() {
  thread_ = std::thread([this] { run(); });
}

void WriterThread::post(Task task, When when) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(task), when == When::InTurn ? queue_.pushed() : 0});
  }
  queue_.wake();
}

std::exception_ptr WriterThread::join() {
  if (thread_.joinable()) {
    queue_.end();
    thread_.join();
  }
  return failure_;
}

std::vector<RecorderReport> WriterThread::reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

void WriterThread::run() {
  name_this_thread("tape-writer");
  try {
    record_all();
    do_tasks(queue_.pushed());
  } catch (...) {
    failure_ = std::current_exception();
    on_done_();
  }
  finish();
  publish(true);
}

void WriterThread::record_all() {
  bool told = false;
  FrameChunk chunk;
  for (;;) {
    const EventQueue::Taken taken = queue_.take(chunk, deadline());
    if (taken == EventQueue::Taken::End) return;
    if (taken == EventQueue::Taken::Chunk) {
      recorders_[chunk.source]->record(chunk);
      ++recorded_;
    }
    do_tasks(recorded_);
    tick();
    publish(taken == EventQueue::Taken::Nothing);
    const bool full = std::all_of(recorders_.begin(), recorders_.end(), [](const auto& recorder) {
      return recorder->full();
    });
    if (full && !std::exchange(told, true)) on_done_();
  }
}

void WriterThread::do_tasks(std::uint64_t recorded) {
  for (;;) {
    Task task;
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.empty() || tasks_.front().after > recorded) return;
      task = std::move(tasks_.front().task);
      tasks_.pop_front();
    }
    task(recorders_, this_moment());
    publish(true);
  }
}

void WriterThread::tick() {
  const Moment now = this_moment();
  for (const auto& recorder : recorders_)
    recorder->tick(now);
}

// One that fails must not keep the others from ending well.
void WriterThread::finish() {
  for (const auto& recorder : recorders_) {
    try {
      recorder->finish(this_moment());
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

void WriterThread::publish(bool at_once) {
  const std::int64_t now = this_moment().steady;
  if (!at_once && now - published_ < kPublishInterval) return;
  published_ = now;
  std::vector<RecorderReport> reports;
  for (const auto& recorder : recorders_)
    reports.push_back(recorder->report());
  const std::lock_guard lock(mutex_);
  reports_ = std::move(reports);
}

std::optional<EventQueue::TimePoint> WriterThread::deadline() const {
  std::optional<std::int64_t> due;
  for (const auto& recorder : recorders_) {
    const std::optional<std::int64_t> next = recorder->next_tick();
    if (next && (!due || *next < *due)) due = next;
  }
  if (!due) return std::nullopt;
  return steady_time_point(*due);
}

}  // namespace smtptape
