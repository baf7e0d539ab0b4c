// How much memory something takes at its peak: counted by the sanitizer where there is one, for
// what it keeps aside itself would count as well; else as the system sees it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/support/peak_memory.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMTPTAPE_COUNTS_ALLOCATIONS
#include <sanitizer/allocator_interface.h>
#endif
#endif

namespace smtptape::testing {

#ifdef SMTPTAPE_COUNTS_ALLOCATIONS

class Allocations {
 public:
  static Allocations& all() {
    static Allocations counted;
    return counted;
  }
  void begin() { most_ = now_.load(); }
  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::int64_t most() const { return most_; }

 private:
  Allocations() {
    __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t size) { count(static_cast<std::int64_t>(size)); },
        [](const volatile void* bytes) {
          if (bytes == nullptr) return;
          count(-static_cast<std::int64_t>(
              __sanitizer_get_allocated_size(const_cast<const void*>(bytes))));
        });
  }
  static void count(std::int64_t size) {
    const std::int64_t now = now_ += size;
    for (std::int64_t most = most_; now > most && !most_.compare_exchange_weak(most, now);) {
    }
  }
  inline static std::atomic<std::int64_t> now_{0};
  inline static std::atomic<std::int64_t> most_{0};
};

template <class Work>
[[nodiscard]] std::optional<std::uint64_t> memory_use_of(Work work) {
  Allocations& all = Allocations::all();
  const std::int64_t before = all.now();
  all.begin();
  work();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, all.most() - before));
}

#else

template <class Work>
[[nodiscard]] std::optional<std::uint64_t> memory_use_of(Work work) {
  return peak_memory_of(work);
}

#endif

}  // namespace smtptape::testing
