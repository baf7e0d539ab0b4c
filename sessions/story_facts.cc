#include "sessions/story_facts.h"

#include <algorithm>
#include <cstddef>

namespace smtptape {

namespace {

constexpr std::size_t kMostTrouble = 300;  // bytes

}  // namespace

std::optional<std::int64_t> slowest_reply(const Story& story) {
  std::optional<std::int64_t> longest;
  for (const StoryExchange& exchange : story.exchanges) {
    const SmtpExchange& smtp = exchange.smtp;
    const bool replied = smtp.kind == SmtpExchange::Kind::Command && smtp.sent != 0 &&
                         smtp.answer == SmtpExchange::Answer::Reply;
    if (!replied) continue;
    const std::int64_t took = span_of(exchange.sent, exchange.replied);
    longest = std::max(longest.value_or(took), took);
  }
  return longest;
}

std::string trouble_of(const Story& story) {
  const StoryExchange* worst = nullptr;
  for (const StoryExchange& exchange : story.exchanges) {
    const auto code = exchange.smtp.reply.code;
    if (code >= 400 && (worst == nullptr || code > worst->smtp.reply.code)) worst = &exchange;
  }
  std::string text;
  if (worst != nullptr) {
    text = worst->smtp.reply.text;
  } else if (!story.attempts.empty() && !story.attempts.back().why.empty()) {
    text = story.attempts.back().why;
  } else if (!story.errors.empty()) {
    text = story.errors.back().text;
  }
  text.resize(std::min({text.size(), text.find('\n'), kMostTrouble}));
  return text;
}

}  // namespace smtptape
