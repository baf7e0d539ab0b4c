#include "smtp/reply_lines.h"

#include <algorithm>
#include <cstring>

namespace smtptape {

namespace {

constexpr std::size_t kCode = 3;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// How many digits a text begins with.
std::size_t digits(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

}  // namespace

// Of the line, the place of its "\n".
std::size_t ReplyLines::find_end(std::string_view text) const {
  std::size_t end = text.find('\n');
  while (end != std::string_view::npos && !(end == 0 ? after_cr_ : text[end - 1] == '\r'))
    end = text.find('\n', end + 1);
  return end;
}

ReplyLines::Item ReplyLines::next(std::string_view& text) {
  const std::size_t end = find_end(text);
  Item item{text.substr(0, end)};
  const std::size_t kept = std::min(item.text.size(), start_.size() - size_);
  std::memcpy(start_.data() + size_, item.text.data(), kept);
  size_ = static_cast<std::uint8_t>(size_ + kept);
  item.ends = end != std::string_view::npos;
  after_cr_ = !item.ends && text.ends_with('\r');
  text.remove_prefix(item.ends ? end + 1 : text.size());
  return item.ends ? finish(item) : item;
}

ReplyLines::Item ReplyLines::end() {
  return finish({{}, true});
}

ReplyLines::Item ReplyLines::finish(Item item) {
  const std::size_t size = size_;
  size_ = 0;
  after_cr_ = false;
  if (size < kCode || !std::all_of(start_.begin(), start_.begin() + kCode, is_digit)) return item;
  const char behind = size == kCode ? ' ' : start_[kCode];
  if (behind != ' ' && behind != '\r' && behind != '-') return item;
  const auto digit = [this](std::size_t i) { return start_[i] - '0'; };
  item.code = static_cast<std::uint16_t>(digit(0) * 100 + digit(1) * 10 + digit(2));
  item.last = item.code != 0 && behind != '-';
  return item;
}

std::string_view enhanced_code(std::string_view reply) {
  constexpr std::size_t kMostDigits = 3;
  constexpr std::string_view kClasses = "245";
  if (reply.size() <= kCode + 1) return {};
  const std::string_view text = reply.substr(kCode + 1);
  if (kClasses.find(text[0]) == std::string_view::npos || !text.substr(1).starts_with('.'))
    return {};
  const std::string_view behind_class = text.substr(2);
  const std::size_t subject = digits(behind_class);
  if (subject == 0 || subject > kMostDigits || !behind_class.substr(subject).starts_with('.'))
    return {};
  const std::string_view behind_subject = behind_class.substr(subject + 1);
  const std::size_t detail = digits(behind_subject);
  if (detail == 0 || detail > kMostDigits) return {};
  const std::string_view behind = behind_subject.substr(detail);
  if (!behind.empty() && behind[0] != ' ' && behind[0] != '\n' && behind[0] != '\r') return {};
  return text.substr(0, 2 + subject + 1 + detail);
}

}  // namespace smtptape
