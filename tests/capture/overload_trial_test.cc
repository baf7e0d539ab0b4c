// More than the recorder can take, and a disk that stalls: the ledger is exact against what the
// server knows, memory stays bounded, and the socket is read all the time.
#include <algorithm>
#include <atomic>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/capture_options.h"
#include "tests/capture/record/stored.h"
#include "tests/support/own_process.h"
#include "tests/support/ring_server.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/trial_figures.h"

namespace smtptape {
namespace {

// The system's files, but one write takes long.
class StallingDisk : public FileCalls {
 public:
  StallingDisk(std::uint64_t after_bytes, std::chrono::milliseconds stall)
      : after_bytes_(after_bytes), stall_(stall) {}

  int open(const char* path, int flags, mode_t mode) override {
    return real_.open(path, flags, mode);
  }
  ssize_t write(int fd, const void* bytes, std::size_t size) override {
    const std::uint64_t before = written_.fetch_add(size);
    if (before < after_bytes_ && before + size >= after_bytes_) {
      stalled_ = true;
      std::this_thread::sleep_for(stall_);  // this is what is tried, not a wait for something
    }
    return real_.write(fd, bytes, size);
  }
  int fdatasync(int fd) override { return real_.fdatasync(fd); }
  int fsync(int fd) override { return real_.fsync(fd); }
  int link(const char* from, const char* to) override { return real_.link(from, to); }
  int rename(const char* from, const char* to) override { return real_.rename(from, to); }
  int unlink(const char* path) override { return real_.unlink(path); }

  [[nodiscard]] bool stalled() const { return stalled_; }

 private:
  FileCalls& real_ = system_file_calls();
  const std::uint64_t after_bytes_;
  const std::chrono::milliseconds stall_;
  std::atomic<std::uint64_t> written_ = 0;
  std::atomic<bool> stalled_ = false;
};

struct Stored {
  std::uint64_t events = 0;
  std::uint64_t notices = 0;
  std::uint64_t wrong = 0;  // not as sent, or not in order
};

Stored look_at(const Store& store, const RingServer& server) {
  Stored stored;
  std::uint64_t next = 0;
  std::string frame;
  for (const Store::Tape& tape : store.tapes_of("mta")) {
    FdSource source(open_for_reading(tape.path), "tape");
    TapeReader reader(source, "tape");
    EventBatch batch;
    while (reader.next(batch)) {
      for (const Event& event : batch.events) {
        if (event.kind == EventKind::Diagnostic) {
          ++stored.notices;
          continue;
        }
        ++stored.events;
        const auto number = std::stoull(std::string(event.text.substr(0, event.text.find(' '))));
        frame.clear();
        append_frame(frame, event);
        if (number < next || frame != server.frame(number)) ++stored.wrong;
        next = number + 1;
      }
    }
  }
  return stored;
}

// How many events a second the server makes: what it can send, and more.
class Overload : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Overload, TheLedgerIsExactWhateverIsLost) {
  constexpr std::uint64_t kEvents = 400'000;
  RingServer server({kEvents, GetParam(), 900});
  const TemporaryDirectory directory;
  StallingDisk disk(kMiB / 2, std::chrono::seconds(3));
  CaptureOptions options = recording_into(directory.path() / "store");
  add_source(options, "mta", server.url());
  options.at_the_end = AtTheEnd::Stop;
  options.files = &disk;
  const StopSignal stop;
  const CaptureTotals totals = run_capture(options, stop, [](std::string_view) {});
  server.join();

  const Ledger& ledger = totals.ledger;
  const Stored stored = look_at(Store(options.store), server);
  const std::uint64_t lost = ledger.total_lost().count;
  EXPECT_TRUE(disk.stalled());
  EXPECT_TRUE(ledger.balances());
  EXPECT_EQ(server.events_sent() + server.events_dropped(), kEvents);
  EXPECT_EQ(ledger.received, server.events_sent() + server.notices_sent());
  EXPECT_EQ(ledger.stored, stored.events + stored.notices);
  EXPECT_EQ(ledger.received, ledger.stored + lost);
  EXPECT_EQ(stored.wrong, 0U);
  const Loss& lag = ledger.upstream[static_cast<std::size_t>(GapCause::Lag) - 1];
  EXPECT_EQ(lag.gaps, stored.notices);
  if (stored.notices == server.notices_sent()) {
    EXPECT_EQ(lag.count, server.events_dropped());
  }
  EXPECT_GT(lost + server.events_dropped(), 0U) << "it was more than could be taken";
  EXPECT_LT(peak_memory_mib(), 320U);
  EXPECT_LT(server.longest_wait().count(), 2000) << "reading waits for no disk";

  TrialFigures figures("overload_" + std::to_string(GetParam()) + "_a_second");
  figures.add("events made", kEvents);
  figures.add("events sent", server.events_sent());
  figures.add("events dropped by the server", server.events_dropped());
  figures.add("stored", ledger.stored);
  figures.add("lost, queue full", lost);
  figures.add("difference in the ledger", ledger.received - ledger.stored - lost);
  figures.add("memory at most, MiB", peak_memory_mib());
  figures.add("longest time that the socket took nothing, ms",
              static_cast<std::uint64_t>(server.longest_wait().count()));
}

INSTANTIATE_TEST_SUITE_P(Rates, Overload, testing::Values(150'000, 10'000'000));

}  // namespace
}  // namespace smtptape
