#include "capture/record/disk_threads.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "base/thread_name.h"

namespace smtptape {

namespace {

enum class Synced : std::uint8_t { Good, Failed, FailedBefore };

Synced sync_once(SyncPoint& file) {
  const std::lock_guard lock(file.syncing);
  if (file.error != 0) return Synced::FailedBefore;
  const std::uint64_t written = file.written;
  if (written == file.synced) return Synced::Good;
  SMTPTAPE_FAILPOINT("before-sync");
  if (!file.named) {
    file.error = sync_entries(file.directory, file.calls);
    if (file.error != 0) return Synced::Failed;
    file.named = true;
  }
  file.error = sync_data(file.fd.get(), file.calls);
  SMTPTAPE_FAILPOINT("after-sync");
  if (file.error != 0) return Synced::Failed;
  file.synced = written;
  return Synced::Good;
}

}  // namespace

bool sync_now(SyncPoint& file) {
  return sync_once(file) == Synced::Good;
}

DiskThreads::DiskThreads(std::chrono::nanoseconds sync_interval, std::size_t most_threads)
    : interval_(sync_interval), most_threads_(most_threads) {
  if (most_threads_ > 0) timekeeper_ = std::thread([this] { keep_time(); });
}

DiskThreads::~DiskThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  stopping_.notify_all();
  if (timekeeper_.joinable()) timekeeper_.join();
  for (std::thread& thread : threads_)
    thread.join();
}

void DiskThreads::watch(std::shared_ptr<SyncPoint> file) {
  const std::lock_guard lock(mutex_);
  files_.push_back(std::move(file));
}

void DiskThreads::leave(const std::shared_ptr<SyncPoint>& file) {
  const std::lock_guard lock(mutex_);
  std::erase(files_, file);
}

void DiskThreads::set_pulse(std::function<void()> pulse) {
  const std::lock_guard lock(mutex_);
  pulse_ = std::move(pulse);
}

DurationHistogram DiskThreads::durations() const {
  const std::lock_guard lock(mutex_);
  return durations_;
}

void DiskThreads::run(std::function<void()> job) {
  if (most_threads_ == 0) return job();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < most_threads_) {
      threads_.emplace_back([this] { work(); });
    }
  }
  changed_.notify_one();
}

void DiskThreads::work() {
  name_this_thread("tape-disk");
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopped_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds may want to leave(), and so the lock
    lock.lock();
  }
}

void DiskThreads::keep_time() {
  name_this_thread("tape-sync");
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, interval_, [this] { return stopped_; })) {
    lock.unlock();
    begin_pulse();
    begin_syncs();
    lock.lock();
  }
}

void DiskThreads::begin_pulse() {
  std::function<void()> pulse;
  {
    const std::lock_guard lock(mutex_);
    if (!pulse_ || std::exchange(pulses_, true)) return;
    pulse = pulse_;
  }
  run([this, pulse = std::move(pulse)] {
    pulse();
    const std::lock_guard lock(mutex_);
    pulses_ = false;
  });
}

void DiskThreads::begin_syncs() {
  std::vector<std::shared_ptr<SyncPoint>> files;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  for (std::shared_ptr<SyncPoint>& file : files) {
    if (file->written == file->synced || file->error != 0 || file->waits.exchange(true)) continue;
    run([this, file = std::move(file)] {
      file->waits = false;
      if (is_watched(file)) sync(*file);
    });
  }
}

bool DiskThreads::is_watched(const std::shared_ptr<SyncPoint>& file) const {
  const std::lock_guard lock(mutex_);
  return std::find(files_.begin(), files_.end(), file) != files_.end();
}

void DiskThreads::sync_all() {
  std::vector<std::shared_ptr<SyncPoint>> files;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  for (const std::shared_ptr<SyncPoint>& file : files)
    sync(*file);
}

void DiskThreads::sync(SyncPoint& file) {
  if (file.written == file.synced || file.error != 0) return;
  const auto began = std::chrono::steady_clock::now();
  const Synced result = sync_once(file);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  {
    const std::lock_guard lock(mutex_);
    durations_.add(took.count());
  }
  // Two threads may have had it in hand: it is told once.
  if (result == Synced::Failed && file.on_failure) file.on_failure();
}

}  // namespace smtptape
