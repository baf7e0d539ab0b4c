#include "smtp/transactions.h"

#include <algorithm>
#include <utility>

#include "smtp/words.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kClosing = 421;
constexpr std::uint16_t kGoOn = 354;
constexpr std::uint16_t kChallenge = 334;

bool is_positive(std::uint16_t code) {
  return code / 100 == 2;
}
bool is_refusal(std::uint16_t code) {
  return code / 100 == 4 || code / 100 == 5;
}

}  // namespace

void SmtpTransactions::begin_midway() {
  midway_ = true;
  was_connected_ = true;  // for all we know
  transaction_ = Transaction::Unknown;
}

void SmtpTransactions::connected() {
  closed();
  midway_ = false;
  reconnected_ = std::exchange(was_connected_, true);
  wait_for(SmtpStep::Banner);
}

void SmtpTransactions::closed() {
  if (server_.in_line()) {
    const ReplyLines::Item line = server_.end();
    if (line.last) take_reply(line.code);
  }
  // Where each recipient has a reply, the number of replies doesn't tell that some have none.
  if (client_.is_lmtp() && run_count_ != 0) unsure_ = true;
  end_transaction();
  sender_refusal_ = 0;
  waiting_ = 0;
  run_count_ = 0;
  client_.start_over();
}

void SmtpTransactions::message_obtained() {
  obtained_ = true;
  if (client_.in_message() || run_count_ != 0 || client_.in_chunk()) {
    unsure_ = true;
    return;
  }
  end_transaction();
  midway_ = false;
}

bool SmtpTransactions::at_rest() const {
  return run_count_ == 0 && transaction_ != Transaction::Open && client_.between_lines() &&
         !server_.in_line();
}

// ---- the client's side ----

void SmtpTransactions::write(std::string_view text, std::uint64_t full) {
  if (midway_ && client_.between_lines() && !is_smtp_command(without_line_end(text))) {
    // A message that began before, most likely: its lines must not pass for commands.
    unsure_ = true;
    return;
  }
  while (full > 0)
    take(client_.next(text, full));
}

void SmtpTransactions::abbreviated_write(std::string_view first_line, std::uint64_t full) {
  take(client_.next_abbreviated(first_line, full));
}

void SmtpTransactions::take(const ClientLines::Item& item) {
  switch (item.what) {
    case ClientLines::What::Unclear: unsure_ = true; return;
    case ClientLines::What::Message:
    case ClientLines::What::Chunk: return;
    case ClientLines::What::Piece: midway_ = false; return;
    case ClientLines::What::MessageEnd: return end_message();
    case ClientLines::What::Line: break;
  }
  midway_ = false;
  if (item.size_unclear) unsure_ = true;
  if (item.step == SmtpStep::Answer) return;  // it waits since the challenge
  if (item.step == SmtpStep::Rcpt) ++counts_.recipients;
  if (item.step == SmtpStep::Mail) begin_message();
  wait_for(item.step);
}

void SmtpTransactions::begin_message() {
  // One that is sent once more: what became of it before counts twice, or not at all.
  if (reconnected_ && !obtained_) unsure_ = true;
  obtained_ = false;
}

void SmtpTransactions::end_message() {
  const bool lmtp = client_.is_lmtp();
  // Over LMTP as many replies come as recipients were taken; some may have been before our time.
  if (lmtp && transaction_ == Transaction::Unknown) unsure_ = true;
  wait_for(settled_ ? SmtpStep::Other : SmtpStep::Message, lmtp ? taken_ : 1);
  waiting_ = lmtp ? 1 : taken_;
  forget_transaction();
}

void SmtpTransactions::wait_for(SmtpStep what, std::uint32_t count) {
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
    const ReplyLines::Item line = server_.next(text);
    if (line.last) take_reply(line.code);
  }
}

void SmtpTransactions::take_reply(std::uint16_t code) {
  counts_.last = code;
  if (code >= 200 && code < 600) counts_.worst = std::max(counts_.worst, code);
  if (run_count_ == 0) return take_unasked(code);
  const SmtpStep what = runs_[0].what;
  if (--runs_[0].count == 0) {
    std::move(runs_.begin() + 1, runs_.begin() + run_count_, runs_.begin());
    --run_count_;
  }
  switch (what) {
    case SmtpStep::Mail: return take_sender(code);
    case SmtpStep::Rcpt: return take_recipient(code);
    case SmtpStep::Data: return take_data(code);
    case SmtpStep::Chunk:
      if (!is_positive(code)) refuse(code);
      return;
    case SmtpStep::LastChunk: return take_last_chunk(code);
    case SmtpStep::Message: decide_recipients(code, waiting_); return decide(code);
    case SmtpStep::Hello:
    case SmtpStep::StartTls:
    case SmtpStep::Quit:
    case SmtpStep::Reset: return end_transaction();
    case SmtpStep::Auth:
    case SmtpStep::Answer: return take_auth(code);
    case SmtpStep::Banner:
    case SmtpStep::Other: return;
  }
}

// The server closes, or what it answers was not seen.
void SmtpTransactions::take_unasked(std::uint16_t code) {
  // Messages were left out of the recording: it answers one.  That it doesn't come yet, the next
  // text tells.
  if (client_.is_message_unseen() && (is_positive(code) || is_refusal(code)) && code != kClosing) {
    if (client_.is_lmtp()) unsure_ = true;
    decide_recipients(code, taken_);
    if (!settled_) decide(code);
    client_.lose_track();
    midway_ = true;
    return forget_transaction();
  }
  if (code != kClosing || client_.in_message()) unsure_ = true;
  if (client_.in_message()) client_.lose_track();
  if (code == kClosing) refuse(code);
}

void SmtpTransactions::take_sender(std::uint16_t code) {
  end_transaction();
  sender_refusal_ = is_positive(code) ? std::uint16_t{0} : code;
  if (!is_positive(code)) {
    // Whom the message was for was not said, and will not be.
    if (run_count_ == 0) unsure_ = true;
    return decide(code);
  }
  transaction_ = Transaction::Open;
}

void SmtpTransactions::take_recipient(std::uint16_t code) {
  if (sender_refusal_ != 0) return decide_recipients(sender_refusal_, 1);
  if (is_positive(code)) {
    ++taken_;
    return;
  }
  decide_recipients(code, 1);
  refusal_ = code;
  if (code != kClosing) return;
  taken_ = 0;  // what becomes of these is not said
  refuse(code);
}

void SmtpTransactions::take_data(std::uint16_t code) {
  if (is_refusal(code)) return refuse(code);
  if (code != kGoOn) unsure_ = true;
  if (code != kGoOn) return forget_transaction();
  // Accepted without a sender that was?  Then its reply says nothing that we know how to count.
  if (transaction_ == Transaction::None) unsure_ = true;
  // Of recipients that were all refused, their replies tell, and what comes at the end does not.
  if (taken_ == 0 && refusal_ != 0) {
    refuse(refusal_);
    settled_ = true;
  }
  client_.begin_message();
}

void SmtpTransactions::take_last_chunk(std::uint16_t code) {
  if (client_.is_lmtp() && taken_ > 1) unsure_ = true;  // each recipient has a reply
  decide_recipients(code, taken_);
  if (transaction_ != Transaction::None) decide(taken_ == 0 && refusal_ != 0 ? refusal_ : code);
  forget_transaction();
}

void SmtpTransactions::take_auth(std::uint16_t code) {
  if (code != kChallenge) return;
  client_.expect_answer();
  if (run_count_ != 0) unsure_ = true;  // commands were sent ahead of the answer
  wait_for(SmtpStep::Answer);
}

void SmtpTransactions::decide(std::uint16_t code) {
  switch (code / 100) {
    case 2: ++counts_.accepted; break;
    case 4: ++counts_.deferred; break;
    case 5: ++counts_.refused; break;
    default: unsure_ = true;
  }
}

void SmtpTransactions::decide_recipients(std::uint16_t code, std::uint32_t count) {
  if (count == 0) return;
  switch (code / 100) {
    case 2: counts_.delivered += count; break;
    case 4: counts_.put_off += count; break;
    case 5: counts_.bounced += count; break;
    default: unsure_ = true;
  }
}

// Ends the transaction before its data.
void SmtpTransactions::refuse(std::uint16_t code) {
  if (transaction_ == Transaction::Unknown) unsure_ = true;
  decide_recipients(code, taken_);
  if (transaction_ == Transaction::Open) decide(taken_ == 0 && refusal_ != 0 ? refusal_ : code);
  forget_transaction();
}

// It ended in another way: refused if all of its recipients were.
void SmtpTransactions::end_transaction() {
  if (client_.is_lmtp() && taken_ > 0) unsure_ = true;
  if (taken_ == 0 && refusal_ != 0) refuse(refusal_);
  forget_transaction();
}

void SmtpTransactions::forget_transaction() {
  transaction_ = Transaction::None;
  refusal_ = 0;
  taken_ = 0;
  settled_ = false;
}

}  // namespace smtptape
