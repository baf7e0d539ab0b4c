#include "base/large_blocks.h"

#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace smtptape {

namespace {

class Spare {
 public:
  char* take() {
    {
      const std::lock_guard lock(mutex_);
      ++in_use_;
      if (!blocks_.empty()) {
        char* const block = blocks_.back();
        blocks_.pop_back();
        return block;
      }
    }
    void* const block = std::aligned_alloc(kLargeBlock, kLargeBlock);
    if (block == nullptr) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    ::madvise(block, kLargeBlock, MADV_HUGEPAGE);  // where it can't be, pages are small
#endif
    return static_cast<char*>(block);
  }

  void give(char* block) {
    const std::lock_guard lock(mutex_);
    if (blocks_.size() < kMostKept) {
      blocks_.push_back(block);
    } else {
      std::free(block);  // NOLINT
    }
    if (--in_use_ > 0) return;
    for (char* const kept : blocks_)
      std::free(kept);  // NOLINT
    blocks_.clear();
  }

 private:
  static constexpr std::size_t kMostKept = 16;
  std::mutex mutex_;
  std::size_t in_use_ = 0;
  std::vector<char*> blocks_ = [] {
    std::vector<char*> none;
    none.reserve(kMostKept);
    return none;
  }();
};

// Never destroyed: blocks may be given back until the very end.
Spare& spare() {
  static Spare& the_only = *new Spare;
  return the_only;
}

}  // namespace

void GiveLargeBlockBack::operator()(char* block) const {
  spare().give(block);
}

LargeBlock take_large_block() {
  return LargeBlock(spare().take());
}

}  // namespace smtptape
