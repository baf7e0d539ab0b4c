// Times and sizes as people write them on a command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace smtptape {

// Which is meant where the clock shows a local time twice, as it does when summer ends.
enum class Twice : std::uint8_t { First, Last };

// Nanoseconds since 1970.  Understands RFC 3339, "2026-11-21 22:00[:30[.5]]", "2026-11-21",
// "today", "yesterday" (each with an optional time), "22:00", "now", "-2h" (before `now`) and
// "@unix[.fraction]".  Without an offset: local time.  Throws UsageError that names `option`, also
// for a local time that the clock left out, and for a time zone that nobody knows.
[[nodiscard]] std::int64_t parse_time_spec(std::string_view text,
                                           std::int64_t now,
                                           std::string_view option,
                                           Twice twice = Twice::First);

// "90", "90s", "15m", "1h30m", "2d", "500ms".  Throws UsageError.
[[nodiscard]] std::chrono::nanoseconds parse_duration(std::string_view text,
                                                      std::string_view option);
// The same, but only 0 may go without a unit: for what decides what is deleted, and for files,
// where seconds would be read as days.
[[nodiscard]] std::chrono::nanoseconds parse_duration_with_unit(std::string_view text,
                                                                std::string_view option);

// "4096", "256K", "64M", "1G", "64MiB": powers of 1024.  Throws UsageError.
[[nodiscard]] std::uint64_t parse_size(std::string_view text, std::string_view option);

// "12.3 MiB"
[[nodiscard]] std::string show_size(std::uint64_t bytes);
// RFC 3339 in UTC with milliseconds, for messages.
[[nodiscard]] std::string show_time(std::int64_t unix_nanos);
// From here on local time is UTC.  Before threads begin.
void use_utc();
// The wall clock.
[[nodiscard]] std::int64_t now_unix_nanos();

}  // namespace smtptape
