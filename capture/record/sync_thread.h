// Hands the tapes that are being written to the disk, each interval, on a thread of its own:
// recording never waits for a disk.  What a power loss can cost is the flush interval, the sync
// interval and the time that the last sync took.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/io.h"
#include "capture/watch/status.h"

namespace smtptape {

// A file as its writer and the sync thread see it.
struct SyncPoint {
  SyncPoint(UniqueFd of, FileCalls& through) : fd(std::move(of)), calls(through) {}
  UniqueFd fd;
  FileCalls& calls;
  std::atomic<std::uint64_t> written = 0;  // handed to the system
  std::atomic<std::uint64_t> synced = 0;   // on the disk
  // errno of the sync that failed.  After that the system may have dropped what it held: the file
  // is never synced again, and whoever writes it must stop.
  std::atomic<int> error = 0;
  std::mutex syncing;  // one sync at a time
};

class SyncThread {
 public:
  explicit SyncThread(std::chrono::nanoseconds interval);
  // Waits for the sync that runs.
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;

  // From now on this file, too.
  void watch(std::shared_ptr<SyncPoint> file);
  // No longer; a sync of it that runs may still end.
  void leave(const std::shared_ptr<SyncPoint>& file);

  // What the thread does each interval, now, on the calling thread.
  void sync_all();
  // How long syncs took; from any thread.
  [[nodiscard]] DurationHistogram durations() const;
  [[nodiscard]] std::chrono::nanoseconds interval() const { return interval_; }

 private:
  void work();

  const std::chrono::nanoseconds interval_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<SyncPoint>> files_;  // by mutex_
  bool stopped_ = false;                           // by mutex_
  DurationHistogram durations_;                    // by mutex_
  std::thread thread_;                             // last: it uses the others
};

// Syncs what is not synced yet; false when that fails, now or before.
bool sync_now(SyncPoint& file);

}  // namespace smtptape
