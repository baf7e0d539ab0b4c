#include "store/merge/merge.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/read/inputs.h"
#include "tests/store/random_store.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<std::string> read_all(const std::vector<std::string>& arguments) {
  Inputs inputs(find_tapes(arguments));
  std::vector<std::string> names;
  EventBatch batch;
  while (inputs.next(batch)) {
    for (const Event& event : batch.events)
      names.push_back(testing::name_of(*event.origin, event.sequence));
  }
  EXPECT_THAT(inputs.trouble().damage, IsEmpty());
  return names;
}

class RandomStoresTest : public ::testing::TestWithParam<std::uint32_t> {};

// One parameter is many stores: each by itself would take longer to start than to run.
TEST_P(RandomStoresTest, ComeOutAsTheRuleSays) {
  for (std::uint32_t seed = GetParam(); seed < GetParam() + 40; ++seed) {
    const TemporaryDirectory directory;
    testing::RandomStore store(directory.path(), seed);
    const std::vector<std::string> got = read_all(store.arguments());
    const std::vector<std::string> expected = store.expected();
    const auto [one, other] =
        std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
    ASSERT_TRUE(one == got.end() && other == expected.end())
        << "seed " << seed << ", event " << (one - got.begin()) << " is "
        << (one == got.end() ? "missing" : *one) << " and should be "
        << (other == expected.end() ? "none" : *other);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomStoresTest, ::testing::Values(0, 1000, 2000, 3000, 4000));

// ---- the merge alone ----

class MergeTest : public ::testing::Test {
 protected:
  std::shared_ptr<EventBatch> batch_of(const Origin& origin,
                                       const std::vector<std::int64_t>& received,
                                       std::uint64_t sequence) {
    auto batch = std::make_shared<EventBatch>();
    for (const std::int64_t time : received) {
      Event& event = batch->events.emplace_back();
      event.origin = &origin;
      event.sequence = sequence++;
      event.received = time;
    }
    return batch;
  }
  std::vector<std::uint64_t> sequences() {
    std::vector<std::uint64_t> sequences;
    for (const Event& event : out_.events)
      sequences.push_back(event.sequence);
    out_.clear();
    return sequences;
  }
  // What is at hand; no lane has any more.
  std::vector<std::uint64_t> rest() {
    std::vector<std::uint64_t> all;
    for (;;) {
      while (const auto lane = merge_.run(out_))
        merge_.end(*lane);
      if (out_.events.empty()) return all;
      for (const std::uint64_t sequence : sequences())
        all.push_back(sequence);
    }
  }

  Merge merge_;
  EventBatch out_;
  Origin a_{random_id(), "a", 1, false};
  Origin b_{random_id(), "b", 1, false};
};

TEST_F(MergeTest, ABatchThatNothingComesBetweenGoesOnUntouched) {
  const auto one = merge_.add_lane(merge_.add_row("a"), {});
  const auto two = merge_.add_lane(merge_.add_row("b"), {});
  ASSERT_EQ(merge_.run(out_), one);
  const auto batch = batch_of(a_, std::vector<std::int64_t>(3000, 10), 1);
  const Event* const events = batch->events.data();
  merge_.give(one, batch);
  ASSERT_EQ(merge_.run(out_), two);
  merge_.give(two, batch_of(b_, {11}, 1));
  ASSERT_EQ(merge_.run(out_), std::nullopt);
  EXPECT_EQ(out_.events.data(), events);
  EXPECT_THAT(out_.events, SizeIs(3000));
}

TEST_F(MergeTest, ALaneIsNotAskedBeforeItsTurn) {
  const auto one = merge_.add_lane(merge_.add_row("a"), {});
  const auto two = merge_.add_lane(merge_.add_row("b"), {{}, 50});
  ASSERT_EQ(merge_.run(out_), one);
  merge_.give(one, batch_of(a_, {10, 49}, 1));
  ASSERT_EQ(merge_.run(out_), std::nullopt);
  EXPECT_THAT(sequences(), ElementsAre(1, 2));
  ASSERT_EQ(merge_.run(out_), one);
  merge_.give(one, batch_of(a_, {51}, 3));
  ASSERT_EQ(merge_.run(out_), two);
}

TEST_F(MergeTest, OneThatIsPausedIsNotWaitedForAndTakesPartWhenItComes) {
  const auto one = merge_.add_lane(merge_.add_row("a"), {});
  const auto two = merge_.add_lane(merge_.add_row("b"), {});
  ASSERT_EQ(merge_.run(out_), one);
  merge_.pause(one);
  ASSERT_EQ(merge_.run(out_), two);
  merge_.give(two, batch_of(b_, {10, 30}, 1));
  ASSERT_EQ(merge_.run(out_), std::nullopt);
  EXPECT_THAT(sequences(), ElementsAre(1, 2));
  merge_.give(one, batch_of(a_, {5}, 7));
  ASSERT_EQ(merge_.run(out_), std::nullopt);
  EXPECT_THAT(sequences(), ElementsAre(7)) << "late, but there";
}

TEST_F(MergeTest, NothingOfATapeIsLostWhoseEventsAreInDisorder) {
  const auto row = merge_.add_row("a");
  const auto one = merge_.add_lane(row, {});
  const auto two = merge_.add_lane(row, {});
  auto mixed_up = batch_of(a_, {1, 1, 1}, 7);
  mixed_up->events[1].sequence = 2;
  mixed_up->events[2].sequence = 3;
  ASSERT_EQ(merge_.run(out_), one);
  merge_.give(one, mixed_up);
  ASSERT_EQ(merge_.run(out_), two);
  merge_.give(two, batch_of(a_, {1, 1}, 3));
  EXPECT_THAT(rest(), UnorderedElementsAre(2, 3, 4, 7));
}

// ---- what came out ----

TEST(Seen, KnowsEachNumberInWhateverOrderTheyCome) {
  std::mt19937 random(1);
  Seen seen;
  std::set<std::uint64_t> model;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t number = random() % 3000;
    ASSERT_EQ(seen.add(number), model.insert(number).second) << number;
  }
  std::size_t ranges = 0;
  for (const std::uint64_t number : model)
    if (!model.contains(number - 1)) ++ranges;
  EXPECT_EQ(seen.ranges(), ranges);
}

TEST(Seen, ForgetsTheOldestOfVeryManyHoles) {
  Seen seen;
  for (std::uint64_t i = 0; i < 2 * Seen::kMostRanges; ++i)
    EXPECT_TRUE(seen.add(2 * i));
  EXPECT_LE(seen.ranges(), Seen::kMostRanges);
  EXPECT_FALSE(seen.add(4 * Seen::kMostRanges - 2));
}

}  // namespace
}  // namespace smtptape
