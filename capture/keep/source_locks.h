// The locks of the sources that a recorder writes.  Each says that nobody else may, and by its time
// of change when this recorder was alive for the last time, also when nothing comes and it is
// killed.
//
// Any thread.  One that waits for the disk holds up nobody who asks about another source.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "base/io.h"
#include "store/keep/store.h"

namespace smtptape {

class SourceLocks {
 public:
  explicit SourceLocks(Store store) : store_(std::move(store)) {}

  // Of one more source; the first has the index 0.  Throws TakenError when another has it.  Before
  // anything else is asked.
  void add(const std::string& source);
  // From now on touch() tells of it.
  void watch(std::size_t index) { locks_[index].watched = true; }
  // Somebody may have removed the store, or its locks, or put another in its place.  True when the
  // lock was gone, and was taken anew; throws TakenError when another was quicker.
  bool keep(std::size_t index);
  // This recorder is alive.
  void touch();

 private:
  struct Lock {
    std::string source;
    std::mutex mutex;
    UniqueFd fd;  // by mutex
    std::atomic<bool> watched = false;
  };

  [[nodiscard]] static UniqueFd copy_of(Lock& lock);

  const Store store_;
  std::deque<Lock> locks_;
};

}  // namespace smtptape
