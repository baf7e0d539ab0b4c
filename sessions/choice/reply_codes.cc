#include "sessions/choice/reply_codes.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "smtp/reply_lines.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kLeastReply = 200;
constexpr std::uint16_t kLeastFailure = 400;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_wildcard(std::string_view text) {
  return text == "*" || text == "x" || text == "X";
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; (end = text.find(at)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

// "4.7.*", and "4.*" for short.
std::optional<std::array<std::string, 3>> enhanced(std::string_view code) {
  constexpr std::size_t kMostDigits = 3;
  std::vector<std::string_view> parts = split(code, '.');
  if (parts.size() == 2 && is_wildcard(parts[1])) parts.push_back(parts[1]);
  if (parts.size() != 3) return std::nullopt;
  std::array<std::string, 3> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_wildcard(parts[i])) continue;
    const bool number = !parts[i].empty() && parts[i].size() <= kMostDigits &&
                        std::all_of(parts[i].begin(), parts[i].end(), is_digit);
    if (!number) return std::nullopt;
    out[i] = parts[i];
  }
  const bool known = out[0].empty() || out[0] == "2" || out[0] == "4" || out[0] == "5";
  return known ? std::optional(out) : std::nullopt;
}

}  // namespace

std::vector<std::string_view> between_commas(std::string_view list) {
  std::vector<std::string_view> parts = split(list, ',');
  for (std::string_view& part : parts) {
    while (part.starts_with(' '))
      part.remove_prefix(1);
    while (part.ends_with(' '))
      part.remove_suffix(1);
  }
  return parts;
}

void ReplyCodes::add(std::string_view list) {
  for (const std::string_view code : between_commas(list))
    add_one(code);
}

void ReplyCodes::add_one(std::string_view code) {
  if (code.find('.') != std::string_view::npos) {
    if (const auto one = enhanced(code)) return enhanced_.push_back(*one);
  } else if (code.size() == 3) {
    Basic one{};
    std::transform(code.begin(), code.end(), one.begin(), [](char c) {
      return c == 'X' || c == '*' ? kAny : c;
    });
    const bool digits =
        std::all_of(one.begin(), one.end(), [](char c) { return c == kAny || is_digit(c); });
    if (digits && (one[0] == kAny || (one[0] >= '2' && one[0] <= '5')))
      return basic_.push_back(one);
  }
  throw UsageError("--code: \"" + std::string(code) +
                   "\" is neither a reply code from 200 to 599 (421, 4xx) nor an enhanced one "
                   "(4.7.1, 5.7.*)");
}

bool ReplyCodes::match(std::uint16_t code, std::string_view text) const {
  if (std::any_of(
          basic_.begin(), basic_.end(), [code](const Basic& one) { return matches(one, code); })) {
    return true;
  }
  if (enhanced_.empty()) return false;
  const std::string_view found = enhanced_code(text);
  if (found.empty() || (found[0] != '2' && code < kLeastFailure)) return false;
  return std::any_of(enhanced_.begin(), enhanced_.end(), [found](const Enhanced& one) {
    return matches(one, found);
  });
}

bool ReplyCodes::matches(const Basic& wanted, std::uint16_t code) {
  const std::string digits = std::to_string(code);
  if (digits.size() != wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(), digits.begin(), [](char want, char have) {
    return want == kAny || want == have;
  });
}

bool ReplyCodes::matches(const Enhanced& wanted, std::string_view code) {
  const std::vector<std::string_view> parts = split(code, '.');
  return parts.size() == wanted.size() &&
         std::equal(wanted.begin(), wanted.end(), parts.begin(), [](const auto& want, auto have) {
           return want.empty() || want == have;
         });
}

std::uint16_t ReplyCodes::least() const {
  std::uint16_t least = 600;
  for (const Basic& one : basic_) {
    const int first = one[0] == kAny ? 2 : one[0] - '0';
    const int second = one[1] == kAny ? 0 : one[1] - '0';
    const int third = one[2] == kAny ? 0 : one[2] - '0';
    least = std::min(least, static_cast<std::uint16_t>(100 * first + 10 * second + third));
  }
  for (const Enhanced& one : enhanced_) {
    const bool failure = one[0] == "4" || one[0] == "5";
    least = std::min(least, failure ? kLeastFailure : kLeastReply);
  }
  return least;
}

}  // namespace smtptape
