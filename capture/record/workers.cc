#include "capture/record/workers.h"

#include <algorithm>
#include <utility>

#include "base/thread_name.h"

namespace smtptape {

namespace {

constexpr std::int64_t kPublishInterval = kNanosPerSecond / 5;

}  // namespace

Workers::Workers(Recorders& recorders, EventQueue& queue, std::function<void()> on_done)
    : recorders_(recorders),
      queue_(queue),
      on_done_(std::move(on_done)),
      published_(recorders.size()),
      full_(recorders.size()) {
  for (std::size_t source = 0; source < recorders_.size(); ++source)
    static_cast<void>(publish(source, true));
}

Workers::~Workers() {
  static_cast<void>(join());
}

std::size_t Workers::usual_count(std::size_t sources) {
  const std::size_t processors = std::thread::hardware_concurrency();
  return std::clamp<std::size_t>(sources, 1, std::max<std::size_t>(processors, 2));
}

void Workers::start(std::size_t threads) {
  while (threads_.size() < threads)
    threads_.emplace_back([this] { work(); });
}

void Workers::post(std::size_t source, Task task, EventQueue::When when) {
  const auto queued = [this, source, task = std::move(task)] {
    task(*recorders_[source], this_moment());
    static_cast<void>(publish(source, true));
  };
  queue_.post(source, queued, when);
}

std::exception_ptr Workers::join() {
  if (threads_.empty()) return failure_;
  queue_.end();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
  // One that fails must not keep the others from ending well.
  for (std::size_t source = 0; source < recorders_.size(); ++source) {
    try {
      recorders_[source]->finish(this_moment());
    } catch (...) {
      fail(std::current_exception());
    }
    static_cast<void>(publish(source, true));
  }
  return failure_;
}

std::vector<RecorderReport> Workers::reports() const {
  const std::lock_guard lock(mutex_);
  std::vector<RecorderReport> reports;
  for (const Published& published : published_)
    reports.push_back(published.report);
  return reports;
}

void Workers::work() {
  name_this_thread("tape-worker");
  while (std::optional<EventQueue::Turn> turn = queue_.take()) {
    std::optional<std::int64_t> due;
    try {
      due = handle(*turn);
    } catch (...) {
      fail(std::current_exception());
      tell_done();
    }
    turn->items.clear();
    queue_.done(*turn, due);
  }
  close_all();
}

// When the source has something to do again.
std::optional<std::int64_t> Workers::handle(EventQueue::Turn& turn) {
  Recorder& recorder = *recorders_[turn.source];
  for (EventQueue::Item& item : turn.items) {
    if (const auto* const task = std::get_if<QueuedTask>(&item)) {
      (*task)();
    } else {
      record(recorder, std::get<FrameChunk>(item));
    }
    item = QueuedTask();  // what it held is given back
  }
  if (queue_.is_drained(turn.source)) recorder.tick(this_moment());
  if (recorder.full()) look_whether_full(turn.source);
  std::optional<std::int64_t> due = recorder.next_tick();
  const std::optional<std::int64_t> publish_at = publish(turn.source, turn.items.empty());
  return due && publish_at ? std::min(*due, *publish_at) : std::max(due, publish_at);
}

void Workers::record(Recorder& recorder, const FrameChunk& chunk) {
  std::unique_lock<std::mutex> alone;
  if (chunk.cost >= kLarge) alone = std::unique_lock(large_);
  recorder.record(chunk, this_moment());
}

void Workers::close_all() {
  for (;;) {
    const std::size_t source = next_to_close_++;
    if (source >= recorders_.size()) return;
    try {
      recorders_[source]->close(this_moment());
    } catch (...) {
      fail(std::current_exception());
    }
  }
}

void Workers::fail(std::exception_ptr why) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(why);
}

void Workers::look_whether_full(std::size_t source) {
  {
    const std::lock_guard lock(mutex_);
    full_[source] = true;
    if (!std::all_of(full_.begin(), full_.end(), [](bool full) { return full; })) return;
  }
  tell_done();
}

void Workers::tell_done() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(told_, true)) return;
  }
  on_done_();
}

// Called by whoever has the source in hand.  When it was done a moment ago: when to do it again.
std::optional<std::int64_t> Workers::publish(std::size_t source, bool at_once) {
  const std::int64_t now = this_moment().steady;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t next = published_[source].at + kPublishInterval;
    if (!at_once && now < next) return next;
  }
  Published published{recorders_[source]->report(), now};
  const std::lock_guard lock(mutex_);
  published_[source] = std::move(published);
  return std::nullopt;
}

}  // namespace smtptape
