// Somebody else fills the disk while a recorder writes to it, and frees it again.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "tests/capture/capture_options.h"
#include "tests/capture/record/stored.h"
#include "tests/support/ring_server.h"
#include "tests/support/small_file_system.h"
#include "tests/support/trial_figures.h"

namespace smtptape {
namespace {

using namespace std::chrono_literals;

// All that is free.  Gives it back at its end.
class Filling {
 public:
  explicit Filling(std::filesystem::path path) : path_(std::move(path)) {
    const UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const std::string block(64 * kKiB, 'x');
    for (std::size_t size = block.size(); size > 0;) {
      if (::write(file.get(), block.data(), size) <= 0) size /= 2;
    }
  }
  ~Filling() { ::unlink(path_.c_str()); }
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

 private:
  std::filesystem::path path_;
};

// Without keep-free it is the disk that refuses; with it the recorder stops before.
class FullDisk : public testing::TestWithParam<unsigned> {
 protected:
  FullDisk() {
    add_source(options_, "mta", server_.url());
    options_.at_the_end = AtTheEnd::Stop;
    options_.limits.rotate_size = 256 * kKiB;
    options_.limits.retention.max_bytes = 4 * kMiB;
    options_.limits.on_full = OnFull::Drop;
    if (GetParam() > 0) options_.limits.retention.keep_free = KeepFree{0, GetParam()};
  }

  void say(std::string_view line) {
    const std::lock_guard lock(mutex_);
    said_.emplace_back(line);
  }
  [[nodiscard]] std::size_t times_said(const std::string& words) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(said_.begin(), said_.end(), [&](const std::string& line) {
          return line.find(words) != std::string::npos;
        }));
  }
  // Bounded.
  [[nodiscard]] bool is_said(const std::string& words, std::size_t times) const {
    const auto deadline = std::chrono::steady_clock::now() + 40s;
    while (times_said(words) < times) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  // Of what retention has left: where a number is missing between two events there is a gap for it.
  // Returns how many events there are.
  [[nodiscard]] std::size_t expect_that_holes_are_told() const {
    std::size_t events = 0;
    std::uint64_t last = 0;
    std::uint64_t told = 0;  // lost since the last event
    for (const StoredTape& tape : read_store(Store(options_.store), "mta")) {
      for (const Gap& gap : tape.gaps)
        told += gap.count.value_or(0);
      for (const StoredEvent& event : tape.events) {
        EXPECT_EQ(event.frame, server_.frame(event.sequence - 1));
        const std::uint64_t lost = std::exchange(told, 0);
        if (events++ > 0) {
          EXPECT_EQ(event.sequence - last - 1, lost);
        }
        last = event.sequence;
      }
    }
    return events;
  }

  SmallFileSystem disk_{"24m"};
  RingServer server_{{300'000, 5000, 900}};
  CaptureOptions options_ = recording_into(disk_.path() / "store");
  mutable std::mutex mutex_;
  std::vector<std::string> said_;
};

TEST_P(FullDisk, IsCountedWhileItLastsAndRecordedOnAfterwards) {
  if (!disk_.mounted()) GTEST_SKIP() << "NOT TRIED: mounting a tmpfs takes root";
  const StopSignal stop;
  auto running = std::async(std::launch::async, [&] {
    return run_capture(options_, stop, [this](std::string_view line) { say(line); });
  });
  for (std::size_t round = 1; round <= 2; ++round) {
    {
      const Filling filling(disk_.path() / "somebody-elses");
      EXPECT_TRUE(is_said("what comes is counted as lost", round));
    }
    EXPECT_TRUE(is_said("recording again", round));
  }
  const CaptureTotals totals = running.get();
  server_.join();

  const Ledger& ledger = totals.ledger;
  EXPECT_TRUE(ledger.balances());
  EXPECT_EQ(server_.events_dropped(), 0U) << "reading goes on";
  EXPECT_EQ(ledger.received, server_.events_sent());
  const Loss lost = ledger.total_lost();
  EXPECT_EQ(ledger.received, ledger.stored + lost.count);
  EXPECT_GT(lost.count, 0U);
  EXPECT_THAT(expect_that_holes_are_told(), testing::Gt(0U));

  TrialFigures figures("full_disk_keep_free_" + std::to_string(GetParam()));
  figures.add("events sent", server_.events_sent());
  figures.add("stored", ledger.stored);
  figures.add("lost to the disk", lost.count);
  figures.add("difference in the ledger", ledger.received - ledger.stored - lost.count);
}

INSTANTIATE_TEST_SUITE_P(KeepFreePercent, FullDisk, testing::Values(0U, 10U));

}  // namespace
}  // namespace smtptape
