// A recorder that is behind leaves what one on time would have left.
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

// What a recorder leaves that is late by `behind` from the tenth second on, until it has caught up
// at once: one event each half second for a minute, then a quiet hour.
class LateRecorderTest : public RecorderTest {
 protected:
  static constexpr int kEvents = 120;
  static constexpr std::int64_t kBetween = kSecond / 2;
  static constexpr std::int64_t kStalls = 10 * kSecond;

  std::vector<std::string> tapes_when(std::int64_t behind) {
    const TemporaryDirectory directory;
    const Store store(directory.path());
    DiskThreads disk(std::chrono::hours(1), 0);
    Recorder recorder(store, disk, options_, nullptr);
    for (int i = 0; i < kEvents; ++i) {
      const std::int64_t passed = i * kBetween;
      const bool stalled = passed >= kStalls && passed < kStalls + behind;
      recorder.record(chunk_of({events_.at(static_cast<std::size_t>(i))}, kStart + passed),
                      at(kStart + (stalled ? kStalls + behind : passed)));
      // A worker looks at the clock when nothing waits.
      if (!stalled) recorder.tick(at(kStart + passed));
    }
    recorder.tick(at(kStart + 3600 * kSecond));
    recorder.finish(at(kStart + 3601 * kSecond));
    EXPECT_EQ(recorder.totals().ledger.stored, static_cast<std::uint64_t>(kEvents));
    std::vector<std::string> found;
    bytes_ = 0;
    for (const StoredTape& tape : read_store(store, "mta")) {
      bytes_ += std::filesystem::file_size(tape.path);
      found.push_back(tape.path.filename().string() + " " + std::to_string(tape.events.size()) +
                      " events, " + std::to_string(tape.footer.value().groups.size()) + " groups");
    }
    return found;
  }

  std::uint64_t bytes_ = 0;  // on the disk, of the last ones
  const std::vector<std::string> events_ = [] {
    std::vector<std::string> events;
    for (int i = 0; i < kEvents; ++i)
      events.push_back(event_of_size(400));
    return events;
  }();
};

TEST_F(LateRecorderTest, LeavesTheTapesOfOneOnTimeByInterval) {
  options_.rotate_interval = 6 * kSecond;
  const std::vector<std::string> on_time = tapes_when(0);
  EXPECT_THAT(on_time, SizeIs(10));
  EXPECT_EQ(tapes_when(12 * kSecond), on_time);
  EXPECT_EQ(tapes_when(40 * kSecond), on_time);
}

TEST_F(LateRecorderTest, LeavesTheTapesOfOneOnTimeAligned) {
  options_.rotate_interval = 3600 * kSecond;
  options_.rotate_aligned = true;
  const std::vector<std::string> whole = tapes_when(30 * kSecond);
  EXPECT_THAT(whole, SizeIs(1)) << "the hour begins with the first event";
  options_.rotate_interval = 7 * kSecond;
  EXPECT_EQ(tapes_when(30 * kSecond), tapes_when(0));
}

TEST_F(LateRecorderTest, LeavesTheTapesOfOneOnTimeBySize) {
  options_.batch_bytes = 2000;
  options_.rotate_size = 20'000;
  // Random ids make a tape some bytes larger or smaller, so that now and then a batch more fits
  // into one, whoever is late: the same has to come out in one of a few tries.
  constexpr int kTries = 5;
  std::vector<std::string> on_time;
  std::vector<std::string> late;
  for (int i = 0; i < kTries && (late != on_time || late.empty()); ++i) {
    on_time = tapes_when(0);
    late = tapes_when(30 * kSecond);
  }
  EXPECT_GT(on_time.size(), 1U);
  EXPECT_EQ(late, on_time);
}

// What waited is written in the batches and groups of its arrival, so that it takes no more room.
TEST_F(LateRecorderTest, TakesTheRoomOfOneOnTime) {
  options_.rotate_interval = 20 * kSecond;
  options_.batch_bytes = 20'000;
  options_.group_bytes = 60'000;
  static_cast<void>(tapes_when(0));
  const std::uint64_t on_time = bytes_;
  for (const std::int64_t behind : {3 * kSecond, 12 * kSecond, 45 * kSecond}) {
    static_cast<void>(tapes_when(behind));
    EXPECT_GE(bytes_, on_time * 95 / 100) << behind / kSecond;
    EXPECT_LE(bytes_, on_time * 105 / 100) << behind / kSecond;
  }
}

TEST_F(RecorderTest, ATapeYoungerThanASecondEndsForItsSizeOnly) {
  options_.rotate_interval = kSecond / 1000;
  Recorder recorder(store_, sync_, options_, nullptr);
  for (int i = 0; i < 30; ++i)
    record_on_time(recorder, chunk_of({event_of_size(200)}, kStart + i * kSecond / 10));
  recorder.finish(at(kStart + 4 * kSecond));
  EXPECT_THAT(tapes(), SizeIs(3));
}

// Batches of a second each, also when a minute is written at once.
TEST_F(RecorderTest, ABacklogIsWrittenInTheBatchesOfItsArrival) {
  Recorder recorder(store_, sync_, options_, nullptr);
  const Now late = at(kStart + 100 * kSecond);
  for (int i = 0; i < 100; ++i)
    recorder.record(chunk_of({event_of_size(200)}, kStart + i * kSecond / 10), late);
  std::uint64_t writes = 0;
  for (const std::uint64_t count : recorder.report().tapes.flushes.counts)
    writes += count;
  EXPECT_EQ(writes, 1U + 9U) << "the header, and nine whole seconds; the tenth is still open";
}

}  // namespace
}  // namespace smtptape
