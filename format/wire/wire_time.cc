// The times of the wire, as chrono reads them and serde_json and kcli write them.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "format/wire/wire.h"

namespace smtptape {

namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kFirstYear = -262'143;  // chrono's range
constexpr std::int64_t kLastYear = 262'142;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A cursor over the text; every step is false when the text does not go on as asked.
class TimeText {
 public:
  explicit TimeText(std::string_view text) : text_(text) {}

  bool literal(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }

  bool number(std::size_t least, std::size_t most, std::int64_t& out) {
    std::size_t size = 0;
    while (size < most && size < text_.size() && is_digit(text_[size]))
      ++size;
    if (size < least) return false;
    std::from_chars(text_.data(), text_.data() + size, out);
    text_.remove_prefix(size);
    return true;
  }

  // Four digits, or a sign and four or more.
  bool year(std::int64_t& out) {
    const bool negative = !text_.empty() && text_.front() == '-';
    const bool has_sign = literal("+-");
    if (!number(4, has_sign ? 6 : 4, out)) return false;
    if (negative) out = -out;
    return out >= kFirstYear && out <= kLastYear;
  }

  bool fraction(std::uint32_t& nanos) {
    if (!literal(".")) return true;
    std::size_t digits = 0;
    for (; !text_.empty() && is_digit(text_.front()); text_.remove_prefix(1), ++digits) {
      if (digits < 9) nanos = nanos * 10 + static_cast<std::uint32_t>(text_.front() - '0');
    }
    if (digits == 0) return false;
    for (; digits < 9; ++digits)
      nanos *= 10;
    return true;
  }

  bool offset(std::int64_t& seconds) {
    if (literal("Zz")) return true;
    const bool negative = !text_.empty() && text_.front() == '-';
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if (!literal("+-") || !number(2, 2, hours)) return false;
    literal(":");
    if (!number(2, 2, minutes) || minutes > 59 || hours > 23) return false;
    seconds = (hours * 60 + minutes) * 60;
    if (negative) seconds = -seconds;
    return true;
  }

  [[nodiscard]] bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

unsigned days_in_month(std::int64_t year, std::int64_t month) {
  constexpr std::array<unsigned, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

constexpr std::array<char, 200> kTwoDigits = [] {
  std::array<char, 200> digits{};
  for (std::size_t i = 0; i < 100; ++i) {
    digits[2 * i] = static_cast<char>('0' + i / 10);
    digits[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return digits;
}();

// `value` is below 100, below 1000.
char* write_two(char* to, std::uint64_t value) {
  return std::copy_n(&kTwoDigits[2 * value], 2, to);
}
char* write_three(char* to, std::uint32_t value) {
  *to++ = static_cast<char>('0' + value / 100);
  return write_two(to, value % 100);
}

char* write_date(char* to, CivilDate date) {
  if (date.year < 0 || date.year > 9999) *to++ = date.year < 0 ? '-' : '+';
  const auto year = static_cast<std::uint64_t>(date.year < 0 ? -date.year : date.year);
  if (year > 9999) {
    to = std::to_chars(to, to + 20, year).ptr;
  } else {
    to = write_two(write_two(to, year / 100), year % 100);
  }
  *to++ = '-';
  to = write_two(to, date.month);
  *to++ = '-';
  return write_two(to, date.day);
}

// "YYYY-MM-DD HH:MM:", and two digits of a second behind it.  Events come by the thousand within a
// minute, or a second, and finding the date costs more than all the rest: the last one is kept.
struct Minute {
  std::int64_t number = 0;  // since 1970
  std::array<char, 32> text{};
  std::size_t size = 0;                // 0: nothing kept yet
  std::optional<std::int64_t> second;  // since 1970, whose digits stand there
};

Minute write_minute(std::int64_t number) {
  constexpr std::int64_t kMinutesPerDay = kSecondsPerDay / 60;
  std::int64_t days = number / kMinutesPerDay;
  std::int64_t minute = number % kMinutesPerDay;
  if (minute < 0) {
    minute += kMinutesPerDay;
    --days;
  }
  Minute made{number, {}, 0, {}};
  char* to = write_date(made.text.data(), civil_from_days(days));
  *to++ = ' ';
  to = write_two(to, static_cast<std::uint64_t>(minute / 60));
  *to++ = ':';
  to = write_two(to, static_cast<std::uint64_t>(minute % 60));
  *to++ = ':';
  made.size = static_cast<std::size_t>(to - made.text.data());
  return made;
}

constexpr std::size_t kPlaceOfBlank = 9;  // from the end of the seconds

// The shortest exact fraction of 0, 3, 6 or 9 digits.
char* write_fraction(char* to, std::uint32_t nanos) {
  if (nanos == 0) return to;
  *to++ = '.';
  to = write_three(to, nanos / 1'000'000);
  if (nanos % 1'000'000 == 0) return to;
  to = write_three(to, nanos / 1'000 % 1'000);
  return nanos % 1'000 == 0 ? to : write_three(to, nanos % 1'000);
}

void keep_second(Minute& kept, std::int64_t since_1970, bool leap) {
  std::int64_t number = since_1970 / 60;
  std::int64_t second = since_1970 % 60;
  if (second < 0) {
    second += 60;
    --number;
  }
  if (kept.size == 0 || kept.number != number) kept = write_minute(number);
  write_two(kept.text.data() + kept.size, static_cast<std::uint64_t>(second) + (leap ? 1 : 0));
  kept.second = leap ? std::nullopt : std::optional(since_1970);
}

// YYYY-MM-DD, `between`, HH:MM:SS and the fraction.
char* write_date_time(char* to, WallTime time, char between) {
  thread_local constinit Minute kept;
  const bool leap = time.nanos >= kNanosPerSecond;
  if (leap || kept.second != time.seconds) keep_second(kept, time.seconds, leap);
  std::memcpy(to, kept.text.data(), kept.text.size());
  to += kept.size + 2;
  *(to - kPlaceOfBlank) = between;
  return write_fraction(to, leap ? time.nanos - kNanosPerSecond : time.nanos);
}

}  // namespace

std::optional<WallTime> parse_wire_time(std::string_view text) {
  TimeText in(text);
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!in.year(year) || !in.literal("-") || !in.number(1, 2, month) || !in.literal("-") ||
      !in.number(1, 2, day) || !in.literal("Tt ")) {
    return std::nullopt;
  }
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  std::int64_t offset = 0;
  std::uint32_t nanos = 0;
  if (!in.number(1, 2, hour) || !in.literal(":") || !in.number(1, 2, minute) || !in.literal(":") ||
      !in.number(1, 2, second) || !in.fraction(nanos) || !in.offset(offset) || !in.done()) {
    return std::nullopt;
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  if (second == 60) {
    second = 59;
    nanos += kNanosPerSecond;
  }
  const std::int64_t days =
      days_from_civil({year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
  return WallTime{days * kSecondsPerDay + hour * 3600 + minute * 60 + second - offset, nanos};
}

char* write_wire_time(char* to, WallTime time) {
  to = write_date_time(to, time, 'T');
  *to++ = 'Z';
  return to;
}

void append_wire_time(std::string& out, WallTime time) {
  std::array<char, kMostWireTime> text;  // NOLINT: written before it is read
  out.append(text.data(), write_wire_time(text.data(), time));
}

void append_kcli_time(std::string& out, WallTime time) {
  std::array<char, kMostWireTime> text;  // NOLINT: written before it is read
  out.append(text.data(), write_date_time(text.data(), time, ' ')).append(" UTC");
}

}  // namespace smtptape
