// Several sources, and copies beside them, come out in one order and each event once.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/store/follow/follow_fixture.h"
#include "tests/store/random_store.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FollowTest, MergesWhatIsThereByTimeAndGivesTheRestAsItComes) {
  const auto m = begin(1, m_);
  const auto n = begin(1, n_);
  m->record_at(1, 10);
  n->record_at(2, 20);
  m->record_at(3, 30);
  n->record_at(4, 40);
  m->record_at(5, 50);
  n->record_at(6, 50);
  follow();
  EXPECT_THAT(take(6), ElementsAre(1, 2, 3, 4, 5, 6));
  n->record_at(7, 90);
  EXPECT_THAT(take(1), ElementsAre(7)) << "not held back because m is silent";
  m->record_at(8, 80);
  EXPECT_THAT(take(1), ElementsAre(8));
}

TEST_F(FollowTest, GivesEachEventOnceThoughACopyLiesBesideIt) {
  const auto tape = begin(1, m_);
  tape->record({1, 2, 3, 4});
  testing::write_file(directory_ / "extract.tape", tape_bytes(m_, {2, 4}));
  testing::write_file(directory_ / "another.tape", tape_bytes(m_, {1, 3}));
  follow();
  EXPECT_THAT(take(4), ElementsAre(1, 2, 3, 4));
  tape->record({5});
  EXPECT_THAT(take(1), ElementsAre(5));
}

TEST_F(FollowTest, CopiesOfEventsOfOneMomentAreInOrder) {
  const auto tape = begin(2, m_);
  for (const std::uint64_t sequence : {5U, 6U})
    tape->record_at(sequence, 9);
  Recording one(directory_ / "a.tape", m_);
  Recording two(directory_ / "b.tape", m_);
  for (const std::uint64_t sequence : {1U, 3U, 5U})
    one.record_at(sequence, 9);
  for (const std::uint64_t sequence : {2U, 4U, 6U})
    two.record_at(sequence, 9);
  one.seal();
  two.seal();
  follow();
  EXPECT_THAT(take(6), ElementsAre(1, 2, 3, 4, 5, 6));
}

// A clock that was set back: the later half of a row is earlier in time.
TEST_F(FollowTest, AnExtractBesideAStoreHidesNothing) {
  const auto tape = begin(1, m_);
  tape->record_at(1, 100);
  tape->record_at(2, 101);
  tape->record_at(3, 50);
  tape->record_at(4, 51);
  Recording extract(directory_ / "extract.tape", m_);
  extract.record_at(3, 50);
  extract.record_at(4, 51);
  extract.seal();
  follow();
  EXPECT_THAT(take(4), ElementsAre(1, 2, 3, 4));
  tape->record({5});
  EXPECT_THAT(take(1), ElementsAre(5));
}

TEST_F(FollowTest, TheTapesNumberIsTheOrderNotTheClock) {
  const Origin before{random_id(), "m", 1, false};
  const Origin after{random_id(), "m", 2, false};
  const auto one = begin(1, before);
  one->record_at(1, 7200);
  one->record_at(2, 7201);
  one->seal();
  const auto two = begin(2, after);
  two->record_at(3, 10);
  Recording extract(directory_ / "x.tape", after);
  extract.record_at(3, 10);
  extract.record_at(4, 11);
  extract.seal();
  follow();
  EXPECT_THAT(take(4), ElementsAre(1, 2, 3, 4));
}

TEST_F(FollowTest, GivesAGapOnceThoughACopyHoldsItToo) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = gap.until = 5;
  gap.after_sequence = 1;
  const auto tape = begin(1, m_);
  tape->record({1});
  tape->record(gap);
  Recording extract(directory_ / "x.tape", m_);
  extract.record({1});
  extract.record(gap);
  extract.seal();
  follow();
  EXPECT_THAT(take_what_is_there(), ElementsAre(1));
  EXPECT_THAT(gaps_, SizeIs(1));
}

TEST_F(FollowTest, WhatTwoRecordersOfOneEndpointHaveComesOutOnce) {
  TapeHeader of_m = header_of(m_);
  TapeHeader of_n = header_of(n_);
  of_m.url = of_n.url = "http://mta-1:8000";
  Recording m(tape_path(1, "m"), of_m);
  Recording n(tape_path(1, "n"), of_n);
  m.record({1, 2, 3});
  n.record({11, 12});
  follow();
  EXPECT_THAT(take(3), ElementsAre(1, 2, 3));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_EQ(source_->doubles(), 2U);
  n.record({13, 14});
  EXPECT_THAT(take(1), ElementsAre(14));
  FollowOptions options;
  options.doubles = Doubles::Keep;
  follow(options);
  EXPECT_THAT(take(7), SizeIs(7));
}

class FollowRandomStoresTest : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(FollowRandomStoresTest, ComeOutAsTheRuleSays) {
  for (std::uint32_t seed = GetParam(); seed < GetParam() + 10; ++seed) {
    const TemporaryDirectory directory;
    testing::RandomStore store(directory.path(), seed);
    FollowOptions options;
    options.tapes = store.arguments();
    options.poll_interval = std::chrono::milliseconds(1);
    options.window.until = 1'000'000;
    options.now = [] { return std::int64_t{1} << 60; };
    const auto until = steady_clock::now() + std::chrono::seconds(20);
    FollowSource source(std::move(options),
                        {[until] { return steady_clock::now() < until; }, [](std::string_view) {}});
    std::vector<std::string> got;
    EventBatch batch;
    while (source.next(batch)) {
      for (const Event& event : batch.events)
        got.push_back(testing::name_of(*event.origin, event.sequence));
    }
    ASSERT_EQ(got, store.expected()) << "seed " << seed;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, FollowRandomStoresTest, ::testing::Values(0, 1000, 2000, 3000));

}  // namespace
}  // namespace smtptape
