// What came out, asked of random tapes in random ways: the plan's answer is the one that is found
// by looking at every event, and at the story of every session, with other means.
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sessions/choice/outcome_rules.h"
#include "sessions/stories.h"
#include "store/plan/plan.h"
#include "store/plan/selection.h"
#include "tests/store/plan/random_dialogues.h"

namespace smtptape {
namespace {

using testing::RandomDialogues;

// One thing of each kind, as it is written on a command line; empty: not asked.
struct Asked {
  std::string session, message, code, outcome, reply, line, any_case, slow, duration, tls;
  std::string tenant, not_tenant, recipient, not_recipient;
  Scope scope = Scope::Session;
  bool whole = false;
  TimeWindow window;

  [[nodiscard]] Selection selection() const;
  [[nodiscard]] std::string text() const;
};

Selection Asked::selection() const {
  Selection selection;
  OptionValues values;
  if (!tenant.empty()) values[1] = {tenant};
  if (!recipient.empty()) values[7] = {recipient};
  selection.request = request_from_options(values, Honour::Documented);
  if (!not_tenant.empty()) selection.denied[1].texts = {not_tenant};
  if (!not_recipient.empty()) selection.denied[7].texts = {not_recipient};
  if (!session.empty()) selection.sessions = {session};
  if (!message.empty()) selection.message_ids = {message};
  selection.scope = scope;
  selection.whole_sessions = whole;
  selection.window = window;
  OutcomeWishes wishes;
  using Case = LinePatterns::Case;
  if (!code.empty()) wishes.codes.add(code);
  if (!outcome.empty()) wishes.outcomes.add(outcome);
  if (!reply.empty()) wishes.replies.add_text(reply, Case::Ignored);
  if (!line.empty()) wishes.lines.add(line, Case::Heeded, "--grep");
  if (!any_case.empty()) wishes.lines_of_any_case.add(any_case, Case::Ignored, "--igrep");
  if (!slow.empty()) wishes.slow.push_back(parse_slow_phase(slow));
  if (!duration.empty()) wishes.least_duration = std::chrono::milliseconds(std::stoi(duration));
  if (!tls.empty()) wishes.tls.push_back(parse_tls_wish(tls));
  selection.rules = rules_of(std::move(wishes));
  return selection;
}

std::string Asked::text() const {
  std::string out = "scope " + std::to_string(static_cast<int>(scope)) + (whole ? " whole" : "");
  const auto add = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out += std::string(" ") + name + " " + value;
  };
  add("session", session);
  add("message", message);
  add("code", code);
  add("outcome", outcome);
  add("reply", reply);
  add("line", line);
  add("any case", any_case);
  add("slow", slow);
  add("duration", duration);
  add("tls", tls);
  add("tenant", tenant);
  add("not tenant", not_tenant);
  add("recipient", recipient);
  add("not recipient", not_recipient);
  if (window.since) out += " since " + std::to_string(*window.since);
  if (window.until) out += " until " + std::to_string(*window.until);
  return out;
}

Asked some_question(RandomDialogues& random, const std::vector<std::int64_t>& times) {
  Asked asked;
  const auto maybe = [&random](std::string& to, const auto& values, std::size_t n) {
    if (random.one_in(n)) to = random.one_of(values);
  };
  using Words = std::array<std::string, 4>;
  maybe(asked.code,
        std::array<std::string, 7>{"421", "4xx", "5.7.*", "220,550", "2xx", "*.1.1", "354"},
        4);
  maybe(asked.outcome,
        std::array<std::string, 7>{"delivered",
                                   "deferred",
                                   "bounced,unknown",
                                   "unfinished",
                                   "mixed",
                                   "not-connected",
                                   "deferred,bounced,unfinished,not-connected"},
        4);
  maybe(asked.reply, Words{"BLOCKED by", "mail server has", "no such", "first"}, 6);
  maybe(asked.line, Words{"^EHLO ", "ok$", "^Subject: Hello [01]$", "refused"}, 6);
  maybe(asked.any_case, Words{"^ehlo ", "^subject: hello 2", "queued$", "STARTTLS HAND"}, 8);
  maybe(asked.slow, Words{"banner>30ms", "final>60ms", "connect>35ms", "mail>100ms"}, 6);
  maybe(asked.duration, Words{"500", "1500", "4000", "8000"}, 8);
  maybe(asked.tls, std::array<std::string, 5>{"none", "yes", "failed", "1.3", "TLSv1_2"}, 6);
  maybe(asked.tenant, Words{"t0", "t1", "t2", "t3"}, 6);
  maybe(asked.not_tenant, Words{"t0", "t1", "t2", "t3"}, 5);
  maybe(asked.recipient, Words{"r0", "r1", "r2", "r3"}, 8);
  maybe(asked.not_recipient, Words{"r0", "r1", "r2", "r3"}, 8);
  if (random.one_in(8)) asked.message = "m" + std::to_string(random.below(40));
  if (random.one_in(12)) asked.session = "session" + std::to_string(random.below(24));
  asked.scope =
      std::array{Scope::Session, Scope::Session, Scope::Event, Scope::Strict}[random.below(4)];
  asked.whole = random.one_in(2);
  if (random.one_in(3)) asked.window.since = times[random.below(times.size())];
  if (random.one_in(4)) asked.window.until = times[random.below(times.size())];
  return asked;
}

// ---- the slow way ----

struct Seen {
  std::string id;
  std::int64_t received = 0;
  std::string name;  // source and sequence
  std::optional<std::string> tenant;
  std::optional<std::vector<std::string>> recipients;
  std::string message;
};

std::optional<std::string> member(const std::string& meta, const std::string& key) {
  const std::size_t at = meta.find('"' + key + "\":");
  if (at == std::string::npos) return std::nullopt;
  const std::size_t from = at + key.size() + 3;
  const std::size_t end =
      meta[from] == '[' ? meta.find(']', from) + 1 : meta.find('"', from + 1) + 1;
  return meta.substr(from, end - from);
}

std::vector<std::string> words_in(std::string list) {
  std::vector<std::string> words;
  const std::regex word("\"([^\"]*)\"");
  for (std::sregex_iterator it(list.begin(), list.end(), word), end; it != end; ++it)
    words.push_back((*it)[1]);
  return words;
}

Seen seen_of(const Event& event) {
  Seen seen;
  const std::string meta(event.meta->text());
  seen.id = *event.meta->session_id();
  seen.received = event.received;
  seen.name = event.origin->source + std::to_string(event.sequence);
  if (const auto tenant = member(meta, "tenant")) seen.tenant = words_in(*tenant).front();
  if (const auto all = member(meta, "recipient")) seen.recipients = words_in(*all);
  if (const auto id = member(meta, "message_id")) seen.message = words_in(*id).front();
  return seen;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

struct Everything {
  std::vector<Seen> events;
  std::map<std::string, Story> stories;
  std::map<std::string, std::set<std::string>> lines;
};

// Lines of one session, put together from pieces; a gap ends what is begun.
struct Texts {
  std::array<std::string, 2> begun;
  std::set<std::string> lines;
  std::uint64_t last = 0;

  void end() {
    for (std::string& one : begun) {
      if (!one.empty()) lines.insert(one);
      one.clear();
    }
  }
  void add(std::size_t side, std::string_view text) {
    for (const char c : text) {
      if (c != '\n') {
        begun[side] += c;
        continue;
      }
      if (!begun[side].empty() && begun[side].back() == '\r') begun[side].pop_back();
      lines.insert(begun[side]);
      begun[side].clear();
    }
  }
};

void take(Texts& texts, const Event& event, const std::set<std::uint64_t>& gaps) {
  const auto gap = gaps.lower_bound(texts.last);
  if (texts.last != 0 && gap != gaps.end() && *gap < event.sequence) texts.end();
  texts.last = event.sequence;
  switch (event.kind) {
    case EventKind::Read: return texts.add(0, event.text);
    case EventKind::Write: return texts.add(1, event.text);
    case EventKind::Diagnostic: texts.lines.insert(std::string(event.text)); return;
    case EventKind::Connected:
    case EventKind::Closed: return texts.end();
    default: return;
  }
}

Everything look_at_everything(const std::vector<TapeFile>& tapes) {
  Everything all;
  std::map<std::string, Texts> texts;
  std::set<std::uint64_t> gaps;
  EventBatch batch;
  Inputs ahead(tapes);
  while (ahead.next(batch)) {
    for (const Gap& gap : batch.gaps)
      gaps.insert(gap.after_sequence);
  }
  Stories stories(Stories::Until::End);
  Inputs inputs(tapes);
  while (inputs.next(batch)) {
    static_cast<void>(stories.add(batch));
    for (const Event& event : batch.events) {
      all.events.push_back(seen_of(event));
      take(texts[all.events.back().id], event, gaps);
    }
  }
  for (Story& story : stories.finish())
    all.stories.emplace(story.id, std::move(story));
  for (auto& [id, text] : texts) {
    text.end();
    all.lines[id] = std::move(text.lines);
  }
  return all;
}

// Of replies that were kept with their commands.
std::vector<std::string> replies_of(const Story& story) {
  std::vector<std::string> replies;
  for (const StoryExchange& exchange : story.exchanges) {
    const bool cut_off = exchange.smtp.kind == SmtpExchange::Kind::Command &&
                         exchange.smtp.answer == SmtpExchange::Answer::None;
    if (exchange.smtp.reply.code != 0 && !cut_off) replies.push_back(exchange.smtp.reply.text);
  }
  return replies;
}

bool has_code(const std::string& reply, const std::string& codes) {
  static const std::map<std::string, std::string> kAs{
      {"421", "421"},
      {"4xx", "4.."},
      {"5.7.*", R"([45]..[ -]5\.7\.\d+\b)"},
      {"220,550", "(220|550)"},
      {"2xx", "2.."},
      {"*.1.1", R"((2..[ -]2|[45]..[ -][45])\.1\.1\b)"},
      {"354", "354"}};
  const std::string by = kAs.at(codes);
  // The code is the last line's, the enhanced one stands in the first.
  const std::string last = reply.substr(reply.rfind('\n') + 1);
  const bool enhanced = codes.find('.') != std::string::npos;
  return std::regex_search(enhanced ? reply : last, std::regex("^" + by, std::regex::ECMAScript));
}

bool has_text(std::string reply, std::string text) {
  const auto lower = [](std::string& all) {
    for (char& c : all)
      c = static_cast<char>(std::tolower(c));
  };
  reply = std::regex_replace(reply, std::regex("\n\\d{3}[ -]"), " ");
  lower(reply);
  lower(text);
  return reply.find(text) != std::string::npos;
}

bool came_out(const Story& story, const std::string& outcomes) {
  for (const Message& message : story.messages) {
    if (outcomes.find(name_of(message.outcome)) != std::string::npos) return true;
    for (const Recipient& recipient : message.recipients)
      if (outcomes.find(name_of(recipient.outcome)) != std::string::npos) return true;
  }
  if (outcomes.find("not-connected") == std::string::npos) return false;
  bool failed = !story.errors.empty();
  for (const Attempt& attempt : story.attempts) {
    if (attempt.was_connected) return false;
    failed = failed || !attempt.why.empty();
  }
  return failed;
}

bool was_slow(const Story& story, const std::string& asked) {
  static const std::map<std::string, std::pair<Phase, int>> kAs{
      {"banner>30ms", {Phase::Banner, 30}},
      {"final>60ms", {Phase::Final, 60}},
      {"connect>35ms", {Phase::Connect, 35}},
      {"mail>100ms", {Phase::Mail, 100}}};
  const auto [phase, milliseconds] = kAs.at(asked);
  for (const PhaseSpan& span : story.spans) {
    const bool longer = span_of(span.from, span.until) > milliseconds * 1'000'000LL;
    if (span.phase == phase && longer) return true;
  }
  return false;
}

bool was_encrypted(const Story& story, const std::string& how) {
  for (const Attempt& attempt : story.attempts) {
    const Tls tls = attempt.tls.tls;
    if (how == "failed" && tls == Tls::Failed) return true;
    if (how == "1.3" && tls == Tls::Tls13) return true;
    if (how == "TLSv1_2" && tls == Tls::Tls12) return true;
    if (how == "yes" && tls != Tls::Failed && tls != Tls::None) return true;
    const bool known = attempt.connected || !attempt.tls.why_not.empty();
    if (how == "none" && attempt.was_connected && tls == Tls::None && known) return true;
  }
  return false;
}

bool has_line(const std::set<std::string>& lines, const std::string& pattern, bool any_case) {
  const auto flags = any_case ? std::regex::ECMAScript | std::regex::icase : std::regex::ECMAScript;
  const std::regex regex(pattern, flags);
  for (const std::string& line : lines)
    if (std::regex_search(line, regex)) return true;
  return false;
}

bool story_holds(const Everything& all, const std::string& id, const Asked& asked) {
  const Story& story = all.stories.at(id);
  bool code = asked.code.empty();
  bool reply = asked.reply.empty();
  for (const std::string& text : replies_of(story)) {
    code = code || has_code(text, asked.code);
    reply = reply || has_text(text, asked.reply);
  }
  if (!code || !reply) return false;
  if (!asked.outcome.empty() && !came_out(story, asked.outcome)) return false;
  if (!asked.slow.empty() && !was_slow(story, asked.slow)) return false;
  if (!asked.tls.empty() && !was_encrypted(story, asked.tls)) return false;
  const bool lasted = asked.duration.empty() ||
                      span_of(story.begun, story.ended) >= std::stoll(asked.duration) * 1'000'000;
  if (!lasted) return false;
  const auto& lines = all.lines.at(id);
  return (asked.line.empty() || has_line(lines, asked.line, false)) &&
         (asked.any_case.empty() || has_line(lines, asked.any_case, true));
}

bool is_allowed(const Seen& event, const Asked& asked, bool strict) {
  if (!asked.tenant.empty() && (event.tenant ? *event.tenant != asked.tenant : strict))
    return false;
  if (asked.recipient.empty()) return true;
  return event.recipients ? has(*event.recipients, asked.recipient) : !strict;
}

bool is_denied(const Seen& event, const Asked& asked, bool strict) {
  if (!asked.not_tenant.empty() && (event.tenant ? *event.tenant == asked.not_tenant : strict))
    return true;
  if (asked.not_recipient.empty()) return false;
  return event.recipients ? has(*event.recipients, asked.not_recipient) : strict;
}

std::vector<std::string> expected(const Everything& all, const Asked& asked) {
  const bool by_session = asked.scope == Scope::Session;
  std::map<std::string, bool> passes, message, denied;
  for (const Seen& event : all.events) {
    const bool counts = !asked.whole || !by_session || asked.window.holds(event.received);
    if (counts && is_allowed(event, asked, true)) passes[event.id] = true;
    if (event.message == asked.message) message[event.id] = true;
    if (is_denied(event, asked, false)) denied[event.id] = true;
  }
  std::map<std::string, bool> chosen;
  const bool any_rule = asked.selection().rules != nullptr;
  for (const auto& [id, story] : all.stories) {
    bool is = asked.session.empty() || id == asked.session;
    if (by_session) is = is && !denied[id] && passes[id];
    if (!asked.message.empty()) is = is && message[id];
    if (any_rule) is = is && story_holds(all, id, asked);
    chosen[id] = is;
  }
  std::vector<std::string> names;
  for (const Seen& event : all.events) {
    const bool whole = by_session && asked.whole;
    if (!chosen[event.id] || (!whole && !asked.window.holds(event.received))) continue;
    const bool strict = asked.scope == Scope::Strict;
    if (!by_session && (!is_allowed(event, asked, strict) || is_denied(event, asked, strict)))
      continue;
    names.push_back(event.name);
  }
  return names;
}

// ---- the plan's ----

std::vector<std::string> answer(const std::vector<TapeFile>& tapes,
                                const Selection& selection,
                                bool by_plan,
                                std::uint64_t& passed_over) {
  const std::shared_ptr<GroupPool> pool = by_plan ? std::make_shared<GroupPool>(2) : nullptr;
  std::shared_ptr<FirstPass> sessions;
  if (selection.needs_two_passes())
    sessions = collect_sessions(tapes, selection, Recovery::Skip, pool).sessions;
  const auto question = std::make_shared<Question>(selection, Question::Mode::Choose, sessions);
  const TimeWindow window = selection.takes_whole_sessions() ? TimeWindow{} : selection.window;
  Inputs inputs(by_plan ? planned(tapes, {question, pool}) : tapes, window);
  SelectedSource whole(inputs, selection, sessions);
  SelectedSource chosen(inputs, question);
  EventSource& source = by_plan ? static_cast<EventSource&>(chosen) : whole;
  std::vector<std::string> names;
  EventBatch batch;
  while (source.next(batch)) {
    for (const Event& event : batch.events)
      names.push_back(event.origin->source + std::to_string(event.sequence));
  }
  if (pool != nullptr) pool->stop();
  for (const ReadingPlan::Count& count : question->plan().skipped)
    passed_over += count.groups;
  return names;
}

TEST(Choice, IsWhatLookingAtEverythingFinds) {
  std::uint64_t with_events = 0, without = 0, passed_over = 0;
  for (std::uint32_t seed = 1; seed <= 24; ++seed) {
    const TemporaryDirectory directory;
    RandomDialogues random(directory.path(), seed);
    const std::vector<TapeFile> tapes = find_tapes(random.names());
    ASSERT_TRUE(hold_events_once(tapes));
    const Everything all = look_at_everything(tapes);
    std::vector<std::int64_t> times;
    for (const Seen& event : all.events)
      times.push_back(event.received);
    for (int questions = 0; questions < 25; ++questions) {
      const Asked asked = some_question(random, times);
      const std::vector<std::string> wanted = expected(all, asked);
      const std::string which = "seed " + std::to_string(seed) + ", " + asked.text();
      std::uint64_t none = 0;
      ASSERT_EQ(answer(tapes, asked.selection(), false, none), wanted) << which;
      ASSERT_EQ(answer(tapes, asked.selection(), true, passed_over), wanted) << which;
      (wanted.empty() ? without : with_events) += 1;
    }
  }
  // Else it would prove nothing.
  EXPECT_GT(with_events, 150U);
  EXPECT_GT(without, 100U);
  EXPECT_GT(passed_over, 300U);
}

}  // namespace
}  // namespace smtptape
