// Whether zstd looks for long repetitions far back in a group's texts (long-distance matching).
//
// Without, it takes the nearest repetition of a few words.  In mail of a few templates in common
// words that hides the template behind them: a third of the size with it.  Where each word repeats
// only in its template it gains a hundredth, for a third more time.  So the first group of a tape
// is tried with it, the second without, and the others are done as the smaller one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtptape {

class FarMatches {
 public:
  // For the next group.
  [[nodiscard]] bool wanted() const { return groups_ == 0 || (groups_ > 1 && worth_it_); }

  // What the group became.
  void note(std::uint64_t raw_bytes, std::uint64_t compressed_bytes) {
    const double share =
        raw_bytes == 0 ? 1.0
                       : static_cast<double>(compressed_bytes) / static_cast<double>(raw_bytes);
    if (groups_ == 0) with_ = share;
    if (groups_ == 1) worth_it_ = with_ < kWorthIt * share;
    ++groups_;
  }

 private:
  static constexpr double kWorthIt = 0.95;

  std::size_t groups_ = 0;
  double with_ = 0;
  bool worth_it_ = false;
};

}  // namespace smtptape
