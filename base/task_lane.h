// Tasks one after another on a thread of their own, so that the steps of some work overlap.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread_name.h"

namespace smtptape {

// Any thread may call.  The queue has no bound of its own: whoever adds waits for what it added
// some time before.
class TaskLane {
 public:
  // Counts the tasks of a lane, from 1.
  using Ticket = std::uint64_t;

  // `name`: of the thread.
  explicit TaskLane(const char* name)
      : thread_([this, name] {
          name_this_thread(name);
          work();
        }) {}
  // Waits for the task that runs; those that wait are dropped.
  ~TaskLane() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  TaskLane(const TaskLane&) = delete;
  TaskLane& operator=(const TaskLane&) = delete;

  // After one that threw nothing runs any more.
  Ticket add(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
    return ++added_;
  }

  // Until that task and all before it are done; throws what one of them threw.
  void wait(Ticket ticket) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ >= ticket || failure_ != nullptr; });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
      if (stopped_) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      if (failure_ == nullptr) run(task, lock);
      ++done_;
      changed_.notify_all();
    }
  }

  void run(const std::function<void()>& task, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    std::exception_ptr thrown;
    try {
      task();
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    failure_ = thrown;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  Ticket added_ = 0;
  Ticket done_ = 0;
  std::exception_ptr failure_;  // the first
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace smtptape
