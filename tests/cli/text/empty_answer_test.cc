#include "cli/text/empty_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kHour = 3'600'000'000'000;
constexpr std::int64_t kMidnight = 1'785'801'600'000'000'000;  // 2026-08-04T00:00:00Z

TimeSpan hours(std::int64_t from, std::int64_t until) {
  return {kMidnight + from * kHour, kMidnight + until * kHour};
}

LookedAt a_night() {
  LookedAt looked_at;
  looked_at.tapes = 2;
  looked_at.events = 1200;
  looked_at.chosen_or_in_window = 1200;
  looked_at.held = hours(1, 6);
  return looked_at;
}

constexpr const char* kHeld =
    "nothing was found in 2 tapes: 1200 events were looked at; received there: "
    "2026-08-04T01:00:00.000Z to 2026-08-04T06:00:00.000Z";

TEST(EmptyAnswer, SaysWhatWasLookedAt) {
  LookedAt looked_at = a_night();
  EXPECT_THAT(text_of(looked_at, true), ElementsAre(kHeld));
  EXPECT_THAT(text_of(looked_at, false), IsEmpty());
  looked_at.tapes = looked_at.events = looked_at.chosen_or_in_window = 1;
  looked_at.held.reset();
  EXPECT_THAT(text_of(looked_at, true),
              ElementsAre("nothing was found in 1 tape: 1 event was looked at; no event was "
                          "received there"));
}

TEST(EmptyAnswer, SaysThatTheTimesLieOutside) {
  LookedAt looked_at = a_night();
  looked_at.chosen_or_in_window = 0;
  looked_at.window.since = kMidnight + 7 * kHour;
  EXPECT_THAT(
      text_of(looked_at, true),
      ElementsAre(kHeld, "--since 2026-08-04T07:00:00.000Z is after all that was received"));
  looked_at.window = {std::nullopt, kMidnight};
  EXPECT_THAT(
      text_of(looked_at, true),
      ElementsAre(kHeld, "--until 2026-08-04T00:00:00.000Z is before all that was received"));
  looked_at.window = {kMidnight + 2 * kHour, kMidnight + 3 * kHour};
  EXPECT_THAT(text_of(looked_at, true),
              ElementsAre(kHeld, "nothing was received between --since and --until"));
}

TEST(EmptyAnswer, SaysThatItDoesNotKnowWhichValuesThereAre) {
  LookedAt looked_at = a_night();
  looked_at.misses = {{"--tenant", "acmee", {}, 0, true}, {"--source", "x", {}, 0, false}};
  EXPECT_THAT(text_of(looked_at, true),
              ElementsAre(kHeld,
                          "no events of --tenant \"acmee\"; which values there are, the tapes "
                          "don't list",
                          "no events of --source \"x\"; none has a value that it could be compared "
                          "with"));
}

TEST(EmptyAnswer, TellsATimeThatWasWatchedFromOneThatWasNot) {
  LookedAt looked_at = a_night();
  looked_at.chosen_or_in_window = 0;
  looked_at.window = {kMidnight + 2 * kHour, kMidnight + 4 * kHour};
  looked_at.recorded = {hours(3, 6), hours(1, 3)};
  EXPECT_THAT(text_of(looked_at, true),
              ElementsAre(kHeld,
                          "nothing was received between --since and --until",
                          "recorded was 2026-08-04T02:00:00.000Z to 2026-08-04T04:00:00.000Z, and "
                          "nothing came"));
  looked_at.recorded = {hours(1, 2)};
  looked_at.window.since = kMidnight + 3 * kHour;
  EXPECT_EQ(text_of(looked_at, true).size(), 2U) << "nobody was watching";
}

TEST(EmptyAnswer, NamesWhatThereIs) {
  LookedAt looked_at = a_night();
  looked_at.misses = {{"--tenant", "acmee", {"acme", ""}, 0, false},
                      {"--domain", "x", {"y"}, 0, false},
                      {"--mx-host", "x", {}, 0, false},
                      {"--campaign", "x", {"y"}, 999, true}};
  EXPECT_THAT(
      text_of(looked_at, false),
      ElementsAre("no events of --tenant \"acmee\"; there are acme, \"\"",
                  "no events of --domain \"x\"; there is y",
                  "no events of --mx-host \"x\"; none has a value that it could be compared with",
                  "no events of --campaign \"x\"; there are y and 999 or more others"));
  looked_at.misses = std::vector<UnmatchedValues::Miss>(7, {"--tenant", "a", {"b"}, 0, false});
  EXPECT_EQ(text_of(looked_at, false).back(), "… nor of 2 other values");
}

}  // namespace
}  // namespace smtptape
