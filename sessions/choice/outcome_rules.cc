#include "sessions/choice/outcome_rules.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/time_spec.h"
#include "sessions/choice/judged_session.h"

namespace smtptape {

namespace {

constexpr std::uint16_t kDeferral = 400;
constexpr std::uint16_t kRefusal = 500;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// Its one connection, if there was any, is all here.
bool is_whole(const SessionRow& row) {
  return row.opened && row.closed && !row.gap && row.connections <= 1;
}

// Each of its messages was taken for all of its recipients: KumoMTA names them all before it sends
// the message, and no reply was a failure.
bool is_all_delivered(const SessionRow& row) {
  return row.decided && is_whole(row) && row.connections == 1 && row.accepted == row.messages &&
         row.deferred == 0 && row.refused == 0 && row.worst_reply < kDeferral;
}

bool is_encrypted(Tls tls) {
  return tls != Tls::None && tls != Tls::Failed;
}

bool has_failed_to_connect(const Story& story) {
  const auto& attempts = story.attempts;
  if (std::any_of(attempts.begin(), attempts.end(), [](const Attempt& attempt) {
        return attempt.was_connected;
      })) {
    return false;
  }
  return !story.errors.empty() ||
         std::any_of(attempts.begin(), attempts.end(), [](const Attempt& attempt) {
           return !attempt.why.empty();
         });
}

}  // namespace

// ---- outcomes ----

void OutcomeSet::add(std::string_view list) {
  for (const std::string_view word : between_commas(list))
    add_one(word);
}

void OutcomeSet::add_one(std::string_view word) {
  const std::string wanted = lower(word);
  if (wanted == "not-connected" || wanted == "not connected") {
    bits_ |= kNotConnected;
    return;
  }
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (wanted != name_of(static_cast<Outcome>(i))) continue;
    bits_ |= 1U << i;
    return;
  }
  throw UsageError("--outcome: \"" + std::string(word) +
                   "\" is none of delivered, deferred, bounced, unfinished, unknown, mixed, "
                   "not-connected");
}

void OutcomeSet::add_failures() {
  add("deferred,bounced,unfinished,not-connected");
}

bool OutcomeSet::match(const Story& story) const {
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (story.outcomes[i] > 0 && has(static_cast<Outcome>(i))) return true;
  }
  // Of messages: also of those without a recipient that is known.
  const bool of_message =
      std::any_of(story.messages.begin(), story.messages.end(), [this](const Message& message) {
        return has(message.outcome);
      });
  return of_message || (has_not_connected() && has_failed_to_connect(story));
}

bool OutcomeSet::may_match(const SessionRow& row) const {
  if (has_not_connected() && row.connections == 0) return true;
  if (!row.decided) return true;
  if (has(Outcome::Delivered) && row.accepted > 0) return true;
  if (has(Outcome::Deferred) && row.worst_reply >= kDeferral) return true;
  if (has(Outcome::Bounced) && row.worst_reply >= kRefusal) return true;
  return (has(Outcome::Unfinished) || has(Outcome::Unknown) || has(Outcome::Mixed)) &&
         !is_all_delivered(row);
}

// ---- what is written on a command line ----

SlowPhase parse_slow_phase(std::string_view text) {
  const std::size_t sign = text.find('>');
  if (sign == std::string_view::npos) {
    throw UsageError("--slow: \"" + std::string(text) +
                     "\" is not a phase, > and a time: banner>5s, final>500ms");
  }
  const std::string wanted = lower(text.substr(0, sign));
  SlowPhase slow;
  std::string known;
  bool found = false;
  for (std::size_t i = 0; i < kPhases; ++i) {
    const auto phase = static_cast<Phase>(i);
    if (phase == Phase::Other || phase == Phase::NotKnown) continue;
    const std::string name = phase == Phase::Final ? "final" : lower(name_of(phase));
    known += (known.empty() ? "" : ", ") + name;
    if (wanted != name && wanted != lower(name_of(phase))) continue;
    slow.phase = phase;
    found = true;
  }
  if (!found) {
    throw UsageError("--slow: \"" + std::string(text.substr(0, sign)) +
                     "\" is none of the phases " + known);
  }
  slow.longer_than = parse_duration(text.substr(sign + 1), "--slow " + wanted + ">");
  return slow;
}

TlsWish parse_tls_wish(std::string_view text) {
  const std::string wanted = lower(text);
  if (wanted == "none") return {TlsWish::What::None, Tls::None};
  if (wanted == "yes") return {TlsWish::What::Yes, Tls::Unknown};
  if (wanted == "failed") return {TlsWish::What::Failed, Tls::Failed};
  struct Version {
    std::string_view number;
    Tls tls;
  };
  constexpr Version kVersions[] = {
      {"1.0", Tls::Tls10}, {"1.1", Tls::Tls11}, {"1.2", Tls::Tls12}, {"1.3", Tls::Tls13}};
  std::string_view number = wanted;
  if (number.starts_with("tls")) number.remove_prefix(3);
  if (number.starts_with('v')) number.remove_prefix(1);
  std::string dotted(number);
  std::replace(dotted.begin(), dotted.end(), '_', '.');
  for (const Version& version : kVersions) {
    if (dotted == version.number) return {TlsWish::What::Version, version.tls};
  }
  if (wanted == "sslv3" || wanted == "ssl3") return {TlsWish::What::Version, Tls::Ssl3};
  throw UsageError("--tls: \"" + std::string(text) +
                   "\" is none of none, yes, failed, TLSv1.3, TLSv1.2, TLSv1.1, TLSv1.0");
}

namespace {

bool matches(const TlsWish& wish, const Attempt& attempt) {
  const Tls tls = attempt.tls.tls;
  switch (wish.what) {
    case TlsWish::What::None:
      return attempt.was_connected && tls == Tls::None && !attempt.is_tls_unknown();
    case TlsWish::What::Yes: return is_encrypted(tls);
    case TlsWish::What::Failed: return tls == Tls::Failed;
    case TlsWish::What::Version: return tls == wish.version;
  }
  return false;
}

// A row tells of the last handshake only.
bool may_match(const TlsWish& wish, const SessionRow& row) {
  if (!is_whole(row)) return true;
  switch (wish.what) {
    case TlsWish::What::None: return row.connections == 1 && row.tls == Tls::None;
    case TlsWish::What::Yes: return is_encrypted(row.tls);
    case TlsWish::What::Failed: return row.tls == Tls::Failed;
    case TlsWish::What::Version: return row.tls == wish.version;
  }
  return true;
}

}  // namespace

// ---- rules ----

OutcomeRules::OutcomeRules(OutcomeWishes wishes) : wishes_(std::move(wishes)) {
  const auto ask = [this](bool asked, SessionMarks mark) { all_ |= asked ? mark : 0; };
  ask(!wishes_.codes.empty(), kCode);
  ask(!wishes_.outcomes.empty(), kOutcome);
  ask(!wishes_.replies.empty(), kReply);
  ask(!wishes_.lines.empty(), kLine);
  ask(!wishes_.lines_of_any_case.empty(), kLineOfAnyCase);
  ask(!wishes_.slow.empty(), kSlow);
  ask(wishes_.least_duration.has_value(), kDuration);
  ask(!wishes_.tls.empty(), kTls);
}

std::shared_ptr<const SessionRules> rules_of(OutcomeWishes wishes) {
  auto rules = std::make_shared<const OutcomeRules>(std::move(wishes));
  return rules->all() == 0 ? nullptr : rules;
}

SessionMarks OutcomeRules::may_hold(const SessionRow& row) const {
  SessionMarks marks = all_;
  if (row.decided && row.worst_reply < wishes_.codes.least()) marks &= ~kCode;
  if (!wishes_.outcomes.may_match(row)) marks &= ~kOutcome;
  const bool tls = std::any_of(wishes_.tls.begin(), wishes_.tls.end(), [&row](const auto& wish) {
    return may_match(wish, row);
  });
  return tls ? marks : marks & ~kTls;
}

SessionMarks OutcomeRules::of_story(const Story& story) const {
  SessionMarks marks = 0;
  if (wishes_.outcomes.match(story)) marks |= kOutcome;
  for (const SlowPhase& slow : wishes_.slow) {
    const auto longest = story.longest[static_cast<std::size_t>(slow.phase)];
    if (longest > slow.longer_than.count()) marks |= kSlow;
  }
  const std::int64_t duration = span_of(story.begun, story.ended);
  if (wishes_.least_duration && duration >= wishes_.least_duration->count()) marks |= kDuration;
  for (const TlsWish& wish : wishes_.tls) {
    const auto of_wish = [&wish](const Attempt& attempt) { return matches(wish, attempt); };
    if (std::any_of(story.attempts.begin(), story.attempts.end(), of_wish)) marks |= kTls;
  }
  return marks & all_;
}

std::unique_ptr<SessionChooser> OutcomeRules::chooser(Complete complete) const {
  return std::make_unique<OutcomeChooser>(*this, complete);
}

}  // namespace smtptape
