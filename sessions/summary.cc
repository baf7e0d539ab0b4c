#include "sessions/summary.h"

#include <algorithm>
#include <optional>

namespace smtptape {

std::string_view SessionSummary::last(SessionName name) const {
  return all(name).empty() ? std::string_view() : std::string_view(all(name).back());
}

void SessionSummary::add(SessionName name, std::string_view value) {
  std::vector<std::string>& known = names[static_cast<std::size_t>(name)];
  if (value.empty() || known.size() >= kMostNames) return;
  if (std::find(known.begin(), known.end(), value) == known.end()) known.emplace_back(value);
}

void SessionSummary::append(const SessionSummary& later) {
  last_received = std::max(last_received, later.last_received);
  for (std::size_t i = 0; i < kSessionNames; ++i) {
    for (const std::string& name : later.names[i])
      add(static_cast<SessionName>(i), name);
  }
  connections += later.connections;
  messages += later.messages;
  recipients += later.recipients;
  bytes_read += later.bytes_read;
  bytes_written += later.bytes_written;
  for (std::size_t i = 0; i < kOutcomes; ++i)
    outcomes[i] += later.outcomes[i];
  worst_reply = worse_of(worst_reply, later.worst_reply);
  if (later.last_reply != 0) last_reply = later.last_reply;
  if (later.tls != Tls::None) tls = later.tls;
  is_open = later.is_open;
  gap = gap || later.gap;
}

namespace {

// Where it connected to; else where it tried to.
void add_names(const Story& story, SessionSummary& session) {
  session.add(SessionName::EgressPool, story.egress_pool);
  session.add(SessionName::EgressSource, story.egress_source);
  for (const Attempt& attempt : story.attempts) {
    if (!attempt.was_connected) continue;
    session.add(SessionName::SourceAddress, attempt.source_address);
    session.add(SessionName::MxHost, attempt.mx_host);
    session.add(SessionName::MxAddress, attempt.mx_address);
  }
  if (!session.all(SessionName::MxHost).empty() || story.attempts.empty()) return;
  const Attempt& last = story.attempts.back();
  session.add(SessionName::MxHost, last.mx_host);
  session.add(SessionName::MxAddress, last.mx_address.empty() ? last.target : last.mx_address);
}

}  // namespace

SessionSummary summary_of(const Story& story) {
  SessionSummary session;
  session.id = story.id;
  session.source = story.source;
  session.first_received = story.first_received;
  session.last_received = story.last_received;
  add_names(story, session);
  session.connections = story.connections;
  session.messages = story.messages_obtained;
  session.recipients = story.recipients_named;
  session.bytes_read = story.bytes_read;
  session.bytes_written = story.bytes_written;
  session.outcomes = story.outcomes;
  session.worst_reply = story.worst_reply;
  session.last_reply = story.last_reply;
  for (const Attempt& attempt : story.attempts)
    if (attempt.tls.tls != Tls::None) session.tls = attempt.tls.tls;
  session.begins_here = story.begins_here;
  session.is_open = story.is_open;
  session.gap = story.gap_count > 0;
  return session;
}

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

std::string_view outcome_of(const SessionSummary& session) {
  std::optional<Outcome> only;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (session.outcomes[i] == 0) continue;
    if (only) return name_of(Outcome::Mixed);
    only = static_cast<Outcome>(i);
  }
  if (only) return name_of(*only);
  if (session.connections == 0 && session.bytes_read == 0) return "not connected";
  return session.messages == 0 ? "no message" : "unknown";
}

std::string_view name_of(Tls tls) {
  switch (tls) {
    case Tls::None: return "none";
    case Tls::Failed: return "failed";
    case Tls::Unknown: return "unknown version";
    case Tls::Ssl3: return "SSLv3";
    case Tls::Tls10: return "TLSv1.0";
    case Tls::Tls11: return "TLSv1.1";
    case Tls::Tls12: return "TLSv1.2";
    case Tls::Tls13: return "TLSv1.3";
  }
  return "unknown version";
}

}  // namespace smtptape
