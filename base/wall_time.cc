#include "base/wall_time.h"

#include <limits>

namespace smtptape {

Elapsed elapsed_between(WallTime from, WallTime to) {
  __extension__ using Wide = __int128;
  const Wide nanos = (static_cast<Wide>(to.seconds) - from.seconds) * kNanosPerSecond +
                     (static_cast<Wide>(to.nanos) - from.nanos);
  const Wide size = nanos < 0 ? -nanos : nanos;
  // Dividing what needs 128 bits takes ten times as long.
  if (const auto small = static_cast<std::uint64_t>(size); small == size)
    return {
        nanos < 0, small / kNanosPerSecond, static_cast<std::uint32_t>(small % kNanosPerSecond)};
  return {nanos < 0,
          static_cast<std::uint64_t>(size / kNanosPerSecond),
          static_cast<std::uint32_t>(size % kNanosPerSecond)};
}

std::optional<std::int64_t> to_unix_nanos(WallTime time) {
  __extension__ using Wide = __int128;
  if (time.nanos >= kNanosPerSecond) return std::nullopt;
  // Of nearly three centuries either side of 1970, so that nothing overflows: the usual case.
  constexpr std::int64_t kNear = 9'000'000'000;
  if (time.seconds > -kNear && time.seconds < kNear) {
    return time.seconds * std::int64_t{kNanosPerSecond} + time.nanos;
  }
  const Wide nanos = static_cast<Wide>(time.seconds) * kNanosPerSecond + time.nanos;
  if (nanos < std::numeric_limits<std::int64_t>::min()) return std::nullopt;
  if (nanos > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::int64_t>(nanos);
}

WallTime from_unix_nanos(std::int64_t nanos) {
  std::int64_t seconds = nanos / kNanosPerSecond;
  std::int64_t rest = nanos % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  return {seconds, static_cast<std::uint32_t>(rest)};
}

// Both directions count days from 1 March of year 0 in eras of 400 years, so that the leap day
// comes last and the months have a regular pattern (153 days in any five from March on).
namespace {
constexpr std::int64_t kDaysPerEra = 146'097;
constexpr std::int64_t kDaysFromMarch0To1970 = 719'468;
}  // namespace

std::int64_t days_from_civil(CivilDate date) {
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t months_since_march = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * months_since_march + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kDaysFromMarch0To1970;
}

CivilDate civil_from_days(std::int64_t days) {
  const std::int64_t shifted = days + kDaysFromMarch0To1970;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - (kDaysPerEra - 1)) / kDaysPerEra;
  const std::int64_t day_of_era = shifted - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t months_since_march = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * months_since_march + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(months_since_march < 10 ? months_since_march + 3
                                                                   : months_since_march - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

}  // namespace smtptape
