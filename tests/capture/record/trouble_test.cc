// What is told of a disk that fails: each time, at once, and with the right times.
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/record/recorder.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/capture/record/recorder_fixture.h"
#include "tests/capture/record/stored.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// A recorder whose writes or syncs fail for as long as is wanted.
class TroubleTest : public testing::Test {
 protected:
  TroubleTest() {
    options_.source = "mta";
    options_.say = [this](std::string_view line) { said_.emplace_back(line); };
    options_.on_trouble = [this](const std::string& trouble) { troubles_.push_back(trouble); };
    options_.wake = [this] { ++wakes_; };
  }

  void record_at(Recorder& recorder, std::int64_t second) {
    record_on_time(recorder, chunk_of({event_of_size(400)}, kStart + second * kSecond));
  }
  [[nodiscard]] std::vector<StoredTape> tapes() const { return read_store(store_, "mta"); }
  [[nodiscard]] std::size_t writes() const {
    const std::vector<DiskOperation> done = disk_.operations();
    return static_cast<std::size_t>(
        std::count_if(done.begin(), done.end(), [](const DiskOperation& operation) {
          return operation.kind == DiskOperation::Kind::Write;
        }));
  }
  // The open tape is all on the disk, and then a sync of what follows fails.
  void fail_a_sync_after_a_good_one(Recorder& recorder) {
    record_at(recorder, 0);
    record_at(recorder, 2);
    recorder.tapes().flush(at(kStart + 3 * kSecond));
    sync_.sync_all();
    record_at(recorder, 5);
    record_at(recorder, 7);
    recorder.tapes().flush(at(kStart + 7 * kSecond));
    fail_syncs_ = true;
    sync_.sync_all();
    fail_syncs_ = false;
  }

  bool fail_writes_ = false;
  bool fail_syncs_ = false;
  FaultyDisk disk_{[this](std::size_t, FaultyDisk::Call call) {
    const bool fails = (call == FaultyDisk::Call::Write && fail_writes_) ||
                       (call == FaultyDisk::Call::Fdatasync && fail_syncs_);
    return FaultyDisk::Fate{fails ? EIO : 0, false};
  }};
  TemporaryDirectory directory_;
  Store store_{directory_.path(), disk_};
  DiskThreads sync_{std::chrono::hours(1), 0};
  RecorderOptions options_;
  std::vector<std::string> said_;
  std::vector<std::string> troubles_;
  int wakes_ = 0;
};

TEST_F(TroubleTest, ThatComesBackIsToldAgain) {
  Recorder recorder(store_, sync_, options_, nullptr);
  std::int64_t second = 0;
  for (int round = 0; round < 3; ++round) {
    said_.clear();
    troubles_.clear();
    fail_writes_ = true;
    for (int i = 0; i < 20; ++i) {
      record_at(recorder, ++second);
      recorder.tick(at(kStart + second * kSecond));
    }
    EXPECT_THAT(said_, ElementsAre(HasSubstr("Input/output error"))) << "once, in " << round;
    EXPECT_THAT(recorder.report().tapes.trouble, HasSubstr("Input/output error"));
    EXPECT_THAT(troubles_.back(), HasSubstr("Input/output error"));
    fail_writes_ = false;
    second += 2 * TapeSeries::kLongestPause / kSecond;
    record_at(recorder, second);
    recorder.tick(at(kStart + ++second * kSecond));
    ASSERT_THAT(said_, SizeIs(2)) << round;
    EXPECT_THAT(said_[1], StartsWith("recording again, in mta-"));
    EXPECT_EQ(recorder.report().tapes.trouble, "");
    EXPECT_EQ(troubles_.back(), "");
  }
  recorder.finish(at(kStart + ++second * kSecond));
  EXPECT_TRUE(recorder.totals().ledger.balances());
}

// All is written and nothing comes any more: only the sync itself can tell.
TEST_F(TroubleTest, OfASyncIsNoticedThoughNothingIsLeftToWrite) {
  Recorder recorder(store_, sync_, options_, nullptr);
  fail_a_sync_after_a_good_one(recorder);
  EXPECT_EQ(wakes_, 1) << "somebody must look";
  EXPECT_THAT(said_, IsEmpty());
  recorder.tick(at(kStart + 8 * kSecond));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("syncing ")));
  EXPECT_FALSE(recorder.tapes().is_writing());
  recorder.tick(at(recorder.next_tick().value() + kSteadyBegins));
  EXPECT_TRUE(recorder.tapes().is_writing());
  recorder.finish(at(kStart + 20 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(2));
  EXPECT_EQ(stored[0].end, TapeEnd::Unclosed) << "nothing more is written to it";
  ASSERT_THAT(stored[1].gaps, SizeIs(1));
  EXPECT_THAT(stored[1].gaps[0].detail, HasSubstr("these events may not be on the disk"));
}

TEST_F(TroubleTest, WhatIsUnsureBeginsAtTheLastGoodSync) {
  Recorder recorder(store_, sync_, options_, nullptr);
  fail_a_sync_after_a_good_one(recorder);
  recorder.tick(at(kStart + 8 * kSecond));
  recorder.finish(at(kStart + 20 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(2));
  ASSERT_THAT(stored[1].gaps, SizeIs(1));
  const Gap& unsure = stored[1].gaps[0];
  EXPECT_EQ(unsure.cause, GapCause::Disk);
  EXPECT_EQ(unsure.count, std::nullopt);
  EXPECT_EQ(unsure.after_sequence, 2U);
  EXPECT_EQ(unsure.before_sequence, 5U);
  EXPECT_EQ(unsure.from, kStart + 2 * kSecond) << "when the last event arrived that is on the disk";
  EXPECT_EQ(unsure.until, kStart + 7 * kSecond);
  EXPECT_EQ(stored[1].header.predecessor.value().last_sequence, 2U);
  EXPECT_EQ(recorder.totals().ledger.stored, 4U) << "they are there, as far as anybody can see";
}

TEST_F(TroubleTest, WithoutAGoodSyncAllOfTheTapeIsUnsure) {
  Recorder recorder(store_, sync_, options_, nullptr);
  record_at(recorder, 3);
  record_at(recorder, 4);
  recorder.tapes().flush(at(kStart + 5 * kSecond));
  fail_syncs_ = true;
  sync_.sync_all();
  fail_syncs_ = false;
  recorder.tick(at(kStart + 6 * kSecond));
  recorder.finish(at(kStart + 20 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(2));
  ASSERT_THAT(stored[1].gaps, SizeIs(1));
  EXPECT_EQ(stored[1].gaps[0].after_sequence, 0U);
  EXPECT_EQ(stored[1].gaps[0].from, kStart + 3 * kSecond) << "when the tape began";
}

// ---- figures ----

std::uint64_t count_of(const DurationHistogram& histogram) {
  return std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::uint64_t{0});
}

TEST_F(TroubleTest, TheFiguresOfWritingStayThoughTheTapeIsOver) {
  options_.rotate_interval = 10 * kSecond;
  Recorder recorder(store_, sync_, options_, nullptr);
  std::uint64_t counted = 0;
  double seconds = 0;
  const auto look = [&] {
    const DurationHistogram flushes = recorder.report().tapes.flushes;
    EXPECT_EQ(count_of(flushes), writes()) << "each write, of whichever tape";
    EXPECT_GE(count_of(flushes), counted);
    EXPECT_GE(flushes.sum, seconds);
    counted = count_of(flushes);
    seconds = flushes.sum;
  };
  for (int second = 0; second < 45; ++second) {  // tapes end by their time
    record_at(recorder, second);
    recorder.tick(at(kStart + (second + 1) * kSecond));
    look();
  }
  recorder.tapes().rotate(at(kStart + 46 * kSecond));
  look();
  record_at(recorder, 47);
  recorder.tick(at(kStart + 48 * kSecond));
  look();
  fail_writes_ = true;  // and one is given up
  record_at(recorder, 49);
  recorder.tick(at(kStart + 50 * kSecond));
  look();
  fail_writes_ = false;
  record_at(recorder, 60);
  recorder.finish(at(kStart + 61 * kSecond));
  look();
  EXPECT_GT(counted, 45U);
  EXPECT_GT(seconds, 0);
  std::uint64_t bytes = 0;
  for (const StoredTape& tape : tapes())
    bytes += std::filesystem::file_size(tape.path);
  EXPECT_EQ(recorder.totals().bytes, bytes);
}

// ---- times ----

TEST_F(TroubleTest, NoGapEndsBeforeItBeginsThoughTheClockWentBack) {
  Recorder recorder(store_, sync_, options_, nullptr);
  constexpr std::int64_t kHour = 3600 * kSecond;
  recorder.begin(LastTape{{Id128{}, 5, 1000}, kStart + kHour}, arriving(at(kStart)));
  FrameChunk chunk = chunk_of({event_of_size(10)}, kStart);
  chunk.gaps.push_back(dropped(3, kStart + kHour, kStart));
  Gap outage = dropped(0, kStart + kHour, kStart);
  outage.cause = GapCause::Disconnected;
  outage.count.reset();
  chunk.gaps.push_back(outage);
  record_on_time(recorder, chunk);
  fail_writes_ = true;
  record_on_time(recorder, chunk_of({event_of_size(10)}, kStart + 10 * kSecond));
  recorder.tick(at(kStart + 11 * kSecond));
  fail_writes_ = false;
  chunk = chunk_of({event_of_size(10)}, kStart + 20 * kSecond);
  chunk.received.real = kStart - kHour;
  record_on_time(recorder, chunk);
  recorder.finish(at(kStart + 30 * kSecond));
  std::vector<Gap> gaps;
  for (const StoredTape& tape : tapes())
    gaps.insert(gaps.end(), tape.gaps.begin(), tape.gaps.end());
  ASSERT_THAT(gaps, Not(IsEmpty()));
  EXPECT_EQ(gaps[0].cause, GapCause::NotRecording);
  EXPECT_EQ(gaps[0].from, kStart);
  EXPECT_EQ(gaps[0].until, kStart);
  for (const Gap& gap : gaps)
    EXPECT_LE(gap.from, gap.until) << static_cast<int>(gap.cause);
}

}  // namespace
}  // namespace smtptape
