// What is missing or damaged where a recording is followed is told, and ends it where that was
// asked for.
#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/store/follow/follow_fixture.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FollowTest, TellsOfTapesThatWereDeletedBeforeItCame) {
  auto first = begin(3, m_);
  first->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_FALSE(source_->incomplete()) << "that the oldest were deleted is normal";
  write_sealed(6, m_, {9});
  first->seal();
  first.reset();
  EXPECT_THAT(take(1), ElementsAre(9));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("2 tapes before number 6")));
  EXPECT_TRUE(source_->incomplete());
}

TEST_F(FollowTest, GoesOnAfterAWriterThatDiedInsideABatch) {
  auto live = std::make_unique<LiveTape>(tape_path(1));
  StringSink sink;
  TapeWriter writer(sink, header_of(m_), {});
  add_event(writer, 1, 1);
  writer.flush();
  const std::size_t whole = sink.text().size();
  add_event(writer, 2, 2);
  writer.flush();
  live->write(sink.text().substr(0, whole + (sink.text().size() - whole) / 2));
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
  live.reset();
  EXPECT_TRUE(wait_until_told(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("cut inside a batch")));
  EXPECT_TRUE(source_->incomplete());
  const auto next = begin(2, {random_id(), "m", 2, false});
  next->record({1});
  EXPECT_THAT(take(1), ElementsAre(1)) << "of another capture";
}

TEST_F(FollowTest, AWriterThatDiedBetweenTwoBatchesIsNormal) {
  begin(1, m_)->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_TRUE(wait_until_told(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("not sealed")));
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, EndsAtDamageWhenToldTo) {
  std::string bytes = tape_bytes(m_, {1});
  bytes[bytes.size() / 3] ^= 1;  // in the header, with its schema
  testing::write_file(tape_path(1), bytes);
  write_sealed(2, m_, {2});
  FollowOptions options;
  options.recovery = Recovery::Tail;
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, IsEmpty());
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(FollowTest, PassesOverWhatIsNoTape) {
  testing::write_file(tape_path(1), "no tape");
  write_sealed(2, m_, {1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("passed over")));
  EXPECT_TRUE(source_->incomplete());
}

TEST_F(FollowTest, WhatOnlyLiesInAStoreAndIsNoTapeIsPassedOver) {
  testing::write_file(directory_ / "notes.tape", "hello\n");
  fs::create_directory(directory_ / "hidden.tape");
  testing::write_file(directory_ / "empty.tape", "");
  write_sealed(1, m_, {1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_TRUE(wait_until_told(1));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_THAT(told_,
              ::testing::Contains(HasSubstr("notes.tape: not a smtptape tape; passed over")));
  EXPECT_TRUE(source_->incomplete());
}

// Where it stands in time, for every source.
TEST_F(FollowTest, AtDamageItEndsForWhatComesLaterToo) {
  std::string bytes = tape_bytes(m_, {10, 20});
  bytes[bytes.find("\x28\xB5\x2F\xFD") + 20] ^= 1;  // in its group
  testing::write_file(tape_path(2), bytes);
  write_sealed(1, m_, {5});
  write_sealed(1, n_, {4, 6, 7});
  FollowOptions options;
  options.recovery = Recovery::Tail;
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, ElementsAre(4, 5));
}

}  // namespace
}  // namespace smtptape
