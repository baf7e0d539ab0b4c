// What is there comes out, then what comes, tape after tape.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/store/follow/follow_fixture.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FollowTest, GivesWhatIsThereAndThenWhatComes) {
  const auto tape = begin(1, m_);
  tape->record({1, 2, 3});
  follow();
  EXPECT_THAT(take(3), ElementsAre(1, 2, 3));
  tape->record({4});
  EXPECT_THAT(take(1), ElementsAre(4));
  tape->record({5, 6});
  EXPECT_THAT(take(2), ElementsAre(5, 6));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, GoesOnWithTheNextTape) {
  auto first = begin(1, m_);
  first->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  for (std::uint64_t number = 2; number < 12; ++number) {
    first->record({2 * number});
    auto second = begin(number, m_);  // before the old one is sealed
    second->record({2 * number + 1});
    first->seal();
    first = std::move(second);
    EXPECT_THAT(take(2), ElementsAre(2 * number, 2 * number + 1));
  }
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, NoCutIsDamageWhileTheWriterLives) {
  follow();
  {
    LiveTape live(tape_path(1));
    const std::string bytes = tape_bytes(m_, {1, 2, 3});
    for (const char byte : bytes)
      live.write({&byte, 1});
    EXPECT_THAT(take(3), ElementsAre(1, 2, 3));
  }
  {
    LiveTape live(tape_path(2));
    const std::string bytes = tape_bytes(m_, {4});
    live.write(bytes.substr(0, 20));  // half a header
    EXPECT_THAT(take_what_is_there(), IsEmpty());
    live.write(bytes.substr(20));
    EXPECT_THAT(take(1), ElementsAre(4));
  }
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, WaitsForATapeThatIsNotEvenLocked) {
  UniqueFd fd = create_file(tape_path(1));
  follow();
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  ASSERT_TRUE(try_lock_byte(fd.get(), 0, "it"));
  write_all(fd.get(), tape_bytes(m_, {1}), "it");
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, ButNotWhenTheNextOneIsThere) {
  const UniqueFd left_behind = create_file(tape_path(1));
  write_sealed(2, m_, {1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("not sealed")));
}

TEST_F(FollowTest, ADeletedTapeIsReadToItsEnd) {
  auto first = begin(1, m_);
  first->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  first->record({2});
  fs::remove(tape_path(1));
  EXPECT_THAT(take(1), ElementsAre(2));
  first.reset();
  write_sealed(2, m_, {3});
  EXPECT_THAT(take(1), ElementsAre(3));
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, FindsSourcesThatAreNew) {
  follow();
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  const auto m = begin(1, m_);
  m->record({1});
  EXPECT_THAT(take(1), ElementsAre(1));
  const auto n = begin(1, n_);
  n->record({7});
  EXPECT_THAT(take(1), ElementsAre(7));
}

TEST_F(FollowTest, GivesGapsAsTheyAreRecorded) {
  const auto tape = begin(1, m_);
  tape->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = gap.until = 5;
  gap.after_sequence = 1;
  tape->record(gap);
  tape->record({2});
  EXPECT_THAT(take(1), ElementsAre(2));
  ASSERT_THAT(gaps_, SizeIs(1));
  EXPECT_EQ(gaps_.front().cause, GapCause::Disconnected);
}

TEST_F(FollowTest, EndsAfterUntilWhenWhatWasOnItsWayHasCome) {
  const auto tape = begin(1, m_);
  tape->record({1});
  std::int64_t now = 50;
  FollowOptions options;
  options.window.until = 50;
  options.flush_grace = std::chrono::nanoseconds(100);
  options.now = [&now] { return now; };
  follow(options);
  EXPECT_THAT(take_what_is_there(), ElementsAre(1));
  tape->record({2});
  EXPECT_THAT(take(1), ElementsAre(2));
  now = 150;
  EXPECT_TRUE(take_to_the_end());
}

TEST_F(FollowTest, EndsWhenToldToHoweverMuchThereIs) {
  for (std::uint64_t number = 1; number < 50; ++number)
    write_sealed(number, m_, {number});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  source_.reset();  // joins its threads
}

TEST_F(FollowTest, RefusesMoreRowsThanItHasRoomFor) {
  for (std::size_t i = 0; i <= FollowSource::kMostRows; ++i)
    testing::write_file(directory_ / ("x" + std::to_string(i) + ".tape"), "");
  EXPECT_THROW(follow(), Error);
}

}  // namespace
}  // namespace smtptape
