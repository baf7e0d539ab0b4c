#include "sessions/story_builder.h"

#include <algorithm>
#include <utility>

#include "sessions/kumo_words.h"

namespace smtptape {

namespace {

SmtpMark mark_of(WallTime time) {
  return static_cast<SmtpMark>(to_unix_nanos(time).value_or(0));
}

WallTime time_of(SmtpMark mark) {
  return from_unix_nanos(static_cast<std::int64_t>(mark));
}

Phase phase_of(SmtpStep step) {
  switch (step) {
    case SmtpStep::Banner: return Phase::Banner;
    case SmtpStep::Hello: return Phase::Ehlo;
    case SmtpStep::StartTls: return Phase::StartTls;
    case SmtpStep::Auth:
    case SmtpStep::Answer: return Phase::Auth;
    case SmtpStep::Mail:
    case SmtpStep::Reset: return Phase::Mail;
    case SmtpStep::Rcpt: return Phase::Rcpt;
    case SmtpStep::Data: return Phase::Data;
    case SmtpStep::Chunk: return Phase::Body;
    case SmtpStep::LastChunk:
    case SmtpStep::Message: return Phase::Final;
    case SmtpStep::Quit:
    case SmtpStep::Other: return Phase::Other;
  }
  return Phase::Other;
}

bool comes_over_connection(EventKind kind) {
  switch (kind) {
    case EventKind::Read:
    case EventKind::Write:
    case EventKind::AbbreviatedWrite:
    case EventKind::MessageObtained:
    case EventKind::Closed: return true;
    case EventKind::BeginSession:
    case EventKind::Connected:
    case EventKind::Diagnostic:
    case EventKind::Unknown: return false;
  }
  return false;
}

}  // namespace

StoryBuilder::StoryBuilder(std::string id, ReplyWatcher* watcher) : watcher_(watcher) {
  story_.id = std::move(id);
}

// ---- events ----

void StoryBuilder::add(const Event& event) {
  now_ = event.when;
  if (event.kind == EventKind::Unknown) {
    if (event.verbatim != nullptr && !event.verbatim->when_known) now_ = story_.ended;
    ++story_.unreadable;
  }
  if (!any_) take_first(event);
  if (now_ < last_) ++story_.stepped_back;
  last_ = now_;
  story_.ended = std::max(story_.ended, now_);
  story_.first_received = std::min(story_.first_received, event.received);
  story_.last_received = std::max(story_.last_received, event.received);
  ++story_.events;
  if (event.origin != nullptr) story_.last_tape = event.origin->tape_number;
  story_.abbreviated += event.kind == EventKind::AbbreviatedWrite ? 1 : 0;
  story_.trimmed += event.trimmed ? 1 : 0;
  story_.masked += event.masked ? 1 : 0;
  meta_ = event.meta;
  if (meta_ != nullptr) take_meta(*meta_);
  if (std::exchange(gap_ahead_, false)) spend(Phase::NotKnown, now_);
  take_payload(event);
  drain();
}

void StoryBuilder::take_first(const Event& event) {
  any_ = true;
  if (event.kind == EventKind::Unknown) now_ = from_unix_nanos(event.received);
  story_.begun = story_.ended = spent_until_ = last_ = now_;
  story_.first_received = story_.last_received = event.received;
  if (event.origin != nullptr) {
    story_.source = event.origin->source;
    story_.first_tape = event.origin->tape_number;
  }
  story_.begins_here = event.kind == EventKind::BeginSession;
  if (!story_.begins_here && event.kind != EventKind::Connected) smtp_.begin_midway();
}

// What only comes over a connection, whose beginning was not seen.
void StoryBuilder::join(const Event& event) {
  smtp_.begin_midway();
  if (!connecting_) begin_attempt();
  name_connection(attempt(), event);
  connected_ = true;
}

void StoryBuilder::take_meta(const Meta& meta) {
  if (meta.serial() == meta_serial_) return;
  meta_serial_ = meta.serial();
  kept_meta_ = MetaPtr(&meta);
  if (story_.egress_pool.empty()) story_.egress_pool = meta_text(meta, "egress_pool");
  if (story_.egress_source.empty()) story_.egress_source = meta_text(meta, "egress_source");
  if (story_.ready_queue.empty()) story_.ready_queue = meta_text(meta, "ready_queue_name");
  if (!story_.plan.empty() || story_.null_mx) return;
  const auto plan = meta.find("mx_plan");
  if (!plan) return;
  story_.null_mx = *plan == "\"NullMx\"";
  story_.plan = planned_hosts(*plan);
}

void StoryBuilder::take_payload(const Event& event) {
  if (!connected_ && comes_over_connection(event.kind)) join(event);
  switch (event.kind) {
    case EventKind::BeginSession: return begin_session();
    case EventKind::Connected: return connect(event);
    case EventKind::Closed: return close();
    case EventKind::MessageObtained:
      smtp_.message_obtained(mark_of(now_));
      drain();
      spend(Phase::Idle, now_);
      log_.obtained({meta_, now_, story_.attempts.empty() ? 0 : story_.attempts.size() - 1});
      ++attempt().messages;
      ++story_.messages_obtained;
      return;
    case EventKind::Read:
      story_.bytes_read += event.text.size();
      smtp_.read(event.text, mark_of(now_));
      if (event.trimmed) smtp_.lost_track();
      return;
    case EventKind::Write:
    case EventKind::AbbreviatedWrite: return write(event);
    case EventKind::Diagnostic: return diagnose(event.level, event.text);
    case EventKind::Unknown:
      // It may have been anything.
      drain();
      smtp_.lost_track();
      log_.lost_track();
      return;
  }
}

void StoryBuilder::write(const Event& event) {
  const std::uint64_t full = full_length(event);
  story_.bytes_written += full;
  if (event.kind == EventKind::Write) return smtp_.write(event.text, full, mark_of(now_));
  smtp_.abbreviated_write(event.text, full, mark_of(now_));
}

// An id is random, so this is the same session: its beginning was told twice, or late.
void StoryBuilder::begin_session() {
  story_.begins_here = true;
}

void StoryBuilder::note_gaps(std::string_view what, std::uint64_t count) {
  story_.gap_count += count;
  if (story_.gaps.size() < kMostGaps) story_.gaps.emplace_back(what);
}

void StoryBuilder::add_gaps(std::string_view what, std::uint64_t count) {
  note_gaps(what, count);
  smtp_.lost_track();
  drain();
  log_.lost_track();
  gap_ahead_ = true;
}

Story StoryBuilder::finish() {
  smtp_.closed(mark_of(now_));  // what waits has no reply
  drain();
  log_.finish(story_);
  story_.left_out += smtp_.left_out();
  story_.is_open = connected_;
  return std::move(story_);
}

// ---- attempts ----

Attempt& StoryBuilder::attempt() {
  if (story_.attempts.empty()) begin_attempt();
  return story_.attempts.back();
}

void StoryBuilder::begin_attempt() {
  if (connected_) end_connection();
  connecting_ = true;
  hello_done_ = false;
  if (story_.attempts.size() >= kMostAttempts) {
    ++story_.left_out;
    story_.attempts.pop_back();  // the last place is the last attempt's
  }
  story_.attempts.emplace_back().begun = now_;
}

void StoryBuilder::name_target(Attempt& attempt, std::string_view target) const {
  attempt.target = target;
  attempt.place = place_in_plan(story_.plan, target);
  if (attempt.place == 0) return;
  attempt.mx_host = story_.plan[attempt.place - 1].name;
  attempt.mx_address = story_.plan[attempt.place - 1].address;
}

void StoryBuilder::name_connection(Attempt& attempt, const Event& event) const {
  attempt.was_connected = true;
  if (event.meta == nullptr) return;
  attempt.mx_host = meta_text(*event.meta, "mx_host");
  attempt.mx_address = meta_text(*event.meta, "mx_address");
  attempt.source_address = meta_text(*event.meta, "source_address");
  if (attempt.place == 0) attempt.place = place_in_plan(story_.plan, attempt.mx_address);
}

void StoryBuilder::connect(const Event& event) {
  if (!connecting_ || connected_) begin_attempt();
  throttled_ = false;
  spend(Phase::Connect, now_);
  ++story_.connections;
  smtp_.connected(mark_of(now_));
  Attempt& now = attempt();
  now.connected = now_;
  name_connection(now, event);
  connected_ = true;
}

void StoryBuilder::close() {
  end_connection();
  attempt().closed = now_;
}

void StoryBuilder::end_connection() {
  const Phase waiting = phase_of_waiting();
  smtp_.closed(mark_of(now_));
  drain();
  spend(waiting, now_);
  log_.connection_ended();
  connected_ = false;
  connecting_ = false;
}

Phase StoryBuilder::phase_of_waiting() const {
  if (throttled_) return Phase::Throttle;
  if (!smtp_.waiting().empty()) {
    const SmtpExchange& first = smtp_.waiting().front();
    const bool sending = first.step == SmtpStep::Message && !first.has_begun;
    return sending ? Phase::Body : phase_of(first.step);
  }
  if (smtp_.is_lost()) return Phase::NotKnown;
  if (connected_) return Phase::Idle;
  return connecting_ ? Phase::Connect : Phase::Other;
}

// ---- what KumoMTA says ----

void StoryBuilder::diagnose(std::string_view level, std::string_view message) {
  if (level == "ERROR") return report_error(message);
  inform(message);
}

void StoryBuilder::inform(std::string_view message) {
  if (is_throttled(message)) {
    spend(phase_of_waiting(), now_);
    if (!std::exchange(throttled_, true)) begin_attempt();
    if (is_throttled_too_long(message)) attempt().why = message.substr(0, kMostErrorBytes);
  } else if (const auto target = attempted_target(message)) {
    spend(phase_of_waiting(), now_);
    if (!std::exchange(throttled_, false)) begin_attempt();
    name_target(attempt(), *target);
  } else if (tls_of_diagnostic(message)) {
    read_tls(message, attempt().tls);
    spend(Phase::StartTls, now_);
  } else if (is_tls_policy(message)) {
    spend(Phase::StartTls, now_);
    add_policy(attempt().tls.policies, message);
  }
}

void StoryBuilder::add_policy(std::vector<std::string>& policies, std::string_view message) {
  const std::string_view policy = message.substr(0, kMostErrorBytes);
  const bool known = std::find(policies.begin(), policies.end(), policy) != policies.end();
  if (!known && policies.size() < kMostPolicies) policies.emplace_back(policy);
}

// The end of a connection is told before the reason for it.
void StoryBuilder::report_error(std::string_view message) {
  if (is_harmless_error(message)) {
    ++story_.harmless_errors;
    return;
  }
  spend(phase_of_waiting(), now_);
  const std::string text = without_auth_arguments(message.substr(0, kMostErrorBytes));
  StoryError error{now_, 0, false, text};
  if (!story_.attempts.empty()) {
    Attempt& last = story_.attempts.back();
    if (last.why.empty() || !connected_) last.why = text;
    error.attempt = story_.attempts.size() - 1;
    error.after_closed = last.closed.has_value();
  }
  if (!connected_) connecting_ = false;
  if (story_.errors.size() < kMostErrors) {
    story_.errors.push_back(std::move(error));
  } else {
    ++story_.left_out;
  }
}

// ---- exchanges ----

void StoryBuilder::drain() {
  for (SmtpExchange& exchange : smtp_.take())
    take_exchange(std::move(exchange));
}

void StoryBuilder::take_exchange(SmtpExchange exchange) {
  static_cast<void>(attempt());  // one that began before, if there is none
  const std::size_t place = story_.attempts.size() - 1;
  const bool command = exchange.kind == SmtpExchange::Kind::Command;
  if (command && exchange.step == SmtpStep::Rcpt) ++story_.recipients_named;
  spend_on(exchange);
  note_reply(exchange);
  learn_about_tls(exchange);
  const auto message = log_.take(exchange, {kept_meta_.get(), now_, place});
  const bool uncertain = exchange.kind == SmtpExchange::Kind::Unpaired ||
                         exchange.kind == SmtpExchange::Kind::Unclear ||
                         (command && exchange.answer == SmtpExchange::Answer::Unknown);
  if (uncertain) story_.pairing_uncertain = true;
  if (watcher_ != nullptr) return;
  text_bytes_ += exchange.command.size() + exchange.reply.text.size() + sizeof(StoryExchange);
  if (story_.exchanges.size() >= kMostExchanges || text_bytes_ > kMostTextBytes) {
    ++story_.left_out;
    return;
  }
  StoryExchange& kept = story_.exchanges.emplace_back();
  kept.attempt = place;
  kept.message = message;
  kept.begun = time_of(exchange.begun);
  kept.sent = time_of(exchange.sent);
  kept.replied = time_of(exchange.replied);
  kept.smtp = std::move(exchange);
}

void StoryBuilder::note_reply(const SmtpExchange& exchange) {
  const std::uint16_t code = exchange.reply.code;
  const bool cut_off =
      exchange.kind == SmtpExchange::Kind::Command && exchange.answer == SmtpExchange::Answer::None;
  if (code == 0 || cut_off) return;
  if (watcher_ != nullptr) watcher_->watch(exchange.reply);
  story_.last_reply = code;
  story_.worst_reply = worse_of(story_.worst_reply, code);
}

void StoryBuilder::learn_about_tls(const SmtpExchange& exchange) {
  const bool replied = exchange.kind == SmtpExchange::Kind::Command &&
                       exchange.answer == SmtpExchange::Answer::Reply;
  if (!replied) return;
  TlsFacts& tls = attempt().tls;
  if (exchange.step == SmtpStep::Hello && !std::exchange(hello_done_, true)) {
    if (exchange.reply.code / 100 != 2) return;
    const bool offered = offers(exchange.reply.text, "STARTTLS");
    tls.why_not = offered ? "it was offered, and not asked for" : "the server does not offer it";
  }
  if (exchange.step != SmtpStep::StartTls) return;
  tls.why_not = exchange.reply.code == 220 ? "the handshake was not finished"
                                           : "refused: " + exchange.reply.text;
}

// ---- time ----

void StoryBuilder::spend(Phase phase, WallTime until) {
  if (until == spent_until_) return;
  const std::int64_t spent = span_of(spent_until_, until);
  if (!story_.attempts.empty())
    story_.attempts.back().phases[static_cast<std::size_t>(phase)] += spent;
  const bool goes_on = last_span_.phase == phase && last_span_.until == spent_until_;
  if (!goes_on) last_span_ = {phase, spent_until_, until};
  last_span_.until = until;
  std::int64_t& longest = story_.longest[static_cast<std::size_t>(phase)];
  longest = std::max(longest, span_of(last_span_.from, until));
  if (watcher_ == nullptr) keep_span(last_span_, goes_on);
  spent_until_ = until;
}

void StoryBuilder::keep_span(const PhaseSpan& span, bool goes_on) {
  std::vector<PhaseSpan>& spans = story_.spans;
  if (goes_on && !spans.empty()) {
    if (spans.back().from == span.from) spans.back() = span;  // else there was no room for it
  } else if (spans.size() < kMostSpans) {
    spans.push_back(span);
  } else {
    ++story_.left_out;
  }
}

void StoryBuilder::spend_on(const SmtpExchange& exchange) {
  if (exchange.kind != SmtpExchange::Kind::Command) {
    if (exchange.replied != 0) spend(smtp_.is_lost() ? Phase::NotKnown : Phase::Idle, now_);
    return;
  }
  if (exchange.answer != SmtpExchange::Answer::Reply) return;  // whoever ends the wait knows
  const bool data = exchange.step == SmtpStep::Message || exchange.step == SmtpStep::LastChunk;
  if (data && exchange.has_begun) spend(Phase::Body, time_of(exchange.sent));
  if (exchange.step == SmtpStep::Quit) spend(Phase::Idle, time_of(exchange.sent));
  spend(phase_of(exchange.step), time_of(exchange.replied));
}

}  // namespace smtptape
