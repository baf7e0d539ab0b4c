#include "smtp/exchanges.h"

#include <algorithm>

#include "smtp/words.h"

namespace smtptape {

namespace {

using Answer = SmtpExchange::Answer;
using Kind = SmtpExchange::Kind;

constexpr std::uint16_t kGoOn = 354;
constexpr std::uint16_t kChallenge = 334;

bool is_positive(std::uint16_t code) {
  return code / 100 == 2;
}

bool is_chunk(SmtpStep step) {
  return step == SmtpStep::Chunk || step == SmtpStep::LastChunk;
}

// KumoMTA sends these when everything before them was answered.
bool is_sent_alone(SmtpStep step) {
  return step == SmtpStep::Hello || step == SmtpStep::StartTls || step == SmtpStep::Auth ||
         step == SmtpStep::Reset || step == SmtpStep::Quit;
}

// A command as it may be shown: arguments of AUTH are secrets, and so may be what looks like one.
std::string shown(SmtpStep step, std::string_view line) {
  if (step == SmtpStep::Answer) return {};
  if (step == SmtpStep::Auth) {
    line = line.substr(0, auth_argument_at(line));
    return std::string(line.substr(0, line.find_last_not_of(kBlanks) + 1));
  }
  const bool may_be_argument = step == SmtpStep::Other && is_base64_word(line);
  return may_be_argument && !is_smtp_command(line) ? std::string() : std::string(line);
}

// Appends what there is room for; false: not all of it.
bool append_bounded(std::string& to, std::string_view text, std::size_t most) {
  const std::size_t room = most - std::min(to.size(), most);
  to.append(text.substr(0, room));
  return text.size() <= room;
}

}  // namespace

// ---- what the client sends ----

void SmtpExchanges::write(std::string_view text, std::uint64_t full, SmtpMark at) {
  if (full > 0) settle_held(true);
  while (full > 0) {
    if (lost_ && !client_.in_message()) {
      write_lost(text, full, at);
    } else {
      take(client_.next(text, full), at);
    }
  }
}

void SmtpExchanges::abbreviated_write(std::string_view first_line,
                                      std::uint64_t full,
                                      SmtpMark at) {
  if (full == 0) return;
  settle_held(true);
  if (lost_ && !client_.in_message()) return take_lost_bytes(full, at);
  take(client_.next_abbreviated(first_line, full), at);
}

void SmtpExchanges::take(const ClientLines::Item& item, SmtpMark at) {
  switch (item.what) {
    case ClientLines::What::Piece: return take_piece(item.text);
    case ClientLines::What::Line: return take_line(item, at);
    case ClientLines::What::Message:
    case ClientLines::What::MessageEnd: return take_message(item, at);
    case ClientLines::What::Chunk: return take_chunk(item.size, at);
    case ClientLines::What::Unclear: break;
  }
  lost_track();
  take_lost_bytes(item.size, at);
  end_lost_bytes(Kind::Unclear, at);
}

void SmtpExchanges::take_piece(std::string_view piece) {
  append_bounded(command_, piece, kMostCommand);
  command_bytes_ += piece.size();
  if (!piece.empty()) command_ends_in_cr_ = piece.ends_with('\r');
}

SmtpExchange SmtpExchanges::end_line(SmtpStep step, SmtpMark at) {
  SmtpExchange exchange;
  exchange.step = step;
  exchange.bytes = command_bytes_ - (command_ends_in_cr_ ? 1 : 0);
  exchange.cut = exchange.bytes > kMostCommand;
  exchange.command = shown(step, std::string_view(command_).substr(0, exchange.bytes));
  exchange.begun = exchange.sent = at;
  command_.clear();
  command_bytes_ = 0;
  command_ends_in_cr_ = false;
  return exchange;
}

void SmtpExchanges::take_line(const ClientLines::Item& item, SmtpMark at) {
  take_piece(item.text);
  send(end_line(item.step, at));
  if (item.step == SmtpStep::Hello) hello_seen_ = true;
  // Whatever follows is a chunk, or not.
  if (item.size_unclear) lost_track();
}

void SmtpExchanges::send(SmtpExchange exchange) {
  waiting_.push_back(std::move(exchange));
  if (waiting_.size() > kMostWaiting) lost_track();
}

void SmtpExchanges::take_message(const ClientLines::Item& item, SmtpMark at) {
  const bool ends = item.what == ClientLines::What::MessageEnd;
  if (lost_) {
    take_lost_bytes(item.size, at);
    if (ends) lost_bytes_.bytes = item.size;
    if (ends) end_lost_bytes(Kind::Command, at);
    return;
  }
  const bool answered = waiting_.empty() || waiting_.back().step != SmtpStep::Message;
  if (answered) return;
  SmtpExchange& message = waiting_.back();
  if (!message.has_begun) message.begun = at;
  message.has_begun = true;
  message.sent = at;
  message.bytes = ends ? item.size : message.bytes + item.size;
  // Whether there will be one reply, or one for each recipient?
  holding_ = ends && !hello_seen_ && !begun_here_ && accepted_ > 1;
}

void SmtpExchanges::take_chunk(std::uint64_t size, SmtpMark at) {
  if (waiting_.empty() || !is_chunk(waiting_.back().step)) return;
  SmtpExchange& chunk = waiting_.back();
  if (!chunk.has_begun) chunk.bytes = 0;
  chunk.has_begun = true;
  chunk.bytes += size;
  chunk.sent = at;
}

// ---- what the server answers ----

void SmtpExchanges::read(std::string_view text, SmtpMark at) {
  while (!text.empty())
    take_reply_line(server_.next(text), at);
}

void SmtpExchanges::take_reply_line(const ReplyLines::Item& line, SmtpMark at) {
  if (!append_bounded(reply_line_, line.text, kMostReply)) reply_line_cut_ = true;
  if (line.ends) end_reply_line(line, at);
}

void SmtpExchanges::end_reply_line(const ReplyLines::Item& line, SmtpMark at) {
  std::string text = std::exchange(reply_line_, {});
  const bool cut = std::exchange(reply_line_cut_, false);
  if (!cut && text.ends_with('\r')) text.pop_back();
  if (line.code == 0) {
    SmtpExchange stray;
    stray.kind = lost_ ? Kind::Unpaired : Kind::NotSmtp;  // it may be the end of one
    stray.reply.text = std::move(text);
    stray.reply.cut = cut;
    stray.replied = at;
    finish(std::move(stray));
    // Does it stand for a reply, or beside them?
    if (!lost_ && reply_.code == 0 && !waiting_.empty()) lost_track();
    return;
  }
  if (reply_.code != 0) {
    if (reply_.code != line.code) reply_.mixed = true;
    reply_.text += '\n';
  }
  reply_.code = line.code;
  reply_.bare_line_feed = reply_.bare_line_feed || text.find('\n') != std::string::npos;
  if (!append_bounded(reply_.text, text, kMostReply) || cut) reply_.cut = true;
  if (line.last) take_reply(at);
}

void SmtpExchanges::take_reply(SmtpMark at) {
  if (holding_) return hold_reply(at);
  if (!lost_ && !waiting_.empty()) return answer_first(at);
  SmtpExchange alone;
  alone.kind = lost_ ? Kind::Unpaired : Kind::Unasked;
  alone.reply = std::exchange(reply_, {});
  alone.replied = at;
  if (lost_ && data_lost_ && alone.reply.code == kGoOn) client_.begin_message();
  finish(std::move(alone));
}

void SmtpExchanges::answer_first(SmtpMark at) {
  SmtpExchange first = std::move(waiting_.front());
  waiting_.pop_front();
  const bool ends_message = first.step == SmtpStep::Message || first.step == SmtpStep::LastChunk;
  if (ends_message && client_.is_lmtp()) {
    first.for_one = true;
    // The other recipients have replies of their own.
    for (; accepted_ > 1; --accepted_)
      waiting_.push_front(first);
  }
  if (ends_message) accepted_ = 0;
  const bool goes_on = first.step == SmtpStep::Message ? client_.in_message() : client_.in_chunk();
  first.early = goes_on && (first.step == SmtpStep::Message || is_chunk(first.step));
  first.answer = Answer::Reply;
  first.reply = std::exchange(reply_, {});
  first.replied = at;
  const SmtpStep step = first.step;
  const std::uint16_t code = first.reply.code;
  finish(std::move(first));
  follow(step, code);
}

void SmtpExchanges::follow(SmtpStep answered, std::uint16_t code) {
  switch (answered) {
    case SmtpStep::Rcpt:
      if (is_positive(code)) ++accepted_;
      return;
    case SmtpStep::Data: {
      if (code != kGoOn) return;
      // What was sent ahead of a message is part of it, or not.
      if (!waiting_.empty()) return lost_track();
      client_.begin_message();
      SmtpExchange message;
      message.step = SmtpStep::Message;
      return send(std::move(message));
    }
    case SmtpStep::Auth:
    case SmtpStep::Answer:
      if (code == kChallenge && waiting_.empty()) client_.expect_answer();
      return;
    case SmtpStep::Mail:
    case SmtpStep::Hello:
    case SmtpStep::Reset: accepted_ = 0; return;
    case SmtpStep::Banner:
    case SmtpStep::StartTls:
    case SmtpStep::Chunk:
    case SmtpStep::LastChunk:
    case SmtpStep::Message:
    case SmtpStep::Quit:
    case SmtpStep::Other: return;
  }
}

void SmtpExchanges::hold_reply(SmtpMark at) {
  held_.push_back({std::exchange(reply_, {}), at});
  if (held_.size() > kMostWaiting) settle_held(false);
}

void SmtpExchanges::settle_held(bool client_goes_on) {
  if (!std::exchange(holding_, false)) return;
  std::vector<Held> held = std::exchange(held_, {});
  const std::size_t count = held.size();
  const bool known = client_goes_on && (count == 1 || count == accepted_);
  if (!known && (count > 0 || client_goes_on)) lost_track();
  if (known) accepted_ = 0;
  if (known) waiting_.front().for_one = count > 1;
  for (std::size_t left = count; known && left > 1; --left)
    waiting_.push_front(waiting_.front());
  for (Held& each : held) {
    reply_ = std::move(each.reply);
    take_reply(each.at);
  }
}

// ---- after something was missed ----

void SmtpExchanges::lost_track() {
  settle_held(false);
  give_up_waiting(Answer::Unknown);
  client_.lose_track();
  server_.start_over();
  command_.clear();
  command_bytes_ = 0;
  command_ends_in_cr_ = false;
  reply_line_.clear();
  reply_line_cut_ = false;
  reply_ = {};
  data_lost_ = false;
  accepted_ = 0;
  begun_here_ = false;
  lost_ = true;
}

// Takes a command off the text, or all of it.
void SmtpExchanges::write_lost(std::string_view& text, std::uint64_t& full, SmtpMark at) {
  const bool whole = text.size() == full;
  if (whole && find_way(text, at)) {
    full = text.size();
    return;
  }
  take_lost_bytes(full, at);
  if (whole && is_final_dot(text)) end_lost_bytes(Kind::Command, at);
  full = 0;
}

// False: this is no command.
bool SmtpExchanges::find_way(std::string_view& text, SmtpMark at) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  const std::string_view line = without_line_end(text.substr(0, end + 1));
  if (!is_smtp_command(line)) return false;
  const SmtpStep step = step_of_command(line);
  end_lost_bytes(Kind::Unclear, at);
  lost_ = !is_sent_alone(step);
  if (!lost_) return true;
  take_piece(line);
  finish(end_line(step, at));
  data_lost_ = step == SmtpStep::Data;
  text.remove_prefix(end + 1);
  return true;
}

void SmtpExchanges::take_lost_bytes(std::uint64_t size, SmtpMark at) {
  if (!lost_bytes_.has_begun) lost_bytes_.begun = at;
  lost_bytes_.has_begun = true;
  lost_bytes_.bytes += size;
  lost_bytes_.sent = at;
}

// Command: they are a message, to its end.
void SmtpExchanges::end_lost_bytes(Kind kind, SmtpMark at) {
  if (!lost_bytes_.has_begun) return;
  SmtpExchange exchange = std::exchange(lost_bytes_, {});
  exchange.kind = kind;
  exchange.step = SmtpStep::Message;
  if (kind == Kind::Command) exchange.sent = at;
  finish(std::move(exchange));
}

// ---- connections and messages ----

void SmtpExchanges::connected(SmtpMark at) {
  end_connection(at);
  SmtpExchange banner;
  banner.step = SmtpStep::Banner;
  banner.begun = banner.sent = at;
  send(std::move(banner));
  begun_here_ = true;
}

void SmtpExchanges::closed(SmtpMark at) {
  end_connection(at);
}

void SmtpExchanges::end_connection(SmtpMark at) {
  if (server_.in_line()) {
    ReplyLines::Item line = server_.end();
    line.last = false;  // it was not finished
    end_reply_line(line, at);
  }
  if (reply_.code != 0) end_reply_midway(at);
  end_lost_bytes(Kind::Unclear, at);
  settle_held(false);
  give_up_waiting(lost_ ? Answer::Unknown : Answer::None);
  lost_track();
  client_.start_over();
  hello_seen_ = false;
  lost_ = false;
}

// Of a reply not all lines came.
void SmtpExchanges::end_reply_midway(SmtpMark at) {
  reply_.cut = true;
  if (lost_ || waiting_.empty()) return take_reply(at);
  waiting_.front().reply = std::exchange(reply_, {});
  waiting_.front().replied = at;
}

void SmtpExchanges::message_obtained(SmtpMark at) {
  settle_held(true);
  if (!waiting_.empty() || !client_.between_lines()) lost_track();
  end_lost_bytes(Kind::Unclear, at);
  client_.lose_track();
  accepted_ = 0;
  lost_ = false;
}

void SmtpExchanges::finish(SmtpExchange exchange) {
  if (done_.size() < kMostDone) {
    done_.push_back(std::move(exchange));
  } else {
    ++left_out_;
  }
}

void SmtpExchanges::give_up_waiting(Answer answer) {
  for (SmtpExchange& exchange : waiting_) {
    exchange.answer = answer;
    finish(std::move(exchange));
  }
  waiting_.clear();
}

}  // namespace smtptape
