// Large pieces of memory that are used again: what the system gives has to be set to zero and
// mapped page by page when it is first touched, which takes as long as decompressing into it.  From
// any thread; rooms may outlive the pool.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "format/limits.h"
#include "format/tape/aligned_bytes.h"

namespace smtptape {

class RoomPool {
 public:
  // Of at least this size, with anything in it.
  [[nodiscard]] std::shared_ptr<AlignedBytes> take(std::size_t size) {
    std::unique_ptr<AlignedBytes> room = spare_->take(size);
    if (room == nullptr) {
      // A little more, which is not touched: the next group is as large, but for a little.
      room = std::make_unique<AlignedBytes>();
      room->resize(size + std::bit_ceil(size) / 8);
    }
    room->resize(size);
    const auto give_back = [spare = spare_](AlignedBytes* used) {
      spare->give(std::unique_ptr<AlignedBytes>(used));
    };
    return {room.release(), give_back};
  }

 private:
  class Spare {
   public:
    // The smallest that suffices; null: there is none.
    std::unique_ptr<AlignedBytes> take(std::size_t size) {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(
          rooms_.begin(), rooms_.end(), [size](const auto& room) { return room->room() >= size; });
      if (found == rooms_.end()) {
        // Those that are too small now will be next time.
        if (rooms_.size() == kMostRooms) drop_smallest();
        return nullptr;
      }
      std::unique_ptr<AlignedBytes> room = std::move(*found);
      rooms_.erase(found);
      bytes_ -= room->room();
      return room;
    }
    void give(std::unique_ptr<AlignedBytes> room) {
      const std::lock_guard lock(mutex_);
      const std::size_t size = room->room();
      if (rooms_.size() >= kMostRooms || bytes_ + size > kMostBytes) return;
      const auto at = std::find_if(rooms_.begin(), rooms_.end(), [size](const auto& other) {
        return other->room() >= size;
      });
      bytes_ += size;
      rooms_.insert(at, std::move(room));
    }

   private:
    void drop_smallest() {
      bytes_ -= rooms_.front()->room();
      rooms_.erase(rooms_.begin());
    }

    static constexpr std::size_t kMostRooms = 4;
    static constexpr std::size_t kMostBytes = 64 * kMiB;
    std::mutex mutex_;
    std::vector<std::unique_ptr<AlignedBytes>> rooms_;  // ascending by size
    std::size_t bytes_ = 0;
  };

  std::shared_ptr<Spare> spare_ = std::make_shared<Spare>();
};

}  // namespace smtptape
