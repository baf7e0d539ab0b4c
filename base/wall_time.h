// A moment of wall-clock time with the range and the leap seconds of Rust's chrono, because that
// is what the feed is written with.  Wall time is for showing and selecting; intervals between
// things we do ourselves use std::chrono::steady_clock.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace smtptape {

inline constexpr std::uint32_t kNanosPerSecond = 1'000'000'000;

struct WallTime {
  std::int64_t seconds = 0;  // since 1970-01-01T00:00:00Z
  std::uint32_t nanos = 0;   // 1e9 and more: within the leap second that follows `seconds`
  auto operator<=>(const WallTime&) const = default;
};

// The distance between two moments, exact.
struct Elapsed {
  bool negative = false;
  std::uint64_t seconds = 0;
  std::uint32_t nanos = 0;  // below 1e9
  bool operator==(const Elapsed&) const = default;
};

[[nodiscard]] Elapsed elapsed_between(WallTime from, WallTime to);

// Nanoseconds since 1970 as tapes store them; nullopt for a leap second and what an int64 can't
// hold (before 1677, after 2262).
[[nodiscard]] std::optional<std::int64_t> to_unix_nanos(WallTime time);
[[nodiscard]] WallTime from_unix_nanos(std::int64_t nanos);

struct CivilDate {
  std::int64_t year = 1970;  // proleptic Gregorian, astronomical: 0 and negative years exist
  unsigned month = 1;        // 1..12
  unsigned day = 1;          // 1..31
  bool operator==(const CivilDate&) const = default;
};

// Days since 1970-01-01 and back.
[[nodiscard]] std::int64_t days_from_civil(CivilDate date);
[[nodiscard]] CivilDate civil_from_days(std::int64_t days);

}  // namespace smtptape
