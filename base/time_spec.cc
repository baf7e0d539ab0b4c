#include "base/time_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/wall_time.h"

namespace smtptape {

namespace {

constexpr std::int64_t kNanos = kNanosPerSecond;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A cursor; every step is false, or nullopt, when the text does not go on as asked.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  std::optional<std::int64_t> number(std::size_t least, std::size_t most) {
    std::size_t size = 0;
    while (size < most && size < text_.size() && is_digit(text_[size]))
      ++size;
    if (size < least) return {};
    std::int64_t value = 0;
    std::from_chars(text_.data(), text_.data() + size, value);
    text_.remove_prefix(size);
    return value;
  }
  bool take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool take_any(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  // ".5" as nanoseconds; 0 when there is none.
  std::int64_t fraction() {
    if (text_.size() < 2 || text_[0] != '.' || !is_digit(text_[1])) return 0;
    text_.remove_prefix(1);
    std::int64_t nanos = 0;
    std::int64_t unit = kNanos / 10;
    for (; !text_.empty() && is_digit(text_.front()); text_.remove_prefix(1), unit /= 10) {
      nanos += (text_.front() - '0') * unit;
    }
    return nanos;
  }
  [[nodiscard]] bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

std::tm local_date(std::int64_t now) {
  const auto seconds = static_cast<std::time_t>(now / kNanos);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  local.tm_hour = -1;  // the whole day
  local.tm_min = local.tm_sec = 0;
  return local;
}

// HH:MM[:SS[.fraction]]
bool read_clock(Words& words, std::tm& time, std::int64_t& nanos) {
  const auto hour = words.number(1, 2);
  if (!hour || *hour > 23 || !words.take(":")) return false;
  const auto minute = words.number(2, 2);
  if (!minute || *minute > 59) return false;
  time.tm_hour = static_cast<int>(*hour);
  time.tm_min = static_cast<int>(*minute);
  if (!words.take(":")) return true;
  const auto second = words.number(2, 2);
  if (!second || *second > 60) return false;
  time.tm_sec = static_cast<int>(*second);
  nanos = words.fraction();
  return true;
}

bool read_date(Words& words, std::tm& time) {
  const auto year = words.number(4, 4);
  if (!year || !words.take("-")) return false;
  const auto month = words.number(1, 2);
  if (!month || *month < 1 || *month > 12 || !words.take("-")) return false;
  const auto day = words.number(1, 2);
  if (!day) return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return false;
  time.tm_year = static_cast<int>(*year) - 1900;
  time.tm_mon = static_cast<int>(*month) - 1;
  time.tm_mday = static_cast<int>(*day);
  return true;
}

// "Z" or "+02:00"; nullopt: none.
std::optional<std::int64_t> read_offset(Words& words) {
  if (words.take_any("Zz")) return 0;
  const bool negative = words.take("-");
  if (!negative && !words.take("+")) return {};
  const auto hours = words.number(2, 2);
  words.take(":");
  const auto minutes = words.number(2, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return {};
  const std::int64_t seconds = (*hours * 60 + *minutes) * 60;
  return negative ? -seconds : seconds;
}

std::string quoted(std::string_view option, std::string_view text) {
  return std::string(option) + ": \"" + std::string(text) + "\"";
}

// How far local time is ahead of UTC, in seconds.
std::int64_t local_offset(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local{};
  return ::localtime_r(&time, &local) == nullptr ? 0 : local.tm_gmtoff;
}

// Of POSIX: "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3".
bool is_posix_zone(std::string_view zone) {
  const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
  const std::size_t bracket = zone.starts_with('<') ? zone.find('>') : 0;
  if (bracket == std::string_view::npos) return false;
  const auto letters = static_cast<std::size_t>(
      std::find_if_not(zone.begin(), zone.end(), is_letter) - zone.begin());
  if (bracket == 0 && letters < 3) return false;
  zone.remove_prefix(bracket == 0 ? letters : bracket + 1);
  if (zone.starts_with('+') || zone.starts_with('-')) zone.remove_prefix(1);
  return !zone.empty() && is_digit(zone.front());
}

bool is_zone_file(const std::filesystem::path& name) {
  const char* const set = std::getenv("TZDIR");
  const std::filesystem::path directory = set != nullptr ? set : "/usr/share/zoneinfo";
  std::ifstream file(directory / name, std::ios::binary);
  std::array<char, 4> magic{};
  return file.read(magic.data(), magic.size()) &&
         std::string_view(magic.data(), magic.size()) == "TZif";
}

// The C library takes a zone that it doesn't know for UTC, without a word.
void check_zone(std::string_view option) {
  const char* const set = std::getenv("TZ");
  std::string_view zone = set == nullptr ? "" : set;
  if (zone.starts_with(':')) zone.remove_prefix(1);
  const bool known =
      zone.empty() || zone == "UTC" || zone == "GMT" || is_posix_zone(zone) || is_zone_file(zone);
  if (known) return;
  throw UsageError(quoted(option, "TZ=" + std::string(zone)) +
                   " is no time zone that this machine knows; set TZ, or give the time with an " +
                   "offset, as 2026-11-21T22:00:00Z");
}

// What was asked, for those who read a part of it.
struct Question {
  std::string_view text;
  std::int64_t now;
  std::string_view option;
  Twice twice;
};

// Local time, as seconds of a UTC that shows the same.
std::int64_t from_local(std::int64_t shown, bool whole_day, const Question& question) {
  check_zone(question.option);
  constexpr std::int64_t kDay = 86'400;
  // Before and after whatever the clock may do that day.
  const std::int64_t before = shown - local_offset(shown - kDay);
  const std::int64_t after = shown - local_offset(shown + kDay);
  const auto is_shown = [shown](std::int64_t seconds) {
    return seconds + local_offset(seconds) == shown;
  };
  const bool first = is_shown(before);
  const bool last = is_shown(after);
  if (first && last)
    return question.twice == Twice::First ? std::min(before, after) : std::max(before, after);
  if (first) return before;
  if (last) return after;
  if (whole_day) return before;  // it begins a little later
  throw UsageError(quoted(question.option, question.text) +
                   " does not exist here: the clock went forward over it; give a time before or " +
                   "after, or one with an offset, as 2026-03-29T02:30:00+01:00");
}

std::optional<std::int64_t> in_range(std::int64_t seconds,
                                     std::int64_t nanos,
                                     const Question& question) {
  const auto time = to_unix_nanos({seconds, static_cast<std::uint32_t>(nanos)});
  if (time) return time;
  throw UsageError(quoted(question.option, question.text) +
                   " is not a time that tapes can hold: it is before 1678 or after 2261");
}

// What is left of `words` is an offset, or nothing.
std::optional<std::int64_t> to_nanos(std::tm time,
                                     std::int64_t nanos,
                                     Words& words,
                                     const Question& question) {
  const int second = std::exchange(time.tm_sec, 0);  // 60 is one, too
  const bool whole_day = time.tm_hour < 0;
  if (whole_day) time.tm_hour = 0;
  const std::int64_t shown = ::timegm(&time);
  if (words.done()) {
    return in_range(from_local(shown, whole_day, question) + second, nanos, question);
  }
  const auto offset = read_offset(words);
  if (!offset || !words.done()) return {};
  return in_range(shown - *offset + second, nanos, question);
}

// "@-12.5": seconds since 1970.
std::optional<std::int64_t> read_unix(Words words, const Question& question) {
  constexpr std::size_t kMostDigits = 18;
  const bool negative = words.take("-");
  const auto seconds = words.number(1, kMostDigits);
  if (!seconds) return {};
  const std::int64_t nanos = words.fraction();
  if (!words.done()) return {};
  if (!negative) return in_range(*seconds, nanos, question);
  return nanos == 0 ? in_range(-*seconds, 0, question)
                    : in_range(-*seconds - 1, kNanos - nanos, question);
}

std::optional<std::int64_t> read_time(const Question& question) {
  Words words(question.text);
  std::int64_t nanos = 0;
  if (words.take("now")) return words.done() ? std::optional(question.now) : std::nullopt;
  if (words.take("@")) return read_unix(words, question);
  std::tm time = local_date(question.now);
  if (words.take("today") || words.take("yesterday")) {
    if (question.text.starts_with('y')) --time.tm_mday;
    if (!words.done() && !(words.take_any(" T") && read_clock(words, time, nanos))) return {};
    return words.done() ? to_nanos(time, nanos, words, question) : std::nullopt;
  }
  if (Words only_clock = words; read_clock(only_clock, time, nanos)) {
    return only_clock.done() ? to_nanos(time, nanos, only_clock, question) : std::nullopt;
  }
  time = local_date(question.now);
  if (!read_date(words, time)) return {};
  if (words.take_any(" Tt") && !read_clock(words, time, nanos)) return {};
  return to_nanos(time, nanos, words, question);
}

std::optional<std::int64_t> unit_nanos(std::string_view unit) {
  if (unit.empty() || unit == "s") return kNanos;
  if (unit == "ms") return kNanos / 1000;
  if (unit == "m" || unit == "min") return 60 * kNanos;
  if (unit == "h") return 3600 * kNanos;
  if (unit == "d") return 86'400 * kNanos;
  return {};
}

std::optional<std::int64_t> read_duration(std::string_view text) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
  std::int64_t sum = 0;
  if (text.empty()) return {};
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc{} || number < 0) return {};
    text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
    std::size_t size = 0;
    while (size < text.size() && !is_digit(text[size]))
      ++size;
    const auto unit = unit_nanos(text.substr(0, size));
    if (!unit || number > (kMost - sum) / *unit) return {};
    sum += number * *unit;
    text.remove_prefix(size);
  }
  return sum;
}

}  // namespace

std::int64_t parse_time_spec(std::string_view text,
                             std::int64_t now,
                             std::string_view option,
                             Twice twice) {
  if (text.starts_with('-')) {
    if (const auto before = read_duration(text.substr(1))) return now - *before;
  } else if (const auto time = read_time({text, now, option, twice})) {
    return *time;
  }
  throw UsageError(quoted(option, text) +
                   " is not a time; give 2026-11-21T22:00:00Z, \"yesterday 22:00\", 22:00, -2h or "
                   "@1795298400");
}

std::chrono::nanoseconds parse_duration(std::string_view text, std::string_view option) {
  if (const auto nanos = read_duration(text)) return std::chrono::nanoseconds(*nanos);
  throw UsageError(quoted(option, text) + " is not a duration; give 90s, 15m, 1h30m or 2d");
}

std::chrono::nanoseconds parse_duration_with_unit(std::string_view text, std::string_view option) {
  const bool bare = !text.empty() && text != "0" && std::all_of(text.begin(), text.end(), is_digit);
  if (!bare) return parse_duration(text, option);
  const std::string number(text);
  throw UsageError(quoted(option, text) + " has no unit; give " + number + "d, " + number +
                   "h or " + number + "s");
}

std::uint64_t parse_size(std::string_view text, std::string_view option) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(result.ptr - text.data()));
  unsigned shift = 0;
  if (!unit.empty() && result.ec == std::errc{}) {
    const std::size_t place = std::string_view("KMGT").find(static_cast<char>(unit[0] & ~0x20));
    shift = place == std::string_view::npos ? 99 : 10 * (static_cast<unsigned>(place) + 1);
    unit.remove_prefix(1);
    if (unit == "B" || unit == "iB" || unit == "b") unit = {};
  }
  if (result.ec != std::errc{} || !unit.empty() || shift > 40 || number > (~0ULL >> shift)) {
    throw UsageError(quoted(option, text) + " is not a size; give 4096, 256K, 64M or 1G");
  }
  return number << shift;
}

std::string show_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  if (bytes == 1) return "1 byte";
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit)
    value /= 1024;
  std::array<char, 48> buffer{};
  std::snprintf(
      buffer.data(), buffer.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return buffer.data();
}

std::string show_time(std::int64_t unix_nanos) {
  const WallTime time = from_unix_nanos(unix_nanos);
  const auto seconds = static_cast<std::time_t>(time.seconds);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 64> buffer{};
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(buffer.data() + size, buffer.size() - size, ".%03uZ", time.nanos / 1'000'000);
  return buffer.data();
}

void use_utc() {
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
}

std::int64_t now_unix_nanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace smtptape
