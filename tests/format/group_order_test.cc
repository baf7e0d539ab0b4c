// Groups count up in a tape and each stands where its index says: whoever reads is told when one
// is missing, comes again, or has moved.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/counted.h"
#include "format/tape/section.h"
#include "tests/format/made_tape.h"

namespace smtptape {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct Parts {
  std::string header;
  std::vector<std::string> groups;  // each with its index
  std::string footer;

  [[nodiscard]] std::string join(const std::vector<std::size_t>& order, bool sealed) const {
    std::string tape = header;
    for (const std::size_t group : order)
      tape += groups[group];
    return sealed ? tape + footer : tape;
  }
};

Parts parts_of(const std::string& tape) {
  const ReadBack whole = read_back(tape);
  const auto& groups = whole.footer->groups;
  Parts parts;
  parts.header = tape.substr(0, groups.front().offset);
  const std::uint64_t footer = parse_trailer(tape)->offset;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::uint64_t end = i + 1 < groups.size() ? groups[i + 1].offset : footer;
    parts.groups.push_back(tape.substr(groups[i].offset, end - groups[i].offset));
  }
  parts.footer = tape.substr(footer);
  return parts;
}

std::vector<std::string> what(const std::vector<Damage>& damage) {
  std::vector<std::string> all;
  for (const Damage& each : damage)
    all.push_back(each.what + (each.events_lost ? ", " + counted(*each.events_lost, "event") : ""));
  return all;
}

class GroupOrder : public ::testing::TestWithParam<Layout> {
 protected:
  const Made made_ = make_tape(some_frames(24), GetParam(), sizes(kKi, 2 * kKi));
  const Parts parts_ = parts_of(made_.bytes);
  const ReadBack whole_ = read_back(made_.bytes);

  [[nodiscard]] std::vector<std::size_t> all() const {
    std::vector<std::size_t> order(parts_.groups.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    return order;
  }
  [[nodiscard]] std::size_t events_of(std::size_t group) const {
    return whole_.footer->groups[group].events;
  }
};
INSTANTIATE_TEST_SUITE_P(Tape,
                         GroupOrder,
                         ::testing::Values(Layout::Interleaved, Layout::TwoFrames));

TEST_P(GroupOrder, AllOfThemAreFine) {
  ASSERT_GE(parts_.groups.size(), 4U);
  const ReadBack got = read_back(parts_.join(all(), true));
  EXPECT_TRUE(got.damage.empty());
  EXPECT_EQ(got.frames, made_.frames);
}

TEST_P(GroupOrder, AMissingGroupIsToldWithWhatItHeld) {
  for (std::size_t gone = 0; gone < parts_.groups.size(); ++gone) {
    auto order = all();
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(gone));
    const ReadBack got = read_back(parts_.join(order, true));
    EXPECT_EQ(got.frames.size(), made_.frames.size() - events_of(gone));
    ASSERT_THAT(what(got.damage),
                Contains("group " + std::to_string(gone) + " is missing, " +
                         counted(events_of(gone), "event")));
  }
}

TEST_P(GroupOrder, WithoutAFooterAMissingGroupIsToldUnlessItIsTheLast) {
  for (std::size_t gone = 0; gone + 1 < parts_.groups.size(); ++gone) {
    auto order = all();
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(gone));
    const ReadBack got = read_back(parts_.join(order, false));
    EXPECT_THAT(what(got.damage), Contains("group " + std::to_string(gone) + " is missing"));
  }
}

TEST_P(GroupOrder, SeveralMissingOnesAreToldTogether) {
  const ReadBack got = read_back(parts_.join({0, 3}, false));
  EXPECT_THAT(what(got.damage), Contains("groups 1 to 2 are missing"));
}

TEST_P(GroupOrder, AGroupThatComesAgainIsNoData) {
  for (const bool sealed : {true, false}) {
    auto order = all();
    order.push_back(0);
    const ReadBack got = read_back(parts_.join(order, sealed));
    EXPECT_EQ(got.frames, made_.frames);
    EXPECT_THAT(what(got.damage), Contains(HasSubstr("group 0 comes again")));
  }
}

TEST_P(GroupOrder, TwoThatChangedPlacesAreTold) {
  auto order = all();
  std::swap(order[1], order[2]);
  const ReadBack got = read_back(parts_.join(order, true));
  EXPECT_FALSE(got.damage.empty());
  EXPECT_TRUE(std::is_sorted(got.sequences.begin(), got.sequences.end()));
}

TEST_P(GroupOrder, AMissingGroupEndsARecoveryBeforeWhatFollowsIt) {
  const std::string bytes = parts_.join({0, 2}, false);
  StringSource cut(bytes);
  TapeReader reader(cut, "x.tape");
  EventBatch batch;
  std::uint64_t read = 0;
  while (reader.next(batch)) {
    if (!batch.events.empty() && batch.events.front().sequence > events_of(0)) break;
    read += batch.events.size();
  }
  EXPECT_EQ(read, events_of(0));
  EXPECT_FALSE(reader.damage().empty());  // told with the batch that comes behind it
}

// Wherever an index is damaged, in its first bytes too, it costs no event.
TEST_P(GroupOrder, ADamagedIndexCostsNothingButItself) {
  for (std::size_t group = 0; group < parts_.groups.size(); ++group) {
    const GroupIndex& index = whole_.footer->groups[group];
    const std::size_t start = index.offset + index.bytes;
    const std::size_t end = index.offset + parts_.groups[group].size();
    for (std::size_t at = start; at < end; ++at) {
      std::string bytes = made_.bytes;
      bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
      const ReadBack got = read_back(bytes);
      ASSERT_EQ(got.frames, made_.frames) << "byte " << at - start << " of index " << group;
      ASSERT_EQ(got.damage.size(), 1U) << "byte " << at - start << " of index " << group << ": "
                                       << ::testing::PrintToString(what(got.damage));
    }
  }
}

TEST_P(GroupOrder, AnIndexWhoseLengthEndsWhereAnotherGroupBeginsCostsNothingButItself) {
  constexpr std::size_t kBeforeLength = 8;
  for (std::size_t group = 2; group < parts_.groups.size(); ++group) {
    const GroupIndex& index = whole_.footer->groups[0];
    const std::size_t start = index.offset + index.bytes;
    const std::uint64_t size = whole_.footer->groups[group].offset - start - kBeforeLength;
    std::string bytes = made_.bytes;
    for (unsigned i = 0; i < 4; ++i)
      bytes[start + 4 + i] = static_cast<char>(size >> (8 * i));
    const ReadBack got = read_back(bytes);
    EXPECT_EQ(got.frames, made_.frames) << "up to group " << group;
    EXPECT_EQ(got.damage.size(), 1U) << ::testing::PrintToString(what(got.damage));
  }
}

TEST_P(GroupOrder, AnIndexThatIsGoneCostsNoEvent) {
  const GroupIndex& index = whole_.footer->groups[1];
  std::string bytes = made_.bytes;
  bytes.erase(index.offset + index.bytes, parts_.groups[1].size() - index.bytes);
  const ReadBack got = read_back(bytes);
  EXPECT_EQ(got.frames, made_.frames);
  EXPECT_FALSE(got.damage.empty());
}

TEST_P(GroupOrder, BytesBetweenGroupsAreToldAndCostNoEvent) {
  for (const std::string& garbage :
       {std::string(100, '\0'), std::string("S*M\x18 not ours"), made_.header.writer}) {
    std::string bytes = made_.bytes;
    bytes.insert(whole_.footer->groups[2].offset, garbage);
    const ReadBack got = read_back(bytes);
    EXPECT_EQ(got.frames, made_.frames);
    EXPECT_FALSE(got.damage.empty());
  }
}

}  // namespace
}  // namespace smtptape
