// Blocks of 2 MiB that are used again, each one page where the system has such pages: to touch it
// first costs a quarter of what 512 small ones cost.  From any thread.
#pragma once

#include <cstddef>
#include <memory>

namespace smtptape {

inline constexpr std::size_t kLargeBlock = std::size_t{2} << 20;

struct GiveLargeBlockBack {
  void operator()(char* block) const;
};
using LargeBlock = std::unique_ptr<char, GiveLargeBlockBack>;

// With anything in it.  Some are kept for the next who asks, as long as anybody has one.
[[nodiscard]] LargeBlock take_large_block();

}  // namespace smtptape
