// Threads that decode groups side by side, and one bound on what they hold.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "format/limits.h"
#include "format/tape/room_pool.h"

namespace smtptape {

// Any thread may call.  Tasks that were given and not begun are dropped at the end; what they would
// have used has to live until then.
class GroupPool {
 public:
  // Decoded groups that wait to be taken, all together.
  static constexpr std::uint64_t kMostBytes = 128 * kMiB;

  // As many threads as there are processors, up to a bound; fewer where no more can be had.  Where
  // there is none, whoever gives a task does it.
  GroupPool();
  explicit GroupPool(std::size_t threads);
  ~GroupPool();
  GroupPool(const GroupPool&) = delete;
  GroupPool& operator=(const GroupPool&) = delete;

  // Waits for the tasks that run; no other will.  By the thread that made it.
  void stop();

  // False: there is no room for so much now.
  [[nodiscard]] bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);

  // Throws nothing.
  void run(std::function<void()> task);
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }
  // What groups are decompressed into.
  [[nodiscard]] const RoomPool& rooms() const { return rooms_; }

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::uint64_t reserved_ = 0;
  bool stopped_ = false;
  RoomPool rooms_;
  std::vector<std::thread> threads_;  // last: they use the others
};

}  // namespace smtptape
