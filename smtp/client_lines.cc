#include "smtp/client_lines.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "smtp/words.h"

namespace smtptape {

namespace {

// KumoMTA doubles each dot that begins a line, whatever ended the line before.
constexpr std::string_view kEndOfMessage = "\n.\r\n";
constexpr std::size_t kFinalDot = 3;               // bytes of it behind the message's last line
constexpr std::uint8_t kLineBegins = 1;            // so much of it is matched then
constexpr std::uint64_t kFinalDotWithLineEnd = 5;  // as KumoMTA sends it where the message has none

}  // namespace

SmtpStep step_of_command(std::string_view line) {
  static constexpr auto kSteps =
      std::to_array<std::pair<std::string_view, SmtpStep>>({{"RCPT", SmtpStep::Rcpt},
                                                            {"MAIL", SmtpStep::Mail},
                                                            {"DATA", SmtpStep::Data},
                                                            {"RSET", SmtpStep::Reset},
                                                            {"QUIT", SmtpStep::Quit},
                                                            {"EHLO", SmtpStep::Hello},
                                                            {"HELO", SmtpStep::Hello},
                                                            {"LHLO", SmtpStep::Hello},
                                                            {"STARTTLS", SmtpStep::StartTls},
                                                            {"AUTH", SmtpStep::Auth}});
  const std::string_view first = verb_of(line);
  for (const auto& [verb, step] : kSteps) {
    if (same_word(first, verb)) return step;
  }
  if (!same_word(first, "BDAT")) return SmtpStep::Other;
  const std::size_t last = line.find_last_of(kBlanks) + 1;
  return same_word(line.substr(last), "LAST") ? SmtpStep::LastChunk : SmtpStep::Chunk;
}

ClientLines::Item ClientLines::next(std::string_view& text, std::uint64_t& full) {
  if (chunk_left_ > 0) {
    Item item;
    item.what = What::Chunk;
    item.size = std::min(chunk_left_, full);
    chunk_left_ -= item.size;
    full -= item.size;
    item.text = text.substr(0, item.size);
    text.remove_prefix(item.text.size());
    return item;
  }
  if (in_message_) return next_of_message(text, full);
  if (text.size() < full) {
    Item item{What::Unclear, text};
    item.size = full;
    text = {};
    full = 0;
    return item;
  }
  return next_of_line(text, full);
}

ClientLines::Item ClientLines::next_abbreviated(std::string_view first_line, std::uint64_t full) {
  std::string_view none;
  if (chunk_left_ > 0) return next(none, full);
  if (!in_message_) {
    Item item{What::Unclear, first_line};
    item.size = full;
    return item;
  }
  if (first_line.empty() && full == kFinalDotWithLineEnd && message_bytes_ > 0) {
    std::string_view end = "\r\n.\r\n";
    return next_of_message(end, full);
  }
  return next_of_message(none, full);
}

// ---- messages ----

void ClientLines::begin_message() {
  in_message_ = true;
  message_bytes_ = 0;
  end_matched_ = kLineBegins;
  command_size_ = 0;
}

// Behind the end; npos: it is not in the text.
std::size_t ClientLines::find_end(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (end_matched_ == 0) at = text.find('\n', at);
    if (at == std::string_view::npos) break;
    if (text[at] == kEndOfMessage[end_matched_]) {
      if (++end_matched_ == kEndOfMessage.size()) return at + 1;
    } else {
      end_matched_ = text[at] == '\n' ? kLineBegins : 0;
    }
  }
  return std::string_view::npos;
}

ClientLines::Item ClientLines::next_of_message(std::string_view& text, std::uint64_t& full) {
  const std::size_t end = find_end(text);
  Item item{What::Message, text.substr(0, end)};
  item.size = full;
  if (end == std::string_view::npos) {
    // Where the rest of it is not known, it may end anywhere.
    if (text.size() < full) end_matched_ = kLineBegins;
    message_bytes_ += full;
    text = {};
    full = 0;
    return item;
  }
  text.remove_prefix(end);
  full -= end;
  item.what = What::MessageEnd;
  item.size = message_bytes_ + end - std::min<std::uint64_t>(message_bytes_ + end, kFinalDot);
  in_message_ = false;
  return item;
}

// ---- commands ----

ClientLines::Item ClientLines::next_of_line(std::string_view& text, std::uint64_t& full) {
  const std::size_t end = text.find('\n');
  Item item{What::Piece, text.substr(0, end), {command_.data(), command_size_}};
  item.size = item.text.size();
  item.step = answer_next_ ? SmtpStep::Answer : SmtpStep::Other;
  const std::size_t kept = std::min(item.text.size(), kLineStart - command_size_);
  std::memcpy(command_.data() + command_size_, item.text.data(), kept);
  command_size_ = static_cast<std::uint8_t>(command_size_ + kept);
  const bool ends = end != std::string_view::npos;
  text.remove_prefix(ends ? end + 1 : text.size());
  full = text.size();
  return ends ? end_line(item) : item;
}

ClientLines::Item ClientLines::end_line(Item item) {
  const std::string_view line = without_line_end({command_.data(), command_size_});
  command_size_ = 0;
  item.what = What::Line;
  if (std::exchange(answer_next_, false)) return item;
  item.step = step_of_command(line);
  lmtp_ = lmtp_ || has_verb(line, "LHLO");
  const bool chunk = item.step == SmtpStep::Chunk || item.step == SmtpStep::LastChunk;
  if (chunk) item.size_unclear = !read_chunk_size(line);
  return item;
}

// "BDAT 1000" and "BDAT 86 LAST"
bool ClientLines::read_chunk_size(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_of("0123456789"), line.size()));
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), chunk_left_);
  if (error == std::errc{}) return true;
  chunk_left_ = 0;
  return false;
}

void ClientLines::lose_track() {
  const bool lmtp = lmtp_;
  *this = {};
  lmtp_ = lmtp;
}

}  // namespace smtptape
