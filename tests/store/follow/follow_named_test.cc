// Tapes that are followed by their names, and those that a window leaves out.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/store/follow/follow_fixture.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(FollowTest, ANamedTapeEndsWithItsWriter) {
  auto tape = begin(1, m_);
  tape->record({1});
  FollowOptions options;
  options.tapes = {tape_path(1)};
  follow(options);
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  write_sealed(2, m_, {9});  // not named
  tape->record({2});
  tape->seal();
  tape.reset();
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, ElementsAre(2));
}

TEST_F(FollowTest, NamedTapesOfASourceAreARow) {
  write_sealed(1, m_, {1});
  write_sealed(2, m_, {2});
  write_sealed(3, m_, {3});
  FollowOptions options;
  options.tapes = {tape_path(3), tape_path(1)};
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, ElementsAre(1, 3));
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, ANamedFileThatIsNoTapeIsAnError) {
  testing::write_file(directory_ / "x", "no tape");
  FollowOptions options;
  options.tapes = {directory_ / "x"};
  follow(options);
  EXPECT_THROW(take_to_the_end(), Error);
  options.tapes = {directory_ / "nothing"};
  EXPECT_THROW(follow(options), Error);
  options.tapes = {"/dev/null"};
  EXPECT_THROW(follow(options), Error);
}

TEST_F(FollowTest, DoesNotOpenSealedTapesFromBeforeTheWindow) {
  write_sealed(1, m_, {1});
  write_sealed(4, m_, {2});  // 2 and 3 are gone, and were before the window, too
  write_sealed(5, m_, {10});
  FollowOptions options;
  options.window.since = 5;
  follow(options);
  EXPECT_THAT(take(1), ElementsAre(10));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, NorOnesThatWereNamed) {
  std::string bytes = tape_bytes(m_, {1});
  bytes[bytes.find("\x28\xB5\x2F\xFD") + 20] ^= 1;  // in its group: damage, were it read
  testing::write_file(directory_ / "x.tape", bytes);
  FollowOptions options;
  options.tapes = {directory_ / "x.tape"};
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_TRUE(source_->incomplete());
  options.window.since = 5;
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_FALSE(source_->incomplete());
}

}  // namespace
}  // namespace smtptape
