// What came out, asked of random tapes in random ways: the plan's answer is the one that is found
// by looking at everything.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/plan/plan.h"
#include "store/plan/selection.h"
#include "tests/store/plan/random_dialogues.h"
#include "tests/store/plan/slow_choice.h"

namespace smtptape {
namespace {

using testing::Asked;
using testing::Everything;
using testing::RandomDialogues;
using testing::Seen;

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
  for (std::size_t count = random.one_in(8) ? 1 + random.below(3) : 0; count > 0; --count)
    asked.sessions.push_back("session" + std::to_string(random.below(24)));
  asked.scope =
      std::array{Scope::Session, Scope::Session, Scope::Event, Scope::Strict}[random.below(4)];
  asked.whole = random.one_in(2);
  if (random.one_in(3)) asked.window.since = times[random.below(times.size())];
  if (random.one_in(4)) asked.window.until = times[random.below(times.size())];
  return asked;
}

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
  for (std::uint32_t seed = 1; seed <= 16; ++seed) {
    const TemporaryDirectory directory;
    RandomDialogues random(directory.path(), seed);
    const std::vector<TapeFile> tapes = find_tapes(random.names());
    ASSERT_TRUE(hold_events_once(tapes));
    const Everything all = testing::look_at_everything(tapes);
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
  EXPECT_GT(with_events, 100U);
  EXPECT_GT(without, 80U);
  EXPECT_GT(passed_over, 300U);
}

}  // namespace
}  // namespace smtptape
