#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/thread_name.h"
#include "format/limits.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {
constexpr std::size_t kMostBatches = 8;
constexpr std::size_t kMostBytes = 8 * kMiB;  // beyond this one batch waits at a time
// To wake a thread takes about as long as half a batch: who waits is woken for several of them,
// unless they are long in coming.
constexpr std::size_t kEnough = 3;
constexpr std::chrono::milliseconds kLong{1};

std::size_t bytes_of(const EventBatch& batch) {
  std::size_t bytes = batch.events.size() * sizeof(Event);
  for (const Event& event : batch.events) {
    bytes += event.text.size() + (event.verbatim == nullptr ? 0 : event.verbatim->frame.size());
  }
  return bytes;
}
}  // namespace

struct ReadAhead::Impl {
  explicit Impl(EventSource& from) : source(from) {
    try {
      thread = std::thread([this] { read(); });
    } catch (const std::system_error&) {
      // No more can be had: what is wanted is read when it is wanted.
    }
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
    }
    taken.notify_all();
    if (thread.joinable()) thread.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  EventSource& source;
  std::mutex mutex;
  std::condition_variable came;   // for who takes batches
  std::condition_variable taken;  // for who reads them
  std::deque<EventBatch> ready;
  std::size_t awaited = 1;  // so many of these
  std::size_t ready_bytes = 0;
  std::size_t given_bytes = 0;    // of the batch that was given out last
  std::vector<EventBatch> spare;  // given back, so that their memory is used again
  bool began = false;             // something was waited for before
  bool ended = false;
  bool stopped = false;
  std::exception_ptr failure;
  std::thread thread;  // last: it uses the others

  void read() {
    name_this_thread("read-ahead");
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
        ready_bytes += bytes_of(batch);
        ready.push_back(std::move(batch));
      } else {
        ended = true;
        failure = thrown;
      }
      if (ended || ready.size() >= awaited || !has_room()) came.notify_one();
      if (!more) return;
    }
  }

  // Waits until there is room; false when nobody wants more.
  bool take_spare(EventBatch& batch) {
    std::unique_lock lock(mutex);
    taken.wait(lock, [this] { return stopped || has_room(); });
    if (!spare.empty()) {
      batch = std::move(spare.back());
      spare.pop_back();
    }
    return !stopped;
  }

  [[nodiscard]] bool has_room() const {
    return ready.size() < kMostBatches && ready_bytes < kMostBytes;
  }

  bool next(EventBatch& batch) {
    if (!thread.joinable()) return source.next(batch);
    if (given_bytes >= kMostBytes) batch = EventBatch{};  // give back what a large frame took
    batch.clear();  // what it pins, groups of a tape among it, is not to wait with the spare ones
    std::unique_lock lock(mutex);
    wait(lock);
    if (ready.empty()) {
      if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
      return false;
    }
    std::swap(batch, ready.front());
    given_bytes = bytes_of(batch);
    ready_bytes -= given_bytes;
    spare.push_back(std::move(ready.front()));
    ready.pop_front();
    taken.notify_one();
    return true;
  }

  void wait(std::unique_lock<std::mutex>& lock) {
    if (ended || !ready.empty()) return;
    // The first batch is shown at once.
    if (std::exchange(began, true)) {
      awaited = kEnough;
      came.wait_for(lock, kLong, [this] {
        return ended || ready.size() >= awaited || (!ready.empty() && !has_room());
      });
    }
    awaited = 1;
    came.wait(lock, [this] { return ended || !ready.empty(); });
  }
};

ReadAhead::ReadAhead(EventSource& source) : impl_(std::make_unique<Impl>(source)) {
}
ReadAhead::~ReadAhead() = default;
bool ReadAhead::next(EventBatch& batch) {
  return impl_->next(batch);
}

}  // namespace smtptape
