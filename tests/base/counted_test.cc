#include "base/counted.h"

#include <gtest/gtest.h>

namespace smtptape {
namespace {

TEST(Counted, OneIsSingular) {
  EXPECT_EQ(counted(0, "tape"), "0 tapes");
  EXPECT_EQ(counted(1, "tape"), "1 tape");
  EXPECT_EQ(counted(2, "tape"), "2 tapes");
  EXPECT_EQ(counted(1, "event is", "events are"), "1 event is");
  EXPECT_EQ(counted(3, "event is", "events are"), "3 events are");
}

TEST(Counted, Times) {
  EXPECT_EQ(times(1), "once");
  EXPECT_EQ(times(2), "twice");
  EXPECT_EQ(times(3), "3 times");
}

TEST(Counted, ASumEndsAtTheMost) {
  EXPECT_EQ(capped_sum(4711, 1), 4712U);
  EXPECT_EQ(capped_sum(4711, kMostCounted), kMostCounted);
  EXPECT_EQ(capped_sum(kMostCounted, 0), kMostCounted);
  EXPECT_EQ(capped_sum(kMostCounted - 1, 1), kMostCounted);
  EXPECT_EQ(capped_sum(kMostCounted - 1, 2), kMostCounted);
}

}  // namespace
}  // namespace smtptape
