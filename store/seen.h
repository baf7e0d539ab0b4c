// What was given out already: tapes may overlap, and copies hold what their originals hold.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

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

// Which sequence numbers of a capture were given out, as ranges.
class Seen {
 public:
  // False when it was there already.
  bool add(std::uint64_t sequence) {
    auto after = ranges_.upper_bound(sequence);
    if (after != ranges_.begin()) {
      const auto before = std::prev(after);
      if (sequence <= before->second) return false;
      if (sequence == before->second + 1) {
        before->second = sequence;
        if (after != ranges_.end() && after->first == sequence + 1) {
          before->second = after->second;
          ranges_.erase(after);
        }
        return true;
      }
    }
    if (after != ranges_.end() && after->first == sequence + 1) {
      const std::uint64_t last = after->second;
      ranges_.erase(after);
      ranges_[sequence] = last;
    } else {
      ranges_[sequence] = sequence;
    }
    return true;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // first, last
};

}  // namespace smtptape
