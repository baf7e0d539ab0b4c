// How long something took, many times over, in a fixed room: percentiles to within 3 %.
//
// Log-linear: each power of two of microseconds is divided into 16 equal parts.  What is shorter
// than a microsecond counts as nothing, what is longer than a day as a day.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace smtptape {

class Histogram {
 public:
  static constexpr unsigned kSteps = 16;  // of each power of two
  static constexpr double kError = 1.0 / (2 * kSteps);

  void add(std::int64_t nanos) {
    ++counts_[place_of(nanos)];
    ++count_;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The middle of the part in which it lies, ns; 0 of nothing.  `share`: 0.5 for the median.
  [[nodiscard]] std::int64_t quantile(double share) const;

 private:
  static constexpr unsigned kPowers = 37;  // 2^37 microseconds are 38 hours
  static constexpr std::size_t kParts = (kPowers - 3) * kSteps;

  [[nodiscard]] static std::size_t place_of(std::int64_t nanos);
  [[nodiscard]] static std::int64_t middle_of(std::size_t place);

  std::array<std::uint32_t, kParts> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace smtptape
