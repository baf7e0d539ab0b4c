// The times of the wire, as chrono reads them and serde_json and kcli write them.
#include <array>
#include <charconv>

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

void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  std::array<char, 20> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  const auto size = static_cast<std::size_t>(end - buffer.data());
  if (size < width) out.append(width - size, '0');
  out.append(buffer.data(), size);
}

// YYYY-MM-DD, `between`, HH:MM:SS and the shortest exact fraction of 0, 3, 6 or 9 digits.
void append_date_time(std::string& out, WallTime time, char between) {
  std::int64_t days = time.seconds / kSecondsPerDay;
  std::int64_t second = time.seconds % kSecondsPerDay;
  if (second < 0) {
    second += kSecondsPerDay;
    --days;
  }
  const CivilDate date = civil_from_days(days);
  if (date.year < 0 || date.year > 9999) out.push_back(date.year < 0 ? '-' : '+');
  append_padded(out, static_cast<std::uint64_t>(date.year < 0 ? -date.year : date.year), 4);
  out.push_back('-');
  append_padded(out, date.month, 2);
  out.push_back('-');
  append_padded(out, date.day, 2);
  out.push_back(between);
  const bool leap = time.nanos >= kNanosPerSecond;
  append_padded(out, static_cast<std::uint64_t>(second / 3600), 2);
  out.push_back(':');
  append_padded(out, static_cast<std::uint64_t>(second / 60 % 60), 2);
  out.push_back(':');
  append_padded(out, static_cast<std::uint64_t>(second % 60) + (leap ? 1 : 0), 2);
  const std::uint32_t nanos = leap ? time.nanos - kNanosPerSecond : time.nanos;
  if (nanos == 0) return;
  out.push_back('.');
  if (nanos % 1'000'000 == 0) {
    append_padded(out, nanos / 1'000'000, 3);
  } else if (nanos % 1'000 == 0) {
    append_padded(out, nanos / 1'000, 6);
  } else {
    append_padded(out, nanos, 9);
  }
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

void append_wire_time(std::string& out, WallTime time) {
  append_date_time(out, time, 'T');
  out.push_back('Z');
}

void append_kcli_time(std::string& out, WallTime time) {
  append_date_time(out, time, ' ');
  out.append(" UTC");
}

}  // namespace smtptape
