// What can take long on a disk happens here, away from what records: syncs, the ends of tapes,
// closing them.
//
// Each interval, every tape that is being written is handed to the disk.  What a power loss can
// cost is the flush interval, the sync interval and the time that the last sync took.  Several
// threads, since one slow sync must not delay those of other files; a thread is started when all
// the others are busy, up to a bound.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/io.h"
#include "capture/watch/status.h"

namespace smtptape {

// A file as its writer and the disk threads see it.
struct SyncPoint {
  SyncPoint(UniqueFd of, FileCalls& through, std::filesystem::path in)
      : fd(std::move(of)), calls(through), directory(std::move(in)) {}
  UniqueFd fd;
  FileCalls& calls;
  const std::filesystem::path directory;   // where its name is
  std::atomic<std::uint64_t> written = 0;  // handed to the system
  std::atomic<std::uint64_t> synced = 0;   // on the disk, and so is its name
  // errno of the sync that failed.  After that the system may have dropped what it held: the file
  // is never synced again, and whoever writes it must stop.
  std::atomic<int> error = 0;
  std::mutex syncing;                // one sync at a time
  bool named = false;                // by syncing: its name is on the disk
  std::atomic<bool> waits = false;   // for a thread
  std::function<void()> on_failure;  // called on a disk thread; set before it is watched
};

class DiskThreads {
 public:
  static constexpr std::size_t kMostThreads = 8;

  // With `most_threads` 0 everything is done on the thread that asks for it, and syncs when
  // sync_all() is called.
  explicit DiskThreads(std::chrono::nanoseconds sync_interval,
                       std::size_t most_threads = kMostThreads);
  // Does what is left.
  ~DiskThreads();
  DiskThreads(const DiskThreads&) = delete;
  DiskThreads& operator=(const DiskThreads&) = delete;

  // From now on this file is synced, too.
  void watch(std::shared_ptr<SyncPoint> file);
  // No longer; a sync of it that runs may still end.
  void leave(const std::shared_ptr<SyncPoint>& file);
  // From any thread: does it as soon as a thread is free.  It must not throw.
  void run(std::function<void()> job);
  // Done each interval, as a job: not again before it has ended.  It must not throw.
  void set_pulse(std::function<void()> pulse);

  // What is done each interval, now, on the calling thread.
  void sync_all();
  // How long syncs took; from any thread.
  [[nodiscard]] DurationHistogram durations() const;
  [[nodiscard]] std::chrono::nanoseconds interval() const { return interval_; }

 private:
  void keep_time();
  void work();
  void sync(SyncPoint& file);
  void begin_pulse();
  void begin_syncs();
  [[nodiscard]] bool is_watched(const std::shared_ptr<SyncPoint>& file) const;

  const std::chrono::nanoseconds interval_;
  const std::size_t most_threads_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable stopping_;
  std::vector<std::shared_ptr<SyncPoint>> files_;  // by mutex_
  std::deque<std::function<void()>> jobs_;         // by mutex_
  std::vector<std::thread> threads_;               // by mutex_
  std::size_t idle_ = 0;                           // by mutex_
  std::function<void()> pulse_;                    // by mutex_
  bool pulses_ = false;                            // by mutex_: it is being done
  bool stopped_ = false;                           // by mutex_
  DurationHistogram durations_;                    // by mutex_
  std::thread timekeeper_;                         // last: it uses the others
};

// Syncs what is not synced yet, the file's name first; false when that fails, now or before.
bool sync_now(SyncPoint& file);

}  // namespace smtptape
