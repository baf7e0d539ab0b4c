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
