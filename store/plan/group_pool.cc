#include "store/plan/group_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/thread_name.h"

namespace smtptape {

namespace {
constexpr std::size_t kMostThreads = 8;
}  // namespace

GroupPool::GroupPool()
    : GroupPool(std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostThreads)) {
}

GroupPool::GroupPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      return;  // those that there are will do
    }
  }
}

GroupPool::~GroupPool() {
  stop();
}

void GroupPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    tasks_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

bool GroupPool::reserve(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > kMostBytes - std::min(reserved_, kMostBytes)) return false;
  reserved_ += bytes;
  return true;
}

void GroupPool::release(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  reserved_ -= bytes;
}

void GroupPool::run(std::function<void()> task) {
  if (threads_.empty()) return task();
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void GroupPool::work() {
  name_this_thread("decode");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
    if (stopped_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds may come back to us
    lock.lock();
  }
}

}  // namespace smtptape
