#include "sessions/message_log.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "format/tape/tape_info.h"
#include "sessions/kumo_words.h"

namespace smtptape {

namespace {

using Answer = SmtpExchange::Answer;
using Kind = SmtpExchange::Kind;

constexpr std::uint16_t kGoOn = 354;
constexpr std::uint16_t kClosing = 421;

bool is_positive(std::uint16_t code) {
  return code / 100 == 2;
}

Outcome outcome_of(const SmtpExchange& exchange) {
  switch (exchange.answer) {
    case Answer::None: return Outcome::Unfinished;
    case Answer::Unknown: return Outcome::Unknown;
    case Answer::Reply: break;
  }
  switch (exchange.reply.code / 100) {
    case 2: return Outcome::Delivered;
    case 4: return Outcome::Deferred;
    case 5: return Outcome::Bounced;
    default: return Outcome::Unknown;
  }
}

bool belongs_to_message(const SmtpExchange& exchange) {
  if (exchange.kind != Kind::Command) return false;
  switch (exchange.step) {
    case SmtpStep::Mail:
    case SmtpStep::Rcpt:
    case SmtpStep::Data:
    case SmtpStep::Chunk:
    case SmtpStep::LastChunk:
    case SmtpStep::Message: return true;
    case SmtpStep::Banner:
    case SmtpStep::Hello:
    case SmtpStep::StartTls:
    case SmtpStep::Auth:
    case SmtpStep::Answer:
    case SmtpStep::Reset:
    case SmtpStep::Quit:
    case SmtpStep::Other: return false;
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace

// ---- messages ----

void MessageLog::obtained(const At& at) {
  end_message();
  lost_ = false;
  begin(at, false);
}

// KumoMTA takes a message along to the next connection when it had not begun to send it.
bool MessageLog::resume(const Meta* meta) {
  if (messages_.empty() || meta == nullptr) return false;
  Message& last = messages_.back();
  const bool any_sent = std::any_of(last.recipients.begin(),
                                    last.recipients.end(),
                                    [](const Recipient& recipient) { return recipient.sent; });
  if (any_sent || last.id.empty() || last.id != meta_text(*meta, kMessageIdKey)) return false;
  current_ = messages_.size() - 1;
  recipients_ -= last.recipients.size();
  last.recipients.clear();
  wanted_ = meta_texts(*meta, "recipient");
  return true;
}

void MessageLog::begin(const At& at, bool begun_before) {
  if (begun_before && resume(at.meta)) return;
  if (messages_.size() >= kMostMessages) {
    ++left_out_;
    return;
  }
  current_ = messages_.size();
  Message& message = messages_.emplace_back();
  message.attempt = at.attempt;
  message.begun = at.when;
  message.begun_before = begun_before;
  if (at.meta == nullptr) return;
  message.id = meta_text(*at.meta, kMessageIdKey);
  message.sender = meta_text(*at.meta, "sender");
  message.domain = meta_text(*at.meta, "domain");
  message.tenant = meta_text(*at.meta, "tenant");
  message.campaign = meta_text(*at.meta, "campaign");
  message.queue = meta_text(*at.meta, "queue_name");
  wanted_ = meta_texts(*at.meta, "recipient");
}

void MessageLog::end_message() {
  if (current_) {
    Message& message = messages_[*current_];
    if (lost_) {
      for (const std::size_t place : open_)
        message.recipients[place].outcome = Outcome::Unknown;
    }
    add_unsent(message);
    if (lost_) message.outcome = Outcome::Unknown;  // when it has no recipients
    conclude(message);
  }
  current_.reset();
  open_.clear();
  refused_.reset();
  wanted_.clear();
  lost_ = false;
}

// Recipients whose RCPT was not seen.
void MessageLog::add_unsent(Message& message) {
  std::unordered_set<std::string> sent;
  for (const Recipient& recipient : message.recipients)
    sent.insert(lower(recipient.address));
  for (std::string& address : wanted_) {
    if (!sent.insert(lower(address)).second) continue;
    if (recipients_ >= kMostRecipients) {
      ++message.recipients_left_out;
      continue;
    }
    ++recipients_;
    Recipient& recipient = message.recipients.emplace_back();
    recipient.address = std::move(address);
    recipient.outcome = lost_ ? Outcome::Unknown : Outcome::Unfinished;
  }
}

void MessageLog::conclude(Message& message) {
  if (message.recipients.empty()) return;
  const Outcome first = message.recipients.front().outcome;
  const bool same = std::all_of(
      message.recipients.begin(), message.recipients.end(), [first](const Recipient& recipient) {
        return recipient.outcome == first;
      });
  message.outcome = same ? first : Outcome::Mixed;
}

void MessageLog::lost_track() {
  lost_ = true;
}

void MessageLog::finish(Story& story) {
  end_message();
  for (const Message& message : messages_) {
    for (const Recipient& recipient : message.recipients)
      ++story.outcomes[static_cast<std::size_t>(recipient.outcome)];
  }
  story.messages = std::move(messages_);
  story.left_out += left_out_;
}

// ---- exchanges ----

std::optional<std::size_t> MessageLog::take(const SmtpExchange& exchange, const At& at) {
  if (exchange.kind == Kind::Unasked) {
    // The server closes: that decides what it had taken so far.
    if (exchange.reply.code == kClosing && !open_.empty()) {
      SmtpExchange closing = exchange;
      closing.answer = Answer::Reply;
      decide_open(closing, at.when);
    }
    return std::nullopt;
  }
  if (!belongs_to_message(exchange)) {
    if (exchange.kind == Kind::Unclear || exchange.kind == Kind::Unpaired) lost_track();
    return std::nullopt;
  }
  if (!current_) begin(at, true);
  if (!current_) return std::nullopt;
  if (exchange.answer == Answer::Unknown) lost_track();
  switch (exchange.step) {
    case SmtpStep::Mail: take_sender(exchange); break;
    case SmtpStep::Rcpt: take_recipient(exchange); break;
    case SmtpStep::Message:
    case SmtpStep::LastChunk: take_end(exchange, at); break;
    default: {
      const bool data = exchange.step == SmtpStep::Data;
      const std::uint16_t code = exchange.reply.code;
      if (!data) messages_[*current_].bytes += exchange.bytes;
      const bool goes_on = data ? code == kGoOn : is_positive(code);
      if (exchange.answer == Answer::Reply && !goes_on) decide_open(exchange, at.when);
    }
  }
  return current_;
}

void MessageLog::take_sender(const SmtpExchange& exchange) {
  open_.clear();
  refused_.reset();
  last_chunk_seen_ = false;
  Message& message = messages_[*current_];
  if (message.sender.empty()) message.sender = path_of(exchange.command);
  const bool taken = exchange.answer == Answer::Reply && is_positive(exchange.reply.code);
  if (!taken && exchange.answer != Answer::Unknown) refused_ = exchange;
}

void MessageLog::take_recipient(const SmtpExchange& exchange) {
  Message& message = messages_[*current_];
  if (recipients_ >= kMostRecipients) {
    ++message.recipients_left_out;
    return;
  }
  ++recipients_;
  Recipient& recipient = message.recipients.emplace_back();
  recipient.address = path_of(exchange.command);
  recipient.sent = true;
  if (refused_) return decide_one(recipient, *refused_);
  if (exchange.answer != Answer::Reply || !is_positive(exchange.reply.code)) {
    return decide_one(recipient, exchange);
  }
  open_.push_back(message.recipients.size() - 1);
}

void MessageLog::take_end(const SmtpExchange& exchange, const At& at) {
  Message& message = messages_[*current_];
  if (exchange.step == SmtpStep::Message) {
    message.bytes = exchange.bytes;
  } else if (!std::exchange(last_chunk_seen_, true)) {
    message.bytes += exchange.bytes;
  }
  // Over LMTP each recipient has a reply of its own, in their order.
  if (exchange.answer != Answer::Reply || !exchange.for_one) return decide_open(exchange, at.when);
  if (open_.empty()) return;
  decide_one(message.recipients[open_.front()], exchange);
  open_.pop_front();
  message.decided = at.when;
}

void MessageLog::decide_open(const SmtpExchange& exchange, WallTime when) {
  Message& message = messages_[*current_];
  for (const std::size_t place : open_)
    decide_one(message.recipients[place], exchange);
  open_.clear();
  if (exchange.answer == Answer::Reply) message.decided = when;
}

void MessageLog::decide_one(Recipient& recipient, const SmtpExchange& exchange) {
  recipient.outcome = outcome_of(exchange);
  recipient.decided_by = exchange.step;
  if (exchange.answer != Answer::Reply) return;
  recipient.code = exchange.reply.code;
  recipient.reply = exchange.reply.text.substr(0, kMostReplyBytes);
}

}  // namespace smtptape
