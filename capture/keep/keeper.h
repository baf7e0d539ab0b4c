// Keeps a store within its limits while it is written, on a thread of its own: listing and deleting
// can take long, and recording must not wait for it.
//
// Whole tapes go, the oldest first (store/keep/retention.h).  Where that doesn't make enough
// room, recording pauses, goes on at the cost of young tapes, or stops, as was asked for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "base/file_calls.h"
#include "store/keep/prune.h"
#include "store/keep/retention.h"

namespace smtptape {

// What to do when there is no room, and what may be deleted is gone.
enum class OnFull : std::uint8_t {
  Drop,          // what comes is lost and counted, until there is room again
  DeleteOldest,  // as keep-free does, however young
  Stop,
};

struct KeeperOptions {
  RetentionLimits limits;
  OnFull on_full = OnFull::Drop;
  std::chrono::nanoseconds interval = std::chrono::seconds(10);
};

// Called on the keeper's thread.
struct KeeperHooks {
  std::function<std::int64_t()> now;
  std::function<bool()> disk_is_full;  // a tape can't be written for want of room
  std::function<void(const std::string& why)> pause;
  std::function<void()> resume;  // there is room: try to write at once
  std::function<void(const std::string& why)> stop;
  std::function<void(std::string_view line)> say;
};

struct KeeperReport {
  StoreTotals totals;
  std::uint64_t free_bytes = 0;                       // of the file system
  std::uint64_t wanted_free_bytes = 0;                // by keep-free; 0 without it
  std::map<std::string, std::uint64_t> pruned_bytes;  // by reason
};

class Keeper {
 public:
  // `calls` outlive it.
  Keeper(std::filesystem::path store,
         KeeperOptions options,
         KeeperHooks hooks,
         FileCalls& calls = system_file_calls());
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  // The first look comes at once.
  void start();
  // Waits for the look that runs; no hook is called any more.
  void stop();
  // From any thread: looks at once.
  void look_now();
  // Done on the keeper's thread, before the next look.
  void post(std::function<void()> task);
  // On the keeper's thread, or before start().
  void set_limits(const RetentionLimits& limits, OnFull on_full);
  [[nodiscard]] KeeperReport report() const;

  // One look; start() makes them again and again.
  void look();
  // The last one, after stop(), when nothing is written any more: so keep-free is left out.
  void look_for_the_last_time(RetentionLimits limits);

 private:
  void work();
  void look_and_prune();
  void account(const PruneReport& report);
  void tell_troubles(std::set<std::string> troubles);
  void make_room(PruneReport& report, bool full);
  void without_room(const std::string& why);

  KeeperOptions options_;
  KeeperHooks hooks_;
  FileCalls& calls_;
  StoreLister lister_;
  bool paused_ = false;
  bool stop_asked_ = false;
  std::set<std::string> troubles_;  // that last, and were told

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;                      // by mutex_
  bool look_now_ = false;                     // by mutex_
  std::vector<std::function<void()>> tasks_;  // by mutex_
  KeeperReport report_;                       // by mutex_
  std::thread thread_;
};

}  // namespace smtptape
