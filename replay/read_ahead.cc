#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "replay/inputs.h"

namespace smtptape {

namespace {
constexpr std::size_t kMostBatches = 4;
}  // namespace

struct ReadAhead::Impl {
  explicit Impl(EventSource& from) : source(from), thread([this] { read(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  EventSource& source;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<EventBatch> ready;
  std::vector<EventBatch> spare;  // given back, so that their memory is used again
  bool ended = false;
  bool stopped = false;
  std::exception_ptr failure;
  std::thread thread;  // last: it uses the others

  void read() {
    for (;;) {
      EventBatch batch;
      if (!take_spare(batch)) return;
      bool more = false;
      std::exception_ptr thrown;
      try {
        more = source.next(batch);
      } catch (...) {
        thrown = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      if (more) {
        ready.push_back(std::move(batch));
      } else {
        ended = true;
        failure = thrown;
      }
      changed.notify_all();
      if (!more) return;
    }
  }

  // Waits until there is room; false when nobody wants more.
  bool take_spare(EventBatch& batch) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return stopped || ready.size() < kMostBatches; });
    if (!spare.empty()) {
      batch = std::move(spare.back());
      spare.pop_back();
    }
    return !stopped;
  }

  bool next(EventBatch& batch) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return ended || !ready.empty(); });
    if (ready.empty()) {
      if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
      return false;
    }
    std::swap(batch, ready.front());
    spare.push_back(std::move(ready.front()));
    ready.pop_front();
    changed.notify_all();
    return true;
  }
};

ReadAhead::ReadAhead(EventSource& source) : impl_(std::make_unique<Impl>(source)) {
}
ReadAhead::~ReadAhead() = default;
bool ReadAhead::next(EventBatch& batch) {
  return impl_->next(batch);
}

}  // namespace smtptape
