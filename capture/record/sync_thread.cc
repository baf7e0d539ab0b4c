#include "capture/record/sync_thread.h"

#include <utility>

#include "base/failpoint.h"
#include "base/thread_name.h"

namespace smtptape {

bool sync_now(SyncPoint& file) {
  const std::lock_guard lock(file.syncing);
  if (file.error != 0) return false;
  const std::uint64_t written = file.written;
  if (written == file.synced) return true;
  SMTPTAPE_FAILPOINT("before-sync");
  file.error = sync_data(file.fd.get(), file.calls);
  SMTPTAPE_FAILPOINT("after-sync");
  if (file.error != 0) return false;
  file.synced = written;
  return true;
}

SyncThread::SyncThread(std::chrono::nanoseconds interval)
    : interval_(interval), thread_([this] { work(); }) {
}

SyncThread::~SyncThread() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SyncThread::watch(std::shared_ptr<SyncPoint> file) {
  const std::lock_guard lock(mutex_);
  files_.push_back(std::move(file));
}

void SyncThread::leave(const std::shared_ptr<SyncPoint>& file) {
  const std::lock_guard lock(mutex_);
  std::erase(files_, file);
}

void SyncThread::sync_all() {
  std::vector<std::shared_ptr<SyncPoint>> files;
  {
    const std::lock_guard lock(mutex_);
    files = files_;
  }
  for (const std::shared_ptr<SyncPoint>& file : files) {
    if (file->written == file->synced) continue;
    const auto began = std::chrono::steady_clock::now();
    sync_now(*file);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const std::lock_guard lock(mutex_);
    durations_.add(took.count());
  }
}

DurationHistogram SyncThread::durations() const {
  const std::lock_guard lock(mutex_);
  return durations_;
}

void SyncThread::work() {
  name_this_thread("tape-sync");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, interval_, [this] { return stopped_; })) {
    lock.unlock();
    sync_all();
    lock.lock();
  }
}

}  // namespace smtptape
