// A footer is believed where its groups fill the tape from header to footer, one after another.
#include "format/tape/group_extents.h"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/section.h"
#include "tests/format/made_tape.h"

namespace smtptape {
namespace {

class GroupExtentsTest : public ::testing::Test {
 protected:
  const Made made_ = make_tape(some_frames(60), Layout::Interleaved, sizes(2 * kKi, 12 * kKi));
  const TapeFooter footer_ = read_back(made_.bytes).footer.value();
  const std::uint64_t begin_ = footer_.groups.front().offset;
  const std::uint64_t end_ = parse_trailer(made_.bytes)->offset;

  [[nodiscard]] bool is_believed(const std::function<void(TapeFooter&)>& change) const {
    TapeFooter footer = footer_;
    change(footer);
    return group_extents(footer, begin_, end_).has_value();
  }
};

TEST_F(GroupExtentsTest, FillTheTapeBetweenHeaderAndFooter) {
  ASSERT_GE(footer_.groups.size(), 3U);
  const auto extents = group_extents(footer_, begin_, end_);
  ASSERT_TRUE(extents);
  ASSERT_EQ(extents->size(), footer_.groups.size());
  std::uint64_t at = begin_;
  for (const GroupExtent& extent : *extents) {
    EXPECT_EQ(extent.offset, at);
    at = extent.end;
  }
  EXPECT_EQ(at, end_);
  EXPECT_FALSE(group_extents(footer_, begin_ - 8, end_));
  EXPECT_FALSE(group_extents(footer_, begin_ + 8, end_));
}

TEST_F(GroupExtentsTest, OfATapeWithoutGroupsTheFooterFollowsTheHeader) {
  EXPECT_TRUE(group_extents({}, 100, 100));
  EXPECT_FALSE(group_extents({}, 100, 108));
}

TEST_F(GroupExtentsTest, AFooterThatMakesNoSenseIsNotBelieved) {
  EXPECT_TRUE(is_believed([](TapeFooter&) {}));
  EXPECT_FALSE(is_believed([](TapeFooter& footer) { ++footer.groups[1].number; }));
  EXPECT_FALSE(is_believed([](TapeFooter& footer) { ++footer.groups[1].events; }));
  EXPECT_FALSE(is_believed([](TapeFooter& footer) { ++footer.ledger.stored; }));
  EXPECT_FALSE(is_believed([](TapeFooter& footer) { ++footer.groups[0].offset; }));
  EXPECT_FALSE(is_believed([](TapeFooter& footer) { footer.groups[2].offset = ~0ULL; }));
  EXPECT_FALSE(is_believed([](TapeFooter& footer) { footer.groups[1].bytes = ~0ULL; }));
  EXPECT_FALSE(is_believed([this](TapeFooter& footer) {
    footer.groups.back().bytes = end_ - footer.groups.back().offset + 1;
  }));
  EXPECT_FALSE(
      is_believed([](TapeFooter& footer) { std::swap(footer.groups[0], footer.groups[1]); }));
}

// Behind it an index has to stand.
TEST_F(GroupExtentsTest, AGroupLeavesRoomForItsIndex) {
  const auto left = [this](std::uint64_t room) {
    return is_believed([&](TapeFooter& footer) {
      footer.groups[0].bytes = footer.groups[1].offset - footer.groups[0].offset - room;
    });
  };
  EXPECT_TRUE(left(kSectionStart));
  EXPECT_FALSE(left(kSectionStart - 1));
}

}  // namespace
}  // namespace smtptape
