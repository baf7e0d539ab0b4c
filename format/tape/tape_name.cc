#include "format/tape/tape_name.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>

#include "base/error.h"
#include "base/wall_time.h"

namespace smtptape {

namespace {

constexpr std::string_view kSuffix = ".tape";
constexpr std::size_t kNumberDigits = 8;
constexpr std::size_t kMostNumberDigits = 19;
constexpr std::size_t kStartSize = 16;       // "20260804T210000Z"
constexpr std::size_t kLongestSource = 200;  // of the 255 bytes of a file name

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
         c == '-';
}

bool is_start(std::string_view text) {
  if (text.size() != kStartSize || text[8] != 'T' || text[15] != 'Z') return false;
  for (std::size_t i = 0; i < kStartSize - 1; ++i) {
    if (i != 8 && !is_digit(text[i])) return false;
  }
  return true;
}

// Takes the last "-FIELD" off `text`.
std::optional<std::string_view> take_last_field(std::string_view& text) {
  const std::size_t dash = text.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(dash + 1);
  text = text.substr(0, dash);
  return field;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.size() < kNumberDigits || text.size() > kMostNumberDigits) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string to_file_name(const TapeName& name) {
  std::string number = std::to_string(name.number);
  if (number.size() < kNumberDigits) number.insert(0, kNumberDigits - number.size(), '0');
  return name.source + "-" + number + "-" + name.start + std::string(kSuffix);
}

std::optional<TapeName> parse_tape_name(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  std::string_view rest = file_name.substr(0, file_name.size() - kSuffix.size());
  const auto start = take_last_field(rest);
  if (!start || !is_start(*start)) return std::nullopt;
  const auto digits = take_last_field(rest);
  const auto number = digits ? parse_number(*digits) : std::nullopt;
  if (!number || rest.empty() || !std::all_of(rest.begin(), rest.end(), is_plain)) {
    return std::nullopt;
  }
  return TapeName{std::string(rest), *number, std::string(*start)};
}

namespace {

// Two names must never share a file name: "a_20b" is not "a b".
bool looks_escaped(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  return text.size() >= 3 && text[0] == '_' && is_hex(text[1]) && is_hex(text[2]);
}

}  // namespace

std::string file_name_of_source(std::string_view source) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (is_plain(c) && !looks_escaped(source.substr(i))) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'_', kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  if (out.empty()) throw UsageError("the name of a source must not be empty");
  if (out.size() > kLongestSource) {
    throw UsageError("the name of a source takes " + std::to_string(out.size()) +
                     " bytes of a file name; at most " + std::to_string(kLongestSource) +
                     " are left for it");
  }
  return out;
}

std::string tape_start_text(std::int64_t unix_nanos) {
  constexpr std::int64_t kDay = 86'400;
  const WallTime time = from_unix_nanos(unix_nanos);
  std::int64_t days = time.seconds / kDay;
  if (time.seconds % kDay < 0) --days;
  const auto in_day = static_cast<unsigned>(time.seconds - days * kDay);
  const CivilDate date = civil_from_days(days);
  char text[40];
  std::snprintf(text,
                sizeof(text),
                "%04d%02u%02uT%02u%02u%02uZ",
                static_cast<int>(date.year),
                date.month,
                date.day,
                in_day / 3600,
                in_day / 60 % 60,
                in_day % 60);
  return text;
}

}  // namespace smtptape
