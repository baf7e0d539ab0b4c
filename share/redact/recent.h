// What was found out about texts not long ago, by their hashes: most of a night's lines, replies
// and metadata come again and again.  Bounded; it forgets at will, and a miss only costs time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace smtptape {

template <class Value>
class Recent {
 public:
  // The remembered value; null: it has to be found out.
  [[nodiscard]] const Value* find(std::uint64_t hash) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[hash % kSlots];
    return slot.used && slot.hash == hash ? &slot.value : nullptr;
  }
  const Value& remember(std::uint64_t hash, Value value) {
    if (slots_.empty()) slots_.resize(kSlots);
    Slot& slot = slots_[hash % kSlots];
    slot = {hash, true, std::move(value)};
    return slot.value;
  }

 private:
  static constexpr std::size_t kSlots = 1 << 15;
  struct Slot {
    std::uint64_t hash = 0;
    bool used = false;
    Value value{};
  };
  std::vector<Slot> slots_;  // none yet, or kSlots
};

}  // namespace smtptape
