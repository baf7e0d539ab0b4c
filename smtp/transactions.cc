#include "smtp/transactions.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kClosing = 421;
constexpr std::uint16_t kGoOn = 354;
constexpr std::uint16_t kChallenge = 334;
constexpr std::string_view kEndOfMessage = "\r\n.\r\n";

bool is_positive(std::uint16_t code) {
  return code / 100 == 2;
}
bool is_refusal(std::uint16_t code) {
  return code / 100 == 4 || code / 100 == 5;
}

// The code of a reply's last line; 0: it is another line.
std::uint16_t final_code(std::string_view line) {
  const auto digit = [&line](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  if (line.size() < 3 || !digit(0) || !digit(1) || !digit(2)) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '\r') return 0;
  return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

}  // namespace

void SmtpTransactions::begin_midway() {
  midway_ = true;
  transaction_ = Transaction::Unknown;
}

void SmtpTransactions::connected() {
  closed();
  midway_ = false;
  wait_for(Waiting::Banner);
}

void SmtpTransactions::closed() {
  if (reply_size_ >= 3) end_reply_line();
  end_transaction();
  run_count_ = 0;
  in_message_ = challenged_ = lmtp_ = false;
  command_size_ = reply_size_ = 0;
  chunk_left_ = 0;
}

void SmtpTransactions::message_obtained() {
  if (in_message_ || run_count_ != 0 || chunk_left_ != 0) {
    unsure_ = true;
    return;
  }
  end_transaction();
  midway_ = false;
}

bool SmtpTransactions::at_rest() const {
  return run_count_ == 0 && !in_message_ && transaction_ != Transaction::Open &&
         command_size_ == 0 && reply_size_ == 0 && chunk_left_ == 0;
}

// ---- the client's side ----

void SmtpTransactions::write(std::string_view text, std::uint64_t full) {
  const bool whole = full <= text.size();
  if (chunk_left_ > 0) {
    const std::uint64_t taken = std::min(chunk_left_, full);
    chunk_left_ -= taken;
    text.remove_prefix(std::min<std::uint64_t>(taken, text.size()));
    full -= taken;
    if (full == 0) return;
  }
  if (in_message_) return write_message(text, whole);
  if (!whole) {
    unsure_ = true;
    return;
  }
  if (midway_ && command_size_ == 0 && !is_smtp_command(without_line_end(text))) {
    // A message that began before, most likely: its lines must not pass for commands.
    unsure_ = true;
    return;
  }
  midway_ = false;
  while (!text.empty() && !in_message_) {
    const std::size_t end = text.find('\n');
    const std::string_view piece = text.substr(0, end);
    const std::size_t kept = std::min(piece.size(), kLineStart - command_size_);
    std::memcpy(command_.data() + command_size_, piece.data(), kept);
    command_size_ = static_cast<std::uint8_t>(command_size_ + kept);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
    const std::size_t size = command_size_;
    command_size_ = 0;
    take_line({command_.data(), size});
    if (chunk_left_ > 0) return write(text, text.size());
  }
}

void SmtpTransactions::abbreviated_write(std::string_view first_line, std::uint64_t full) {
  if (chunk_left_ > 0) return write({}, full);
  if (!in_message_) {
    unsure_ = true;
    return;
  }
  if (first_line.empty() && full == kEndOfMessage.size()) return end_message();
  line_begins_ = true;
}

void SmtpTransactions::write_message(std::string_view text, bool whole) {
  const bool dot = line_begins_ && text == kEndOfMessage.substr(2);
  if (whole && (dot || text.ends_with(kEndOfMessage))) return end_message();
  line_begins_ = !whole || text.ends_with('\n');
}

void SmtpTransactions::end_message() {
  in_message_ = false;
  // Over LMTP as many replies come as recipients were taken; some may have been before our time.
  if (lmtp_ && transaction_ == Transaction::Unknown) unsure_ = true;
  wait_for(Waiting::Message, lmtp_ ? taken_ : 1);
  forget_transaction();
}

void SmtpTransactions::take_line(std::string_view line) {
  if (challenged_) {
    challenged_ = false;
    return;
  }
  line = without_line_end(line);
  if (has_verb(line, "RCPT")) {
    ++counts_.recipients;
    return wait_for(Waiting::Rcpt);
  }
  if (has_verb(line, "MAIL")) return wait_for(Waiting::Mail);
  if (has_verb(line, "DATA")) return wait_for(Waiting::Data);
  if (has_verb(line, "BDAT")) return take_chunk(line);
  if (has_verb(line, "AUTH")) return wait_for(Waiting::Auth);
  lmtp_ = lmtp_ || has_verb(line, "LHLO");
  const bool ends = has_verb(line, "RSET") || has_verb(line, "QUIT") || has_verb(line, "EHLO") ||
                    has_verb(line, "HELO") || has_verb(line, "LHLO") || has_verb(line, "STARTTLS");
  wait_for(ends ? Waiting::Reset : Waiting::Other);
}

// "BDAT 1000" and "BDAT 86 LAST"
void SmtpTransactions::take_chunk(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_of("0123456789"), line.size()));
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), chunk_left_);
  if (error != std::errc{}) {
    unsure_ = true;
    chunk_left_ = 0;
  }
  const std::string_view behind = line.substr(static_cast<std::size_t>(end - line.data()));
  const bool last = has_verb(behind, "LAST");
  wait_for(last ? Waiting::LastChunk : Waiting::Chunk);
}

void SmtpTransactions::wait_for(Waiting what, std::uint32_t count) {
  if (count == 0) {
    unsure_ = true;
  } else if (run_count_ > 0 && runs_[run_count_ - 1].what == what) {
    runs_[run_count_ - 1].count += count;
  } else if (run_count_ < kMostRuns) {
    runs_[run_count_++] = {what, count};
  } else {
    unsure_ = true;
  }
}

// ---- the server's side ----

void SmtpTransactions::read(std::string_view text) {
  if (midway_) unsure_ = true;  // it answers what was not seen, and may be the end of a reply
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view piece = text.substr(0, end);
    const std::size_t kept = std::min(piece.size(), reply_.size() - reply_size_);
    std::memcpy(reply_.data() + reply_size_, piece.data(), kept);
    reply_size_ = static_cast<std::uint8_t>(reply_size_ + kept);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
    end_reply_line();
  }
}

void SmtpTransactions::end_reply_line() {
  const std::uint16_t code = final_code({reply_.data(), reply_size_});
  reply_size_ = 0;
  if (code != 0) take_reply(code);
}

void SmtpTransactions::take_reply(std::uint16_t code) {
  counts_.last = code;
  if (code >= 200 && code < 600) counts_.worst = std::max(counts_.worst, code);
  if (run_count_ == 0) return take_unasked(code);
  const Waiting what = runs_[0].what;
  if (--runs_[0].count == 0) {
    std::move(runs_.begin() + 1, runs_.begin() + run_count_, runs_.begin());
    --run_count_;
  }
  switch (what) {
    case Waiting::Mail: return take_sender(code);
    case Waiting::Rcpt: return take_recipient(code);
    case Waiting::Data: return take_data(code);
    case Waiting::Chunk:
      if (!is_positive(code)) refuse(code);
      return;
    case Waiting::LastChunk:
      if (transaction_ != Transaction::None) decide(code);
      return forget_transaction();
    case Waiting::Message: return decide(code);
    case Waiting::Reset: return end_transaction();
    case Waiting::Auth: return take_auth(code);
    case Waiting::Banner:
    case Waiting::Other: return;
  }
}

// The server closes, or what it answers was not seen.
void SmtpTransactions::take_unasked(std::uint16_t code) {
  if (code != kClosing || in_message_) unsure_ = true;
  in_message_ = false;
  if (code == kClosing) refuse(code);
}

void SmtpTransactions::take_sender(std::uint16_t code) {
  end_transaction();
  if (!is_positive(code)) return decide(code);
  transaction_ = Transaction::Open;
}

void SmtpTransactions::take_recipient(std::uint16_t code) {
  if (is_positive(code)) {
    ++taken_;
  } else if (code == kClosing) {
    refuse(code);
  } else {
    if (!is_refusal(code)) unsure_ = true;
    refusal_ = code;
  }
}

void SmtpTransactions::take_data(std::uint16_t code) {
  if (is_refusal(code)) return refuse(taken_ == 0 && refusal_ != 0 ? refusal_ : code);
  if (code != kGoOn) unsure_ = true;
  if (code != kGoOn) return forget_transaction();
  // Accepted without a sender that was?  Then its reply says nothing that we know how to count.
  if (transaction_ == Transaction::None) unsure_ = true;
  in_message_ = line_begins_ = true;
}

void SmtpTransactions::take_auth(std::uint16_t code) {
  if (code != kChallenge) return;
  challenged_ = true;
  if (run_count_ != 0) unsure_ = true;  // commands were sent ahead of the answer
  wait_for(Waiting::Auth);
}

void SmtpTransactions::decide(std::uint16_t code) {
  switch (code / 100) {
    case 2: ++counts_.accepted; break;
    case 4: ++counts_.deferred; break;
    case 5: ++counts_.refused; break;
    default: unsure_ = true;
  }
}

// Ends the transaction before its data.
void SmtpTransactions::refuse(std::uint16_t code) {
  if (transaction_ == Transaction::Unknown) unsure_ = true;
  if (transaction_ == Transaction::Open) decide(code);
  forget_transaction();
}

// It ended in another way: refused if all of its recipients were.
void SmtpTransactions::end_transaction() {
  if (taken_ == 0 && refusal_ != 0) refuse(refusal_);
  forget_transaction();
}

void SmtpTransactions::forget_transaction() {
  transaction_ = Transaction::None;
  refusal_ = 0;
  taken_ = 0;
}

}  // namespace smtptape
