// What is told of gaps is bounded, and how many there were is not forgotten.
#include "store/plan/selection.h"

#include <algorithm>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ManyGaps : public EventSource {
 public:
  explicit ManyGaps(std::uint64_t count) : left_(count) {}
  bool next(EventBatch& batch) override {
    batch.clear();
    for (int i = 0; i < 7 && left_ > 0; ++i, --left_) {
      Gap gap;
      gap.cause = GapCause::Disk;
      gap.count = 3;
      batch.gaps.push_back(gap);
    }
    return !batch.gaps.empty();
  }

 private:
  std::uint64_t left_;
};

TEST(TimeWindow, AGapWhoseBeginningOrEndNobodyKnowsMayLieInIt) {
  const auto touched = [](std::int64_t from, std::int64_t until) {
    Gap gap;
    gap.from = from;
    gap.until = until;
    return TimeWindow{.since = 100, .until = 200}.touches(gap);
  };
  EXPECT_TRUE(touched(50, 150));
  EXPECT_TRUE(touched(150, 250));
  EXPECT_TRUE(touched(50, 250));
  EXPECT_TRUE(touched(250, 50));  // the clock was set back
  EXPECT_FALSE(touched(50, 99));
  EXPECT_TRUE(touched(50, 100));
  EXPECT_FALSE(touched(200, 250));
  EXPECT_TRUE(touched(199, 250));
  EXPECT_TRUE(touched(0, 0));
  EXPECT_TRUE(touched(50, 0));  // it may last until today
  EXPECT_FALSE(touched(200, 0));
  EXPECT_TRUE(touched(0, 250));
  EXPECT_FALSE(touched(0, 99));
}

TEST(SelectedSource, PutsOnlyTheFirstGapsIntoWordsAndCountsAll) {
  for (const std::uint64_t count : {19U, 20U, 21U, 1000U}) {
    ManyGaps source(count);
    SelectedSource selected(source, {}, nullptr);
    EventBatch batch;
    std::uint64_t passed_on = 0;
    while (selected.next(batch))
      passed_on += batch.gaps.size();
    EXPECT_EQ(passed_on, count);
    EXPECT_EQ(selected.gap_count(), count);
    EXPECT_THAT(selected.gaps(), SizeIs(std::min<std::uint64_t>(count, 20)));
    EXPECT_THAT(selected.gaps(), Each(HasSubstr("3 events missing")));
  }
}

}  // namespace
}  // namespace smtptape
