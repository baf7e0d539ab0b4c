#include "base/time_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>

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
  local.tm_hour = local.tm_min = local.tm_sec = 0;
  local.tm_isdst = -1;
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
  if (!hours || !minutes) return {};
  const std::int64_t seconds = (*hours * 60 + *minutes) * 60;
  return negative ? -seconds : seconds;
}

std::optional<std::int64_t> to_nanos(std::tm time, std::int64_t nanos, Words& words) {
  if (words.done()) {
    time.tm_isdst = -1;
    return to_unix_nanos({std::mktime(&time), static_cast<std::uint32_t>(nanos)});
  }
  const auto offset = read_offset(words);
  if (!offset || !words.done()) return {};
  return to_unix_nanos({::timegm(&time) - *offset, static_cast<std::uint32_t>(nanos)});
}

std::optional<std::int64_t> read_time(std::string_view text, std::int64_t now) {
  Words words(text);
  std::int64_t nanos = 0;
  if (words.take("now")) return words.done() ? std::optional(now) : std::nullopt;
  if (words.take("@")) {
    const auto seconds = words.number(1, 10);
    if (!seconds) return {};
    nanos = words.fraction();
    return words.done() ? std::optional(*seconds * kNanos + nanos) : std::nullopt;
  }
  std::tm time = local_date(now);
  if (words.take("today") || words.take("yesterday")) {
    if (text.starts_with('y')) --time.tm_mday;
    if (!words.done() && !(words.take_any(" T") && read_clock(words, time, nanos))) return {};
    return words.done() ? to_nanos(time, nanos, words) : std::nullopt;
  }
  if (Words only_clock = words; read_clock(only_clock, time, nanos)) {
    return only_clock.done() ? to_nanos(time, nanos, only_clock) : std::nullopt;
  }
  time = local_date(now);
  if (!read_date(words, time)) return {};
  if (words.take_any(" Tt") && !read_clock(words, time, nanos)) return {};
  return to_nanos(time, nanos, words);
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

std::string quoted(std::string_view option, std::string_view text) {
  return std::string(option) + ": \"" + std::string(text) + "\"";
}

}  // namespace

std::int64_t parse_time_spec(std::string_view text, std::int64_t now, std::string_view option) {
  if (text.starts_with('-')) {
    if (const auto before = read_duration(text.substr(1))) return now - *before;
  } else if (const auto time = read_time(text, now)) {
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

std::int64_t now_unix_nanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace smtptape
