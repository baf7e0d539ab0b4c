// A fuzzer's bytes as a row of choices.  Where they end every choice is the first, so that whatever
// is made of them ends, too.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace smtptape {

class Choices {
 public:
  explicit Choices(std::string_view bytes) : left_(bytes) {}

  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return first;
  }
  std::uint64_t below(std::uint64_t most) {
    std::uint64_t value = byte();
    for (std::uint64_t reach = 256; reach < most && reach < (std::uint64_t{1} << 56); reach <<= 8)
      value = value << 8 | byte();
    return value % most;
  }
  // Seldom, and never once the bytes have ended.
  bool seldom() { return byte() >= 240; }
  // One where something may go wrong, or any.
  std::uint64_t number() {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    constexpr std::array<std::uint64_t, 12> kOdd{
        0, 1, 2, 7, 255, 65536, 1 << 20, 1 << 29, 0x7fffffff, 0xffffffff, kMost / 2, kMost};
    const std::uint64_t which = below(16);
    return which < kOdd.size() ? kOdd[which] : below(kMost);
  }
  template <class Values>
  auto one_of(const Values& values) {
    return values[below(values.size())];
  }
  std::string_view bytes(std::size_t most) {
    const std::string_view taken = left_.substr(0, below(most + 1));
    left_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view left_;
};

}  // namespace smtptape
