#include "sessions/statistics.h"

#include <algorithm>
#include <utility>

#include "base/time_spec.h"
#include "smtp/normal_reply.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kFirstRefusal = 400;
constexpr std::int64_t kHour = 3600LL * 1'000'000'000;

// Down, also before 1970.
std::int64_t beginning_of(std::int64_t time, std::int64_t bucket) {
  const std::int64_t rest = time % bucket;
  return time - rest - (rest < 0 ? bucket : 0);
}

// "192.0.2.7:25", "[2001:db8::1]:25": without the port.
std::string_view without_port(std::string_view address) {
  if (address.starts_with('[')) {
    const std::size_t end = address.find(']');
    return end == std::string_view::npos ? address : address.substr(1, end - 1);
  }
  const std::size_t colon = address.find(':');
  const bool one = colon != std::string_view::npos && address.find(':', colon + 1) == address.npos;
  return one ? address.substr(0, colon) : address;
}

std::string or_none(std::string_view text) {
  return std::string(text.empty() ? Statistics::kNone : text);
}

bool is_reply(const SmtpExchange& exchange) {
  const bool cut_off =
      exchange.kind == SmtpExchange::Kind::Command && exchange.answer == SmtpExchange::Answer::None;
  return exchange.reply.code != 0 && !cut_off;
}

OutcomeCounts outcomes_of(const Message& message) {
  OutcomeCounts counts{};
  for (const Recipient& recipient : message.recipients)
    ++counts[static_cast<std::size_t>(recipient.outcome)];
  return counts;
}

}  // namespace

std::string_view name_of(StatsKey key) {
  switch (key) {
    case StatsKey::Provider: return "provider";
    case StatsKey::MxHost: return "mx-host";
    case StatsKey::MxAddress: return "mx-addr";
    case StatsKey::Source: return "source";
    case StatsKey::Pool: return "pool";
    case StatsKey::EgressSource: return "egress-source";
    case StatsKey::Tenant: return "tenant";
    case StatsKey::Campaign: return "campaign";
    case StatsKey::Domain: return "domain";
    case StatsKey::Code: return "code";
    case StatsKey::Reply: return "reply";
    case StatsKey::Phase: return "phase";
    case StatsKey::Tls: return "tls";
    case StatsKey::Hour: return "hour";
  }
  return "";
}

bool needs_story(StatsKey key) {
  switch (key) {
    case StatsKey::Tenant:
    case StatsKey::Campaign:
    case StatsKey::Domain:
    case StatsKey::Code:
    case StatsKey::Reply:
    case StatsKey::Phase: return true;
    case StatsKey::Provider:
    case StatsKey::MxHost:
    case StatsKey::MxAddress:
    case StatsKey::Source:
    case StatsKey::Pool:
    case StatsKey::EgressSource:
    case StatsKey::Tls:
    case StatsKey::Hour: return false;
  }
  return true;
}

std::uint64_t KeyFigures::recipients() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : outcomes)
    sum += count;
  return sum;
}

double KeyFigures::share(Outcome outcome) const {
  const std::uint64_t all = recipients();
  return all == 0 ? 0 : static_cast<double>(of(outcome)) / static_cast<double>(all);
}

Statistics::Statistics(Question question, Providers providers)
    : question_(std::move(question)), providers_(std::move(providers)) {
}

// ---- keys ----

bool Statistics::by(StatsKey key) const {
  return std::find(question_.by.begin(), question_.by.end(), key) != question_.by.end();
}

bool Statistics::by_message() const {
  return by(StatsKey::Tenant) || by(StatsKey::Campaign) || by(StatsKey::Domain);
}

bool Statistics::by_reply() const {
  return by(StatsKey::Code) || by(StatsKey::Reply);
}

std::string Statistics::value_of(StatsKey key, const Grain& grain) const {
  const SessionSummary& session = grain.session;
  const auto of_message = [&](std::string Message::*text) {
    return or_none(grain.message == nullptr ? std::string_view() : grain.message->*text);
  };
  switch (key) {
    case StatsKey::Provider: {
      const std::string_view host = session.last(SessionName::MxHost);
      return host.empty() ? std::string(kNone) : providers_.of(host);
    }
    case StatsKey::MxHost: return or_none(session.last(SessionName::MxHost));
    case StatsKey::MxAddress: return or_none(without_port(session.last(SessionName::MxAddress)));
    case StatsKey::Source: return or_none(without_port(session.last(SessionName::SourceAddress)));
    case StatsKey::Pool: return or_none(session.last(SessionName::EgressPool));
    case StatsKey::EgressSource: return or_none(session.last(SessionName::EgressSource));
    case StatsKey::Tenant: return of_message(&Message::tenant);
    case StatsKey::Campaign: return of_message(&Message::campaign);
    case StatsKey::Domain: return of_message(&Message::domain);
    case StatsKey::Code: return grain.code == 0 ? std::string(kNone) : std::to_string(grain.code);
    case StatsKey::Reply: return or_none(grain.reply);
    case StatsKey::Phase: return std::string(name_of(grain.phase));
    case StatsKey::Tls: return std::string(name_of(session.tls));
    case StatsKey::Hour:
      return show_time(beginning_of(session.first_received, kHour)).substr(0, 16) + "Z";
  }
  return {};
}

Statistics::Key Statistics::key_of(const Grain& grain) const {
  Key key;
  for (const StatsKey each : question_.by)
    key.push_back(value_of(each, grain));
  return key;
}

KeyFigures& Statistics::figures_of(Key key) {
  const auto known = table_.find(key);
  if (known != table_.end()) return known->second;
  if (table_.size() < most_keys()) return table_[std::move(key)];
  others_ = true;
  return table_[Key(question_.by.size(), std::string(kOthers))];
}

// ---- counts ----

void Statistics::add(const SessionSummary& session) {
  count_whole(all_, session);
  count_whole(figures_of(key_of({session})), session);
}

void Statistics::add(const SessionSummary& session, const Story& story) {
  count_whole(all_, session);
  count_details(all_, story);
  std::set<Key> keys;
  if (by_reply()) {
    count_replies(session, story, keys);
  } else if (by_message()) {
    count_messages(session, story, keys);
  } else if (by(StatsKey::Phase)) {
    for (std::size_t i = 0; i < kPhases; ++i) {
      const auto phase = static_cast<Phase>(i);
      const auto takes = [i](const Attempt& attempt) { return attempt.phases[i] > 0; };
      if (std::none_of(story.attempts.begin(), story.attempts.end(), takes)) continue;
      Grain grain{session};
      grain.phase = phase;
      KeyFigures& figures = figures_of(key_of(grain));
      count_whole(figures, session);
      count_phase(figures, story, phase);
    }
  } else {
    KeyFigures& figures = figures_of(key_of({session}));
    count_whole(figures, session);
    count_details(figures, story);
  }
  for (const Key& key : keys) {
    KeyFigures& figures = figures_of(key);
    count_session(figures, session);
    count_details(figures, story);
  }
}

void Statistics::count_session(KeyFigures& figures, const SessionSummary& session) const {
  ++figures.sessions;
  figures.first = std::min(figures.first, session.first_received);
  figures.last = std::max(figures.last, session.last_received);
  if (KeyFigures::Bucket* const bucket = bucket_of(figures, session)) ++bucket->sessions;
}

void Statistics::count_whole(KeyFigures& figures, const SessionSummary& session) const {
  count_session(figures, session);
  figures.messages += session.messages;
  for (std::size_t i = 0; i < kOutcomes; ++i)
    count_recipients(figures, session, static_cast<Outcome>(i), session.outcomes[i]);
}

void Statistics::count_recipients(KeyFigures& figures,
                                  const SessionSummary& session,
                                  Outcome outcome,
                                  std::uint64_t recipients) const {
  figures.outcomes[static_cast<std::size_t>(outcome)] += recipients;
  KeyFigures::Bucket* const bucket = recipients > 0 ? bucket_of(figures, session) : nullptr;
  if (bucket == nullptr) return;
  bucket->recipients += recipients;
  if (outcome == Outcome::Deferred || outcome == Outcome::Bounced) bucket->failed += recipients;
}

KeyFigures::Bucket* Statistics::bucket_of(KeyFigures& figures,
                                          const SessionSummary& session) const {
  if (question_.bucket == 0) return nullptr;
  const std::int64_t from = beginning_of(session.first_received, question_.bucket);
  const auto known = figures.buckets.find(from);
  if (known != figures.buckets.end()) return &known->second;
  if (buckets_ >= kMostBuckets) return nullptr;
  ++buckets_;
  return &figures.buckets[from];
}

void Statistics::count_messages(const SessionSummary& session,
                                const Story& story,
                                std::set<Key>& keys) {
  for (const Message& message : story.messages) {
    Grain grain{session};
    grain.message = &message;
    Key key = key_of(grain);
    KeyFigures& figures = figures_of(key);
    ++figures.messages;
    const OutcomeCounts outcomes = outcomes_of(message);
    for (std::size_t i = 0; i < kOutcomes; ++i)
      count_recipients(figures, session, static_cast<Outcome>(i), outcomes[i]);
    keys.insert(std::move(key));
  }
}

// Each reply; and of the recipients those that it decided.
void Statistics::count_replies(const SessionSummary& session,
                               const Story& story,
                               std::set<Key>& keys) {
  const auto key_of_reply = [&](const Message* message, std::uint16_t code, std::string_view text) {
    Grain grain{session, message, code};
    if (by(StatsKey::Reply)) grain.reply = normal_reply(text);
    Key key = key_of(grain);
    keys.insert(key);
    return key;
  };
  for (const StoryExchange& exchange : story.exchanges) {
    const SmtpReply& reply = exchange.smtp.reply;
    if (!is_reply(exchange.smtp)) continue;
    // What a server greets with, and takes on the way, says nothing in words.
    if (by(StatsKey::Reply) && reply.code < kFirstRefusal) continue;
    const Message* const message = exchange.message && *exchange.message < story.messages.size()
                                       ? &story.messages[*exchange.message]
                                       : nullptr;
    ++figures_of(key_of_reply(message, reply.code, reply.text)).replies;
  }
  for (const Message& message : story.messages) {
    std::set<Key> of_message;
    for (const Recipient& recipient : message.recipients) {
      if (recipient.code == 0) continue;
      Key key = key_of_reply(&message, recipient.code, recipient.reply);
      KeyFigures& figures = figures_of(key);
      if (by(StatsKey::Reply) && recipient.code < kFirstRefusal) ++figures.replies;
      count_recipients(figures, session, recipient.outcome, 1);
      of_message.insert(std::move(key));
    }
    for (const Key& key : of_message)
      ++figures_of(key).messages;
  }
}

void Statistics::count_details(KeyFigures& figures, const Story& story) {
  for (std::size_t i = 0; question_.phases && i < kPhases; ++i)
    count_phase(figures, story, static_cast<Phase>(i));
  if (!question_.refusals || by_reply()) return;
  for (const StoryExchange& exchange : story.exchanges) {
    if (exchange.smtp.reply.code < kFirstRefusal || !is_reply(exchange.smtp)) continue;
    note_refusal(figures, normal_reply(exchange.smtp.reply.text));
  }
}

void Statistics::count_phase(KeyFigures& figures, const Story& story, Phase phase) const {
  const auto place = static_cast<std::size_t>(phase);
  for (const Attempt& attempt : story.attempts) {
    if (attempt.phases[place] <= 0) continue;
    std::unique_ptr<Histogram>& times = figures.phases[place];
    if (times == nullptr) times = std::make_unique<Histogram>();
    times->add(attempt.phases[place]);
  }
}

void Statistics::note_refusal(KeyFigures& figures, std::string reply) {
  const auto known = figures.refusals.find(reply);
  if (known != figures.refusals.end()) {
    ++known->second;
    return;
  }
  if (replies_ >= kMostReplies) {
    ++figures.refusals[std::string(kOthers)];
    return;
  }
  ++replies_;
  ++figures.refusals[std::move(reply)];
}

}  // namespace smtptape
