// When a story is complete.
#include "sessions/stories.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sessions/told_events.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> ids_of(const std::vector<Story>& stories) {
  std::vector<std::string> ids;
  for (const Story& story : stories)
    ids.push_back(story.id);
  return ids;
}

TEST(Stories, OneIsCompleteWhenNothingCameForAWhileAfterItsEnd) {
  ToldEvents told;
  told.tell("begin", "connected", "S 220 hi", "closed", "E why");
  told.id = "b";
  told.wait(4000);
  told.tell("begin");
  Stories stories(Stories::Until::Silent);
  EXPECT_THAT(stories.add(told.batch()), IsEmpty());
  ToldEvents later;
  later.id = "b";
  later.wait(9000);
  later.tell("connected");
  const std::vector<Story> complete = stories.add(later.batch());
  ASSERT_EQ(complete.size(), 1U);
  EXPECT_EQ(complete[0].id, "a");
  EXPECT_EQ(complete[0].attempts[0].why, "why");
  EXPECT_THAT(ids_of(stories.finish()), ElementsAre("b"));
  EXPECT_EQ(stories.cut_short(), 0U);
}

TEST(Stories, OneThatConnectsAgainGoesOn) {
  ToldEvents told;
  told.tell("begin", "connected", "closed");
  told.tell("I Connection rate throttled for 1h, pausing.");
  told.wait(3'600'000);
  told.tell("I Attempting connection to 10.0.0.1:25", "connected", "S 220 hi", "closed");
  Stories stories(Stories::Until::Silent);
  EXPECT_THAT(stories.add(told.batch()), IsEmpty());
  const std::vector<Story> all = stories.finish();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].attempts.size(), 2U);
}

TEST(Stories, OfTooManyTheOneThatWasSilentForLongestIsComplete) {
  ToldEvents told;
  for (const std::string id : {"a", "b", "a", "c", "d"}) {
    told.id = id;
    told.tell("I x");
  }
  Stories stories(Stories::Until::End, 3);
  EXPECT_THAT(ids_of(stories.add(told.batch())), ElementsAre("b"));
  EXPECT_EQ(stories.cut_short(), 1U);
  EXPECT_THAT(ids_of(stories.finish()), ElementsAre("a", "c", "d"));
}

TEST(Stories, WhatHasNoSessionIsNone) {
  ToldEvents told;
  told.add_frame(R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR",)"
                 R"("message":"Tracer Lagged behind and missed 7 events"}},)"
                 R"("when":"2026-08-04T21:00:00Z"})");
  told.add_frame("no event");
  Stories stories(Stories::Until::End);
  EXPECT_THAT(stories.add(told.batch()), IsEmpty());
  EXPECT_THAT(stories.finish(), IsEmpty());
}

}  // namespace
}  // namespace smtptape
