// What was given out already: tapes may overlap, and copies hold what their originals hold.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "format/event.h"

namespace smtptape {

// Gaps that were given out; a copy of a tape holds those of its origin again.
class SeenGaps {
 public:
  // False when it was there already.
  bool add(const Gap& gap) {
    const Id128 capture = gap.origin == nullptr ? Id128{} : gap.origin->capture;
    return seen_
        .emplace(capture,
                 gap.cause,
                 gap.after_sequence,
                 gap.before_sequence,
                 gap.from,
                 gap.until,
                 gap.notice_sequence)
        .second;
  }

 private:
  using Key = std::tuple<Id128,
                         GapCause,
                         std::uint64_t,
                         std::uint64_t,
                         std::int64_t,
                         std::int64_t,
                         std::uint64_t>;
  std::set<Key> seen_;
};

// Which sequence numbers of a capture were given out, as ranges.  They nearly always ascend, so
// that a number is looked for at the end.
//
// Bounded: of very many ranges the older half is forgotten, and what lies there counts as new: an
// event twice is better than none.
class Seen {
 public:
  static constexpr std::size_t kMostRanges = 1 << 17;  // 2 MiB

  // False when it was there already.
  bool add(std::uint64_t sequence) {
    if (ranges_.empty() || sequence > ranges_.back().last) {
      append(sequence);
      return true;
    }
    if (sequence >= ranges_.back().first) return false;
    return insert(sequence);
  }
  // Nothing of this number or above was there.
  [[nodiscard]] bool none_from(std::uint64_t sequence) const {
    return ranges_.empty() || sequence > ranges_.back().last;
  }
  [[nodiscard]] std::size_t ranges() const { return ranges_.size(); }

 private:
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };

  void append(std::uint64_t sequence) {
    if (!ranges_.empty() && ranges_.back().last + 1 == sequence) {
      ranges_.back().last = sequence;
      return;
    }
    if (ranges_.size() == kMostRanges) {
      ranges_.erase(ranges_.begin(), ranges_.begin() + kMostRanges / 2);
    }
    ranges_.push_back({sequence, sequence});
  }

  bool insert(std::uint64_t sequence) {
    auto next = std::upper_bound(
        ranges_.begin(), ranges_.end(), sequence, [](std::uint64_t number, const Range& range) {
          return number < range.first;
        });
    const bool has_before = next != ranges_.begin();
    if (has_before && sequence <= (next - 1)->last) return false;
    const bool joins_before = has_before && (next - 1)->last + 1 == sequence;
    const bool joins_next = next->first == sequence + 1;  // there is one: append() has the others
    if (joins_before && joins_next) {
      next->first = (next - 1)->first;
      ranges_.erase(next - 1);
    } else if (joins_before) {
      (next - 1)->last = sequence;
    } else if (joins_next) {
      next->first = sequence;
    } else if (ranges_.size() < kMostRanges) {
      ranges_.insert(next, {sequence, sequence});
    }
    return true;
  }

  std::vector<Range> ranges_;  // ascending
};

}  // namespace smtptape
