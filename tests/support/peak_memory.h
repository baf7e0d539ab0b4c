// How much memory something takes at its peak, beyond what the process had before: counted by the
// address sanitizer where there is one, for what it keeps aside itself would count as well; else as
// the system sees it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include "tests/support/sanitized.h"

#if defined(__SANITIZE_ADDRESS__)
#define SMTPTAPE_COUNTS_ALLOCATIONS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMTPTAPE_COUNTS_ALLOCATIONS
#endif
#endif
#ifdef SMTPTAPE_COUNTS_ALLOCATIONS
// As in clang's sanitizer/allocator_interface.h, which gcc doesn't have.
extern "C" {
std::size_t __sanitizer_get_allocated_size(const volatile void* bytes);  // NOLINT
int __sanitizer_install_malloc_and_free_hooks(                           // NOLINT
    void (*malloc_hook)(const volatile void*, std::size_t),
    void (*free_hook)(const volatile void*));
}
#endif

namespace smtptape::testing {

// KiB of a line of /proc/self/status.
inline std::uint64_t own_memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

// In bytes; nullopt where nobody knows.
template <class Work>
[[nodiscard]] std::optional<std::uint64_t> peak_memory_of(Work work);

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
          count(-static_cast<std::int64_t>(__sanitizer_get_allocated_size(bytes)));
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
std::optional<std::uint64_t> peak_memory_of(Work work) {
  Allocations& all = Allocations::all();
  const std::int64_t before = all.now();
  all.begin();
  work();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, all.most() - before));
}

#else

template <class Work>
std::optional<std::uint64_t> peak_memory_of(Work work) {
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;
  const std::uint64_t before = own_memory("VmRSS");
  const std::uint64_t peak_before = own_memory("VmHWM");
  work();
  // The system doesn't start the count anew, or what a sanitizer keeps is in it.
  if (kSanitized || peak_before > before + 8 * 1024) return std::nullopt;
  // The system counts by processors and adds up later, so that the peak may be told as less than
  // what was there before: then nothing was taken that could be seen.
  const std::uint64_t peak = own_memory("VmHWM");
  return (std::max(peak, before) - before) * 1024;
}

#endif

}  // namespace smtptape::testing
