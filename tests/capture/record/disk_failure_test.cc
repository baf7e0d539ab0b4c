// Every call to the disk fails once, and for a while: what was written stays as it is, what is lost
// is counted to the event, and recording goes on by itself.
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/record/recorder.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/capture/record/stored.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/small_file_system.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kEvents = 60;
constexpr std::int64_t kStep = 300'000'000;  // between two events: 18 s in all

const std::vector<std::string>& events_to_send() {
  static const std::vector<std::string> events = [] {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < kEvents; ++i)
      made.push_back(event_of_size(400));
    return made;
  }();
  return events;
}

// One capture of kEvents events: batches of two events, groups of about ten, tapes of twenty; a
// sync every third event.
class Capture {
 public:
  explicit Capture(FileCalls& disk) : store_(directory_.path(), disk) {
    options_.source = "mta";
    options_.batch_bytes = 1000;
    options_.group_bytes = 5000;
    options_.flush_interval = 2 * kStep;
    options_.rotate_interval = 20 * kStep;
    options_.say = [this](std::string_view line) { lines_.emplace_back(line); };
    recorder_.emplace(store_, sync_, options_, nullptr);
  }

  void run(std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      now_ = kStart + static_cast<std::int64_t>(i) * kStep;
      record_on_time(*recorder_, chunk_of({events_to_send()[i]}, now_));
      recorder_->tick(at(now_));
      if (i % 3 == 2) sync_.sync_all();
    }
  }
  // What it threw; empty: nothing.
  std::string finish() {
    try {
      recorder_->finish(at(now_ + kSecond));
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  [[nodiscard]] const Ledger& ledger() const { return recorder_->totals().ledger; }
  [[nodiscard]] Recorder& recorder() { return *recorder_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  [[nodiscard]] std::vector<StoredTape> tapes() const { return read_store(store_, "mta"); }

 private:
  TemporaryDirectory directory_;
  Store store_;
  DiskThreads sync_{std::chrono::hours(1), 0};
  RecorderOptions options_;
  std::optional<Recorder> recorder_;
  std::vector<std::string> lines_;
  std::int64_t now_ = kStart;
};

struct Found {
  std::set<std::uint64_t> stored;  // sequences
  std::uint64_t disk_losses = 0;   // events that gaps tell of
  std::vector<Gap> disk_gaps;
};

// Everything on the tapes is as it was sent, once; sealed ones balance.
Found look_at(const std::vector<StoredTape>& tapes) {
  Found found;
  for (const StoredTape& tape : tapes) {
    for (const StoredEvent& event : tape.events) {
      EXPECT_TRUE(found.stored.insert(event.sequence).second) << "twice: " << event.sequence;
      EXPECT_EQ(event.frame, events_to_send().at(event.sequence - 1));
    }
    for (const Gap& gap : tape.gaps) {
      if (gap.cause != GapCause::Disk) continue;
      found.disk_losses += gap.count.value_or(0);
      found.disk_gaps.push_back(gap);
    }
    if (!tape.footer) continue;
    EXPECT_TRUE(tape.footer->ledger.balances());
    EXPECT_EQ(tape.footer->ledger.stored, tape.events.size());
  }
  return found;
}

bool is_told(const Found& found, std::uint64_t sequence) {
  for (const Gap& gap : found.disk_gaps) {
    if (gap.after_sequence < sequence && sequence < gap.before_sequence) return true;
  }
  return false;
}

// Each event is on a tape or within a gap, and the numbers agree.
Found expect_exact(const Capture& capture) {
  const std::vector<StoredTape> tapes = capture.tapes();
  const Found found = look_at(tapes);
  EXPECT_TRUE(capture.ledger().balances());
  EXPECT_EQ(capture.ledger().received, kEvents);
  EXPECT_EQ(capture.ledger().stored, found.stored.size());
  EXPECT_EQ(found.disk_losses, kEvents - found.stored.size());
  for (std::uint64_t sequence = 1; sequence <= kEvents; ++sequence)
    EXPECT_TRUE(found.stored.contains(sequence) || is_told(found, sequence)) << sequence;
  return found;
}

std::size_t calls_of_a_good_run() {
  FaultyDisk disk;
  Capture capture(disk);
  capture.run(0, kEvents);
  EXPECT_EQ(capture.finish(), "");
  EXPECT_THAT(expect_exact(capture).stored, SizeIs(kEvents));
  EXPECT_THAT(capture.tapes(), SizeIs(3));
  return disk.calls();
}

class DiskFailure : public testing::TestWithParam<int> {};

TEST_P(DiskFailure, OfOneCallCostsABatchAtMostAndIsTold) {
  const std::size_t calls = calls_of_a_good_run();
  for (std::size_t number = 0; number < calls; ++number) {
    SCOPED_TRACE("call " + std::to_string(number));
    FaultyDisk disk(fail_once(number, GetParam()));
    Capture capture(disk);
    std::size_t sent = 0;  // until it failed
    for (std::size_t i = 0; i < kEvents; ++i) {
      capture.run(i, i + 1);
      if (disk.faults() == 0) sent = i + 1;
    }
    const bool at_the_end = disk.faults() == 0;
    const std::string problem = capture.finish();
    EXPECT_EQ(disk.faults(), 1U);
    const Found found = expect_exact(capture);
    constexpr std::size_t kBatch = 3;
    EXPECT_LE(found.disk_losses, kBatch);
    for (std::size_t sequence = sent + 2 * kBatch; sequence <= kEvents; ++sequence)
      EXPECT_TRUE(found.stored.contains(sequence)) << "recording goes on";
    EXPECT_TRUE(problem.empty() || at_the_end) << problem;
    EXPECT_FALSE(capture.lines().empty()) << "said to a person";
  }
}

TEST_P(DiskFailure, OfEverythingForAWhileEndsByItself) {
  for (std::size_t from = 0; from < 40; ++from) {
    SCOPED_TRACE("from event " + std::to_string(from));
    bool broken = false;
    FaultyDisk disk([&broken](std::size_t, FaultyDisk::Call) {
      return FaultyDisk::Fate{broken ? GetParam() : 0, false};
    });
    Capture capture(disk);
    capture.run(0, from);
    broken = true;
    capture.run(from, from + 10);
    EXPECT_FALSE(capture.recorder().tapes().is_writing());
    broken = false;
    capture.run(from + 10, kEvents);
    EXPECT_TRUE(capture.recorder().tapes().is_writing());
    EXPECT_EQ(capture.finish(), "");
    const Found found = expect_exact(capture);
    EXPECT_GE(found.disk_losses, 9U);
    // 3 s of trouble: tried at once, after 1 s, after 2 s more.
    for (std::size_t i = from + 10 + 10; i < kEvents; ++i)
      EXPECT_TRUE(found.stored.contains(i + 1)) << "recording goes on";
  }
}

INSTANTIATE_TEST_SUITE_P(Errors, DiskFailure, testing::Values(ENOSPC, EIO), [](const auto& error) {
  return std::string(::strerrorname_np(error.param));
});

TEST(DiskTrouble, ThatStaysIsSaidAtTheEndAndTheNumbersAreRight) {
  for (const int error : {ENOSPC, EIO, EDQUOT, EROFS}) {
    bool broken = false;
    FaultyDisk disk([&](std::size_t, FaultyDisk::Call) {
      return FaultyDisk::Fate{broken ? error : 0, false};
    });
    Capture capture(disk);
    capture.run(0, 30);
    broken = true;
    capture.run(30, kEvents);
    EXPECT_THAT(capture.finish(), HasSubstr("could not be recorded"));
    const Found found = look_at(capture.tapes());
    EXPECT_TRUE(capture.ledger().balances());
    EXPECT_EQ(capture.ledger().received, kEvents);
    EXPECT_EQ(capture.ledger().stored, found.stored.size());
    EXPECT_GE(found.stored.size(), 27U);
  }
}

TEST(DiskTrouble, InterruptionsAndShortWritesCostNothing) {
  for (const bool interrupted : {true, false}) {
    bool last = false;  // each second call is good
    FaultyDisk disk([&](std::size_t, FaultyDisk::Call) {
      last = !last;
      if (!last) return FaultyDisk::Fate{};
      return interrupted ? FaultyDisk::Fate{EINTR, false} : FaultyDisk::Fate{0, true};
    });
    Capture capture(disk);
    capture.run(0, kEvents);
    EXPECT_EQ(capture.finish(), "");
    EXPECT_THAT(expect_exact(capture).stored, SizeIs(kEvents));
    EXPECT_THAT(capture.tapes(), SizeIs(3));
    EXPECT_THAT(capture.lines(), IsEmpty());
    EXPECT_GT(disk.faults(), 20U);
  }
}

TEST(DiskTrouble, AfterAFailedSyncTheFileIsNeitherWrittenNorSyncedAgain) {
  std::size_t syncs = 0;
  FaultyDisk disk([&syncs](std::size_t, FaultyDisk::Call call) {
    return FaultyDisk::Fate{call == FaultyDisk::Call::Fdatasync && ++syncs == 2 ? EIO : 0, false};
  });
  Capture capture(disk);
  capture.run(0, 3);  // synced once
  capture.run(3, 6);  // the second sync fails
  const std::size_t before = disk.operations().size();
  capture.run(6, kEvents);
  EXPECT_EQ(capture.finish(), "");
  const std::vector<DiskOperation> operations = disk.operations();
  for (std::size_t i = before; i < operations.size(); ++i) {
    const DiskOperation::Kind kind = operations[i].kind;
    if (kind == DiskOperation::Kind::Write || kind == DiskOperation::Kind::Sync) {
      EXPECT_NE(operations[i].file, 0U);
    }
  }
  const Found found = expect_exact(capture);
  ASSERT_THAT(found.disk_gaps, Not(IsEmpty()));
  const Gap& unsure = found.disk_gaps.front();
  EXPECT_EQ(unsure.count, std::nullopt);
  EXPECT_EQ(unsure.after_sequence, 2U) << "the last event of the batch that was synced";
  EXPECT_THAT(unsure.detail, HasSubstr("syncing it failed: Input/output error"));
}

// A quiet hour: nobody writes, so nobody but the clock could notice.
TEST(DiskTrouble, OfASyncIsNoticedWithoutAnotherEvent) {
  bool broken = false;
  FaultyDisk disk([&broken](std::size_t, FaultyDisk::Call call) {
    return FaultyDisk::Fate{broken && call == FaultyDisk::Call::Fdatasync ? EIO : 0, false};
  });
  Capture capture(disk);
  broken = true;
  capture.run(0, 3);
  broken = false;
  Recorder& recorder = capture.recorder();
  for (int i = 0; i < 10 && capture.lines().empty(); ++i)
    recorder.tick(at_steady(recorder.next_tick().value_or(0)));
  ASSERT_THAT(capture.lines(), Not(IsEmpty()));
  EXPECT_THAT(capture.lines().front(), HasSubstr("syncing"));
  recorder.tick(at_steady(recorder.next_tick().value_or(0)));
  EXPECT_TRUE(recorder.tapes().is_writing());
}

TEST(DiskTrouble, NothingIsLeftOfATapeThatCouldNotBeBegun) {
  bool broken = true;
  FaultyDisk disk([&broken](std::size_t, FaultyDisk::Call call) {
    return FaultyDisk::Fate{broken && call == FaultyDisk::Call::Write ? ENOSPC : 0, false};
  });
  Capture capture(disk);
  capture.run(0, 20);
  EXPECT_THAT(capture.tapes(), IsEmpty());
  broken = false;
  capture.run(20, kEvents);
  EXPECT_EQ(capture.finish(), "");
  const std::vector<StoredTape> tapes = capture.tapes();
  ASSERT_THAT(tapes, Not(IsEmpty()));
  EXPECT_EQ(tapes.front().header.origin.tape_number, 1U) << "no number is missing";
  expect_exact(capture);
}

TEST(DiskTrouble, ATapeThatCantBeBegunLeavesTheOldOneInUse) {
  FaultyDisk disk([opened = 0](std::size_t, FaultyDisk::Call call) mutable {
    if (call != FaultyDisk::Call::Open) return FaultyDisk::Fate{};
    return FaultyDisk::Fate{opened++ > 0 ? EMFILE : 0, false};
  });
  Capture capture(disk);
  capture.run(0, kEvents);
  EXPECT_EQ(capture.finish(), "");
  EXPECT_THAT(capture.tapes(), SizeIs(1));
  EXPECT_THAT(expect_exact(capture).stored, SizeIs(kEvents));
  ASSERT_THAT(capture.lines(), Not(IsEmpty()));
  EXPECT_THAT(capture.lines().front(), HasSubstr("recording goes on in"));
}

// Gaps that come while no tape can be written are told by the next one, too.
TEST(DiskTrouble, LosesNoGapOfAnotherCause) {
  bool broken = false;
  FaultyDisk disk([&broken](std::size_t, FaultyDisk::Call) {
    return FaultyDisk::Fate{broken ? EIO : 0, false};
  });
  Capture capture(disk);
  capture.run(0, 1);
  Gap dropped;
  dropped.cause = GapCause::QueueFull;
  dropped.count = 7;
  dropped.from = dropped.until = kStart;
  FrameChunk chunk;
  chunk.gaps.push_back(dropped);
  chunk.received = arriving(at(kStart));
  record_on_time(capture.recorder(), chunk);  // in a batch that is never written
  broken = true;
  for (std::size_t i = 0; i < TapeSeries::kMostWaitingGaps + 100; ++i)
    record_on_time(capture.recorder(), chunk);
  broken = false;
  capture.run(20, kEvents);
  EXPECT_EQ(capture.finish(), "");
  std::uint64_t told = 0;
  for (const StoredTape& tape : capture.tapes()) {
    for (const Gap& gap : tape.gaps)
      told += gap.cause == GapCause::QueueFull ? gap.count.value_or(0) : 0;
  }
  EXPECT_EQ(told, 7 * (TapeSeries::kMostWaitingGaps + 101));
  EXPECT_TRUE(capture.ledger().balances());
  EXPECT_EQ(capture.ledger().lost[static_cast<std::size_t>(GapCause::QueueFull) - 1].count, told);
}

// ---- real limits ----

// While it lives, no file of this process may grow beyond `bytes`.
class LargestFile {
 public:
  explicit LargestFile(std::uint64_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~LargestFile() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }
  LargestFile(const LargestFile&) = delete;
  LargestFile& operator=(const LargestFile&) = delete;

 private:
  rlimit before_{};
};

TEST(DiskTrouble, OfAFileThatMayNotGrowBeginsAnother) {
  const LargestFile limit(15'000);
  Capture capture(system_file_calls());
  capture.run(0, kEvents);
  EXPECT_EQ(capture.finish(), "");
  EXPECT_GT(capture.tapes().size(), 3U);
  EXPECT_LT(expect_exact(capture).disk_losses, kEvents * 2 / 3);
}

TEST(DiskTrouble, AFullFileSystemIsFilledFreedAndFilledAgain) {
  const SmallFileSystem disk("256k");
  if (!disk.mounted()) GTEST_SKIP() << "NOT TRIED: mounting a tmpfs takes root";
  const Store store(disk.path() / "store");
  DiskThreads sync(std::chrono::hours(1), 0);
  RecorderOptions options;
  options.source = "mta";
  options.batch_bytes = 4000;
  options.rotate_size = 64 * kKiB;
  Recorder recorder(store, sync, options, nullptr);
  std::int64_t now = kStart;
  std::uint64_t sent = 0;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 1000; ++i) {
      now += kSecond / 10;
      record_on_time(recorder, chunk_of({event_of_size(1000)}, now));
      recorder.tick(at(now));
      ++sent;
    }
    EXPECT_FALSE(recorder.tapes().is_writing()) << "it is full";
    for (const StoredTape& tape : read_store(store, "mta"))
      std::filesystem::remove(tape.path);
    now += 2 * TapeSeries::kLongestPause;
    recorder.tick(at(now));
    EXPECT_TRUE(recorder.tapes().is_writing()) << "and goes on when there is room";
  }
  recorder.finish(at(now));
  const Ledger& ledger = recorder.totals().ledger;
  EXPECT_EQ(ledger.received, sent);
  EXPECT_TRUE(ledger.balances());
  EXPECT_GT(ledger.stored, 500U);
}

}  // namespace
}  // namespace smtptape
