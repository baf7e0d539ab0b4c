// Reading by the footer finds wrong what reading from front to back finds wrong.
#include "store/plan/planned_tape.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/format/made_tape.h"

namespace smtptape {
namespace {

struct Read {
  bool planned = false;
  std::size_t events = 0;
  std::size_t damage = 0;
};

Read read_by_footer(const std::string& bytes) {
  UniqueFd file(::memfd_create("tape", MFD_CLOEXEC));
  FdSink(UniqueFd(::dup(file.get())), "tape").write(bytes);
  auto summary = read_summary(file.get());
  if (!summary) return {};
  const auto plan = plan_of(std::move(*summary), FooterHashes::Keep);
  if (plan == nullptr) return {};
  const auto question = std::make_shared<Question>(Selection{}, Question::Mode::Choose, nullptr);
  PlannedTape tape(std::move(file), "tape", plan, {question, std::make_shared<GroupPool>(2)});
  Read read{.planned = true};
  EventBatch batch;
  while (tape.next(batch))
    read.events += batch.events.size();
  read.damage = tape.damage().size();
  return read;
}

class PlannedTapeTest : public ::testing::Test {
 protected:
  const Made made_ = make_tape(some_frames(60), Layout::TwoFrames, sizes(2 * kKi, 12 * kKi));
  Recorded recorded_ = indexes_of(made_.bytes);

  // The tape once more, with what is changed in the indexes and between the pieces.
  [[nodiscard]] std::string built(const std::string& before_groups,
                                  const std::string& behind_an_index) {
    TapeFooter footer = recorded_.footer;
    std::string bytes = made_.bytes.substr(0, footer.groups.front().offset) + before_groups;
    for (std::size_t i = 0; i < footer.groups.size(); ++i) {
      GroupIndex& group = footer.groups[i];
      GroupIndex index = recorded_.indexes[i];
      const std::string frames = made_.bytes.substr(group.offset, group.bytes);
      index.offset = group.offset = bytes.size();
      bytes += frames;
      bytes += section_frame(SectionKind::Index, made_.header.tape_id, {}, to_message(index));
      if (i == 1) bytes += behind_an_index;
    }
    return bytes + footer_frame(made_.header.tape_id, {}, to_message(footer), bytes.size());
  }
  void expect_both_find_damage(const std::string& bytes, std::size_t events) {
    EXPECT_FALSE(read_back(bytes).damage.empty());
    const Read read = read_by_footer(bytes);
    EXPECT_TRUE(!read.planned || read.damage > 0);
    EXPECT_TRUE(!read.planned || read.events == events);
  }
};

TEST_F(PlannedTapeTest, OneThatIsAsItShouldBeHasNoDamage) {
  ASSERT_GE(recorded_.indexes.size(), 3U);
  const std::string same = built("", "");
  EXPECT_TRUE(read_back(same).damage.empty());
  const Read read = read_by_footer(same);
  EXPECT_TRUE(read.planned);
  EXPECT_EQ(read.events, made_.frames.size());
  EXPECT_EQ(read.damage, 0U);
}

// In the first group, which is scanned, and in another, which is decoded.
TEST_F(PlannedTapeTest, AnIndexTellsOfTheGroupThatTheFooterTellsOf) {
  for (const std::size_t group : {0U, 2U}) {
    const GroupIndex before = recorded_.indexes[group];
    ++recorded_.indexes[group].bytes;
    expect_both_find_damage(built("", ""), made_.frames.size());
    recorded_.indexes[group] = before;
  }
}

TEST_F(PlannedTapeTest, NothingStandsBetweenThePieces) {
  const std::string other(
      "\x50\x2A\x4D\x18\x08\0\0\0"
      "somebody",
      16);
  expect_both_find_damage(built(other, ""), made_.frames.size());
  expect_both_find_damage(built("", other), made_.frames.size());
}

}  // namespace
}  // namespace smtptape
