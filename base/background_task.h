// One task at a time on a thread of its own, so that two halves of some work share two cores.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread_name.h"

namespace smtptape {

// run() and wait() are called by one thread.
class BackgroundTask {
 public:
  // `name`: of the thread.
  explicit BackgroundTask(const char* name)
      : thread_([this, name] {
          name_this_thread(name);
          work();
        }) {}
  // Waits for the task that runs.
  ~BackgroundTask() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  // Waits for the task before; rethrows what it threw.
  void run(std::function<void()> task) {
    wait();
    {
      const std::lock_guard lock(mutex_);
      task_ = std::move(task);
    }
    changed_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return task_ == nullptr; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopped_ || task_ != nullptr; });
      if (task_ == nullptr) return;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        task_();  // nobody else touches it while it is set
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      failure_ = thrown;
      task_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  std::exception_ptr failure_;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace smtptape
