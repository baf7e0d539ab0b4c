#include "sessions/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace smtptape {

namespace {

constexpr std::int64_t kMicro = 1000;
constexpr unsigned kStepBits = std::bit_width(Histogram::kSteps) - 1;

}  // namespace

// Below 16 microseconds each has its own part.
std::size_t Histogram::place_of(std::int64_t nanos) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(nanos, 0) / kMicro);
  const auto power = static_cast<unsigned>(std::bit_width(micros));
  if (power <= kStepBits) return micros;
  const unsigned shift = power - kStepBits - 1;
  const std::uint64_t step = (micros >> shift) - kSteps;
  return std::min<std::size_t>((shift + 1) * kSteps + step, kParts - 1);
}

std::int64_t Histogram::middle_of(std::size_t place) {
  if (place < kSteps) return static_cast<std::int64_t>(place) * kMicro;
  const unsigned shift = static_cast<unsigned>(place / kSteps) - 1;
  const std::uint64_t from = (kSteps + place % kSteps) << shift;
  const std::uint64_t width = std::uint64_t{1} << shift;
  return static_cast<std::int64_t>(from * kMicro + (width - 1) * kMicro / 2);
}

std::int64_t Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t place = 0; place < kParts; ++place) {
    seen += counts_[place];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) return middle_of(place);
  }
  return middle_of(kParts - 1);
}

}  // namespace smtptape
