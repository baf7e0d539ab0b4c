#include "cli/options/choice_options.h"

#include "base/error.h"
#include "base/time_spec.h"
#include "base/visible_text.h"
#include "cli/options/mistakes.h"
#include "filters/property.h"

namespace smtptape {

namespace {

std::string denying(const Property& property) {
  return "--not-" + std::string(property.flag.substr(2));
}

void refuse_empty(const std::vector<std::string>& values, const std::string& option) {
  for (const std::string& value : values) {
    if (value.empty()) throw UsageError(option + ": the value is empty");
  }
}

}  // namespace

void ChoiceOptions::describe(Options& options) {
  describe_denied(options);
  options.group("What came out (repeatable; sessions that have one value of each option)");
  options.values("--session", sessions, "ID", "The session of this id, or whose id begins so");
  options.values("--message-id", message_ids, "ID", "The message of this id was in it");
  options.values("--code", codes, "CODES", "A reply had one of these codes: 421,4xx,5.7.*");
  options.values("--outcome",
                 outcomes,
                 "OUTCOMES",
                 "A recipient came out so: delivered, deferred, bounced, unfinished, unknown, "
                 "mixed (of a message), or the session not-connected");
  options.flag("--failed", failed, "For --outcome deferred,bounced,unfinished,not-connected");
  options.values("--reply", replies, "TEXT", "A reply has this text in it, in any case");
  options.values("--grep", lines, "REGEX", "A line of either side or of the log matches (RE2)");
  options.values("--igrep", lines_of_any_case, "REGEX", "The same, in any case");
  options.values("--slow",
                 slow,
                 "PHASE>TIME",
                 "A phase took longer: banner>5s, final>500ms (also throttle, connect, ehlo, "
                 "starttls, auth, mail, rcpt, data, body, idle)");
  options.value("--min-duration", least_duration, "TIME", "It took so long or longer: 10s, 2m");
  options.values("--tls", tls, "none|yes|failed|TLSv1.3|TLSv1.2", "A connection was encrypted so");
  options.values("--source-name", sources, "NAME", "A recorder's source of this name has it");
}

void ChoiceOptions::describe_denied(Options& options) {
  options.group("Filters that leave out (repeatable; an event passes that lacks the property)");
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const Property& property = kProperties[i];
    options.values(denying(property),
                   denied[i],
                   property.kind == PropertyKind::Address ? "CIDR" : "VALUE",
                   "Leave out what " + std::string(property.flag) + " would keep");
  }
}

std::string ChoiceOptions::words() const {
  std::string out;
  const auto add = [&out](const std::string& option, const std::vector<std::string>& values) {
    for (const std::string& value : values)
      out.append(" ").append(option).append(" ").append(shell_word(value));
  };
  for (std::size_t i = 0; i < kPropertyCount; ++i)
    add(denying(kProperties[i]), denied[i]);
  add("--session", sessions);
  add("--message-id", message_ids);
  add("--code", codes);
  add("--outcome", outcomes);
  if (failed) out += " --failed";
  add("--reply", replies);
  add("--grep", lines);
  add("--igrep", lines_of_any_case);
  add("--slow", slow);
  if (least_duration) add("--min-duration", {*least_duration});
  add("--tls", tls);
  add("--source-name", sources);
  return out;
}

bool ChoiceOptions::chooses_sessions() const {
  return !sessions.empty() || !sources.empty() || !decided_at_the_end().empty();
}

std::string_view ChoiceOptions::decided_at_the_end() const {
  if (!message_ids.empty()) return "--message-id";
  if (!codes.empty()) return "--code";
  if (!outcomes.empty()) return "--outcome";
  if (failed) return "--failed";
  if (!replies.empty()) return "--reply";
  if (!lines.empty()) return "--grep";
  if (!lines_of_any_case.empty()) return "--igrep";
  if (!slow.empty()) return "--slow";
  if (least_duration) return "--min-duration";
  return tls.empty() ? std::string_view() : "--tls";
}

OutcomeWishes ChoiceOptions::wishes() const {
  OutcomeWishes wishes;
  Mistakes mistakes;
  const auto each = [&mistakes](const std::vector<std::string>& values, auto use) {
    for (const std::string& value : values)
      mistakes.check([&] { use(value); });
  };
  each(codes, [&](const std::string& value) { wishes.codes.add(value); });
  each(outcomes, [&](const std::string& value) { wishes.outcomes.add(value); });
  if (failed) wishes.outcomes.add_failures();
  using Case = LinePatterns::Case;
  each(replies, [&](const std::string& value) { wishes.replies.add_text(value, Case::Ignored); });
  each(lines, [&](const std::string& value) { wishes.lines.add(value, Case::Heeded, "--grep"); });
  each(lines_of_any_case, [&](const std::string& value) {
    wishes.lines_of_any_case.add(value, Case::Ignored, "--igrep");
  });
  each(slow, [&](const std::string& value) { wishes.slow.push_back(parse_slow_phase(value)); });
  each(tls, [&](const std::string& value) { wishes.tls.push_back(parse_tls_wish(value)); });
  mistakes.check([&] {
    if (least_duration) wishes.least_duration = parse_duration(*least_duration, "--min-duration");
  });
  mistakes.throw_if_any();
  return wishes;
}

void ChoiceOptions::add_to(Selection& selection) const {
  Mistakes mistakes;
  mistakes.check([&] { selection.rules = rules_of(wishes()); });
  mistakes.check([&] { refuse_empty(sessions, "--session"); });
  mistakes.check([&] { refuse_empty(message_ids, "--message-id"); });
  mistakes.check([&] { refuse_empty(replies, "--reply"); });
  mistakes.check([&] { refuse_empty(sources, "--source-name"); });
  mistakes.check([&] { deny(selection); });
  mistakes.throw_if_any();
  selection.sessions = sessions;
  selection.message_ids = message_ids;
  selection.sources = sources;
}

void ChoiceOptions::deny(Selection& selection) const {
  Mistakes mistakes;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const Property& property = kProperties[i];
    if (property.kind != PropertyKind::Address) {
      selection.denied[i].texts = denied[i];
    } else if (!denied[i].empty()) {
      mistakes.check([&] {
        selection.denied[i].networks =
            with_context("invalid " + denying(property) + " value(s)",
                         [&entries = denied[i]] { return CidrSet::parse(entries); });
      });
    }
  }
  mistakes.throw_if_any();
  add_spellings(selection.denied);
}

}  // namespace smtptape
