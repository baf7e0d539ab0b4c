// A bump allocator for the bytes of one batch: grows, never moves what it handed out, and gives
// everything back at once.  Values only: no destructors run.  One thread at a time.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace smtptape {

class Arena {
 public:
  // Room for `size` bytes, uninitialized, aligned to 8.  Valid until clear() or destruction; moving
  // the arena keeps it valid.
  char* allocate(std::size_t size) {
    size = (size + 7) & ~std::size_t{7};
    if (size > left_) grow(size);
    char* const start = next_;
    next_ += size;
    left_ -= size;
    used_ += size;
    return start;
  }

  // Returns the tail of the newest allocation: `start` was allocated with `size`, `kept` are used.
  void shrink_last(const char* start, std::size_t size, std::size_t kept) {
    size = (size + 7) & ~std::size_t{7};
    kept = (kept + 7) & ~std::size_t{7};
    if (start + size != next_) return;
    next_ -= size - kept;
    left_ += size - kept;
    used_ -= size - kept;
  }

  std::string_view copy(std::string_view bytes) {
    if (bytes.empty()) return {};
    char* const start = allocate(bytes.size());
    std::memcpy(start, bytes.data(), bytes.size());
    return {start, bytes.size()};
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 8);
    return new (allocate(sizeof(T))) T{std::forward<Args>(args)...};
  }

  [[nodiscard]] std::size_t used() const { return used_; }

  // Forgets everything; the largest block is kept for the next batch, unless it is very large: one
  // batch with a huge frame must not cost its size for ever.
  static constexpr std::size_t kMostKept = 8 << 20;
  void clear() {
    if (!blocks_.empty() && blocks_.back().size > kMostKept) blocks_.clear();
    if (blocks_.size() > 1) {
      std::swap(blocks_.front(), blocks_.back());
      blocks_.resize(1);
    }
    next_ = blocks_.empty() ? nullptr : blocks_.front().bytes.get();
    left_ = blocks_.empty() ? 0 : blocks_.front().size;
    used_ = 0;
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };

  void grow(std::size_t size) {
    constexpr std::size_t kFirstBlock = 64 << 10;
    std::size_t next_size = blocks_.empty() ? kFirstBlock : blocks_.back().size * 2;
    if (next_size < size) next_size = size;
    blocks_.push_back({std::unique_ptr<char[]>(new char[next_size]), next_size});
    next_ = blocks_.back().bytes.get();
    left_ = next_size;
  }

  std::vector<Block> blocks_;  // sizes grow, so the last is the largest
  char* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t used_ = 0;
};

}  // namespace smtptape
