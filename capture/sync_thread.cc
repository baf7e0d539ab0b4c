#include "capture/sync_thread.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/thread_name.h"

namespace smtptape {

bool sync_now(SyncPoint& file) {
  if (file.error != 0) return false;
  const std::uint64_t written = file.written;
  if (written == file.synced) return true;
  int failed = 0;
  do
    failed = ::fdatasync(file.fd.get());
  while (failed != 0 && errno == EINTR);
  if (failed != 0) {
    file.error = errno;
    return false;
  }
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
  file_ = std::move(file);
}

void SyncThread::work() {
  name_this_thread("tape-sync");
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, interval_, [this] { return stopped_; })) {
    const std::shared_ptr<SyncPoint> file = file_;
    if (!file) continue;
    lock.unlock();
    sync_now(*file);
    lock.lock();
  }
}

}  // namespace smtptape
