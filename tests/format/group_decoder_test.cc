// A group decoded at once is what the reader gives of it piece by piece.
#include "format/tape/group_decoder.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/limits.h"
#include "tests/format/made_tape.h"

namespace smtptape {
namespace {

std::vector<std::string> frames_of(std::deque<EventBatch> batches) {
  std::vector<std::string> frames;
  for (const EventBatch& batch : batches) {
    for (const Event& event : batch.events) {
      append_frame(frames.emplace_back(), event);
      frames.back() += " " + std::to_string(event.sequence) + " " + std::to_string(event.received);
    }
  }
  return frames;
}

struct Decoded {
  bool good = false;
  std::vector<std::string> frames;
};

Decoded decode(const Made& made, const GroupIndex& index, const ChooseEvents& choose) {
  GroupDecoder decoder(made.header.tape_id, index);
  const std::string_view group = std::string_view(made.bytes).substr(index.offset, index.bytes);
  const std::uint64_t columns = GroupDecoder::column_bytes(index);
  Decoded decoded;
  decoded.good = decoder.add_columns(group.substr(0, columns), choose);
  if (decoded.good && decoder.needs_payload()) {
    decoded.good = decoder.add_payload(group.substr(columns));
  }
  if (decoded.good) decoded.frames = frames_of(decoder.take());
  return decoded;
}

class GroupDecoderTest : public ::testing::TestWithParam<Layout> {
 protected:
  const Made made_ = make_tape(some_frames(60), GetParam(), sizes(2 * kKi, 12 * kKi));
  const ReadBack whole_ = read_back(made_.bytes);

  [[nodiscard]] std::vector<std::string> all_frames() const {
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < whole_.frames.size(); ++i) {
      frames.push_back(whole_.frames[i] + " " + std::to_string(whole_.sequences[i]) + " " +
                       std::to_string(whole_.received[i]));
    }
    return frames;
  }
};
INSTANTIATE_TEST_SUITE_P(Tape,
                         GroupDecoderTest,
                         ::testing::Values(Layout::Interleaved, Layout::TwoFrames));

TEST_P(GroupDecoderTest, GivesWhatTheReaderGives) {
  std::vector<std::string> frames;
  ASSERT_GT(whole_.footer->groups.size(), 2U);
  for (const GroupIndex& index : whole_.footer->groups) {
    ASSERT_TRUE(GroupDecoder::can_decode(index));
    const Decoded got = decode(made_, index, {});
    ASSERT_TRUE(got.good);
    frames.insert(frames.end(), got.frames.begin(), got.frames.end());
  }
  EXPECT_EQ(frames, all_frames());
}

TEST_P(GroupDecoderTest, GivesOfThemWhatIsChosen) {
  const std::vector<std::string> all = all_frames();
  std::mt19937 random(3);
  for (int tries = 0; tries < 30; ++tries) {
    std::vector<bool> chosen(all.size());
    const unsigned share = 1 + random() % 8;
    for (std::size_t i = 0; i < all.size(); ++i)
      chosen[i] = random() % share == 0;
    const auto choose = [&](std::span<const Event> events, std::vector<bool>& wanted) {
      for (std::size_t i = 0; i < events.size(); ++i)
        wanted[i] = chosen[events[i].sequence - 1];
    };
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (chosen[i]) expected.push_back(all[i]);
    std::vector<std::string> frames;
    for (const GroupIndex& index : whole_.footer->groups) {
      const Decoded got = decode(made_, index, choose);
      ASSERT_TRUE(got.good);
      frames.insert(frames.end(), got.frames.begin(), got.frames.end());
    }
    ASSERT_EQ(frames, expected);
  }
}

// What it doesn't refuse is true.
TEST_P(GroupDecoderTest, AFlippedBitIsRefusedOrChangesNothing) {
  const GroupIndex& index = whole_.footer->groups[1];
  const std::vector<std::string> truth = decode(made_, index, {}).frames;
  for (std::uint64_t bit = 0; bit < index.bytes * 8; bit += 3) {
    Made damaged = made_;
    char& byte = damaged.bytes[index.offset + bit / 8];
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    const Decoded got = decode(damaged, index, {});
    ASSERT_TRUE(!got.good || got.frames == truth) << bit;
  }
}

TEST_P(GroupDecoderTest, ANumberThatLiesIsRefused) {
  const GroupIndex& index = whole_.footer->groups[1];
  const auto refused = [&](auto change) {
    GroupIndex changed = index;
    change(changed);
    return !GroupDecoder::can_decode(changed) || !decode(made_, changed, {}).good;
  };
  EXPECT_TRUE(refused([](GroupIndex& to) { ++to.number; }));
  EXPECT_TRUE(refused([](GroupIndex& to) { ++to.events; }));
  EXPECT_TRUE(refused([](GroupIndex& to) { --to.events; }));
  EXPECT_TRUE(refused([](GroupIndex& to) { to.column_raw_bytes += 8; }));
  EXPECT_TRUE(refused([](GroupIndex& to) { to.column_raw_bytes = kMostGroupInPlace; }));
  EXPECT_TRUE(refused([](GroupIndex& to) { to.payload_raw_bytes += 8; }));
  EXPECT_TRUE(refused([](GroupIndex& to) { to.events = kMostGroupEvents + 1; }));
}

// Few bytes may hold many events, and each takes memory.
TEST(GroupDecoder, CountsTheEventsAmongWhatItTakes) {
  const Made made = make_tape(
      std::vector<std::string>(20'000, "x"), Layout::TwoFrames, sizes(256 * kKi, 64 * kMiB));
  const GroupIndex index = read_back(made.bytes).footer->groups.at(0);
  EXPECT_EQ(index.events, 20'000U);
  EXPECT_GT(GroupDecoder::memory_of(index), index.events * sizeof(Event));
}

}  // namespace
}  // namespace smtptape
