// What a recorder finds of an earlier one, or of itself when somebody deletes it.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/capture/record/recorder_fixture.h"
#include "tests/capture/record/stored.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST_F(RecorderTest, FindsWhereAnUnclosedTapeEnds) {
  std::uint64_t size = 0;
  {
    Recorder recorder(store_, sync_, options_, nullptr);
    record_one(recorder, kStart);
    record_one(recorder, kStart + 7);
    recorder.tick(at(kStart + 10 * kSecond));
    size = std::filesystem::file_size(store_.tapes_of("mta").at(0).path);
  }
  const std::optional<LastTape> last = find_last_tape(store_.tapes_of("mta"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->last_received, kStart + 7);
  EXPECT_EQ(last->place.last_sequence, 2U);
  EXPECT_EQ(last->place.end_offset, size);
  EXPECT_EQ(last->place.tape_id, tapes().at(0).header.tape_id);
}

TEST_F(RecorderTest, PassesOverTapesThatCantBeRead) {
  EXPECT_EQ(find_last_tape(store_.tapes_of("mta")), std::nullopt);
  {
    Recorder recorder(store_, sync_, options_, nullptr);
    record_one(recorder, kStart);
    recorder.finish(at(kStart));
  }
  const UniqueFd garbage = create_file(store_.path_of({"mta", 7, "20260804T210000Z"}));
  write_all(garbage.get(), "garbage", "garbage");
  const UniqueFd empty = create_file(store_.path_of({"mta", 8, "20260804T210000Z"}));
  const std::optional<LastTape> last = find_last_tape(store_.tapes_of("mta"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->last_received, kStart);
  EXPECT_EQ(store_.next_number("mta"), 9U);
}

// Of a tape that was never closed its end is enough.
TEST_F(RecorderTest, FindsTheEndOfALongUnclosedTape) {
  options_.batch_bytes = 1000;
  options_.group_bytes = 5000;
  std::uint64_t size = 0;
  {
    Recorder recorder(store_, sync_, options_, nullptr);
    for (int i = 0; i < 30; ++i)
      record_one(recorder, kStart + i);
    recorder.tick(at(kStart + 10 * kSecond));
  }
  const std::filesystem::path path = store_.tapes_of("mta").at(0).path;
  size = std::filesystem::file_size(path);
  const TapeTail tail = read_tail(open_for_reading(path).get()).value();
  EXPECT_GT(tail.offset, size / 2) << "its first groups need not be read";
  ASSERT_TRUE(tail.last_group);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(tail.header_bytes + 20));
  file << "damage that nobody sees";
  file.close();
  const std::optional<LastTape> last = find_last_tape(store_.tapes_of("mta"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->last_received, kStart + 29);
  EXPECT_EQ(last->place.last_sequence, 30U);
  EXPECT_EQ(last->place.end_offset, size);
}

TEST_F(RecorderTest, CountsWhatWasOnADeletedTapeAndBeginsAnother) {
  Recorder recorder(store_, sync_, options_, nullptr);
  record_one(recorder, kStart);
  FrameChunk gap;
  gap.received = arriving(at(kStart));
  gap.gaps.push_back(dropped(5, kStart, kStart));
  record_on_time(recorder, gap);
  recorder.tick(at(kStart + kSecond));
  std::filesystem::remove(store_.tapes_of("mta").at(0).path);
  record_one(recorder, kStart + 2 * kSecond);
  recorder.tick(at(kStart + 3 * kSecond));
  EXPECT_EQ(recorder.report().tapes.ledger.lost[static_cast<std::size_t>(GapCause::Disk) - 1].count,
            2U);
  record_one(recorder, kStart + 4 * kSecond);
  recorder.finish(at(kStart + 5 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(1));
  EXPECT_EQ(stored[0].header.predecessor, std::nullopt) << "that is gone, and the gap says so";
  ASSERT_THAT(stored[0].gaps, SizeIs(2));
  EXPECT_EQ(stored[0].gaps[0].cause, GapCause::QueueFull);
  EXPECT_EQ(stored[0].gaps[0].count, 5U);
  EXPECT_EQ(stored[0].gaps[1].cause, GapCause::Disk);
  EXPECT_EQ(stored[0].gaps[1].count, 2U);
  EXPECT_EQ(stored[0].gaps[1].from, kStart);
  EXPECT_EQ(stored[0].gaps[1].until, kStart + 2 * kSecond);
  EXPECT_EQ(recorder.totals().ledger.stored, 1U);
  EXPECT_EQ(recorder.totals().ledger.received, 8U);
  EXPECT_TRUE(recorder.totals().ledger.balances());
}

TEST_F(RecorderTest, KeepsOnRecordThatSomebodyWatchedThoughNothingCame) {
  Recorder recorder(store_, sync_, options_, nullptr);
  recorder.tapes().watch(arriving(at(kStart)), at(kStart));
  recorder.tick(at(kStart + 7200 * kSecond));
  recorder.tapes().rotate(at(kStart + 7200 * kSecond));
  EXPECT_THAT(tapes(), SizeIs(1)) << "one for the whole time";
  recorder.finish(at(kStart + 7300 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(1));
  EXPECT_EQ(stored[0].end, TapeEnd::Sealed);
  EXPECT_EQ(stored[0].footer.value().sealed_at, kStart + 7300 * kSecond);
}

}  // namespace
}  // namespace smtptape
