// Twelve hours of feed, on clocks that run as fast as the recorder does: a tape a minute of which
// ten are kept, a clock that is set to and fro, a recorder that is started again now and then.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/keep/keeper.h"
#include "capture/record/recorder.h"
#include "store/plan/selection.h"
#include "store/read/inputs.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/support/own_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/trial_figures.h"

namespace smtptape {
namespace {

constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kNight = 12 * kHour;
constexpr std::int64_t kEventsPerSecond = 200;
constexpr std::uint64_t kTapes = 10;
constexpr std::size_t kFramesPerChunk = 10;

struct Sent {
  std::uint64_t number = 0;
  std::int64_t received = 0;
  bool operator==(const Sent&) const = default;
};

std::string frame(std::uint64_t number) {
  const std::uint64_t in_session = number % 25;
  std::string payload;
  if (in_session == 0) {
    payload = R"("Connected")";
  } else if (in_session == 24) {
    payload = R"("Closed")";
  } else {
    payload = in_session % 2 == 1 ? R"({"Write":")" : R"({"Read":")";
    payload += std::to_string(number * 2'654'435'761U % 1'000'000'007U) + R"("})";
  }
  return R"({"conn_meta":{"id":"s-)" + std::to_string(number / 25) + R"(","number":)" +
         std::to_string(number) + R"(,"tenant":"t-)" + std::to_string(number / 25 % 7) +
         R"("},"payload":)" + payload + R"(,"when":"2026-08-04T21:00:00.123Z"})";
}

// The number stands in the metadata.
std::uint64_t number_of(const Event& event) {
  static constexpr std::string_view kKey = R"("number":)";
  std::string text;
  append_frame(text, event);
  return std::stoull(text.substr(text.find(kKey) + kKey.size()));
}

class Night : public testing::Test {
 protected:
  Night() : store_(directory_.path()) {
    options_.source = "mta";
    options_.writer = "smtptape test";
    options_.rotate_interval = kMinute;
    KeeperOptions kept;
    kept.limits.max_tapes = kTapes;
    kept.limits.max_age = std::chrono::hours(6);
    KeeperHooks hooks;
    hooks.now = [this] { return patient_.time(now()); };
    hooks.disk_is_full = [] { return false; };
    hooks.say = [](std::string_view) {};
    keeper_.emplace(directory_.path(), kept, std::move(hooks));
    start_recorder();
  }

  [[nodiscard]] Now now() const { return {passed_, kStart + passed_ + set_by_}; }

  void start_recorder() {
    const std::optional<LastTape> last = find_last_tape(store_.tapes_of("mta"));
    recorder_.emplace(store_, sync_, options_, nullptr);
    recorder_->begin(last, arriving(now()));
  }

  void pass_one_chunk() {
    passed_ += static_cast<std::int64_t>(kFramesPerChunk) * kSecond / kEventsPerSecond;
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < kFramesPerChunk; ++i) {
      sent_.push_back({next_number_, now().real});
      frames.push_back(frame(next_number_++));
    }
    FrameChunk chunk = chunk_of(frames, 0);
    chunk.received = arriving(now());
    record_on_time(*recorder_, chunk);
    recorder_->tick(now());
  }

  void restart_recorder() {
    recorder_->finish(now());
    EXPECT_TRUE(recorder_->totals().ledger.balances());
    stored_ += recorder_->totals().ledger.stored;
    start_recorder();
  }

  [[nodiscard]] std::uint64_t store_bytes() const {
    std::uint64_t bytes = 0;
    for (const Store::Tape& tape : store_.tapes_of("mta"))
      bytes += std::filesystem::file_size(tape.path);
    return bytes;
  }

  void keep_house() {
    keeper_->look();
    // The limit is about all tapes, and the one that is being written never goes.
    EXPECT_LE(store_.tapes_of("mta").size(), kTapes);
    largest_store_ = std::max(largest_store_, store_bytes());
    most_descriptors_ = std::max(most_descriptors_, open_descriptors());
  }

  // What a window shows, in the order of the numbers; each capture comes in that order by itself.
  [[nodiscard]] std::vector<Sent> shown(const TimeWindow& window) const {
    Inputs inputs(find_tapes({directory_.path().string()}), window);
    Selection selection;
    selection.window = window;
    SelectedSource selected(inputs, selection, nullptr);
    std::vector<Sent> events;
    std::map<Id128, std::uint64_t> next_of;
    EventBatch batch;
    while (selected.next(batch)) {
      for (const Event& event : batch.events) {
        events.push_back({number_of(event), event.received});
        std::uint64_t& next = next_of[event.origin->capture];
        EXPECT_GE(events.back().number, next) << "order is the order of reception";
        next = events.back().number + 1;
      }
    }
    EXPECT_THAT(inputs.trouble().damage, testing::IsEmpty());
    std::sort(events.begin(), events.end(), [](const Sent& a, const Sent& b) {
      return a.number < b.number;
    });
    return events;
  }

  // Every window shows exactly what was sent within it, of what the tapes still hold.
  void try_windows(int count) {
    recorder_->tapes().flush(now());
    const std::vector<Sent> kept = shown({});
    constexpr std::uint64_t kSureToBeKept = (kTapes - 1) * 60 * kEventsPerSecond;
    ASSERT_GE(kept.size(), std::min(next_number_, kSureToBeKept))
        << passed_ / kMinute << " minutes";
    while (!sent_.empty() && sent_.front().number < kept.front().number)
      sent_.pop_front();
    ASSERT_TRUE(std::equal(kept.begin(), kept.end(), sent_.begin(), sent_.end()))
        << "what is kept is the newest, and nothing is missing between";
    std::uniform_int_distribution<std::size_t> any(0, kept.size() - 1);
    std::uniform_int_distribution<std::int64_t> near(-2 * kMinute, 2 * kMinute);
    for (int i = 0; i < count; ++i) {
      TimeWindow window;
      if (i % 3 != 0) window.since = kept[any(chance_)].received + (i % 2 == 0 ? 0 : near(chance_));
      if (i % 3 != 1) window.until = kept[any(chance_)].received + (i % 4 == 0 ? 0 : near(chance_));
      std::vector<Sent> expected;
      std::copy_if(kept.begin(), kept.end(), std::back_inserter(expected), [&](const Sent& event) {
        return window.holds(event.received);
      });
      EXPECT_EQ(shown(window), expected);
      ++windows_;
    }
  }

  TemporaryDirectory directory_;
  Store store_;
  DiskThreads sync_{std::chrono::seconds(1)};
  RecorderOptions options_;
  std::optional<Recorder> recorder_;
  PatientClock patient_;
  std::optional<Keeper> keeper_;
  std::mt19937_64 chance_{20261125};

  std::int64_t passed_ = 0;  // of the night
  std::int64_t set_by_ = 0;  // how wrong the real clock is
  std::uint64_t next_number_ = 0;
  std::deque<Sent> sent_;  // what may be in the store yet
  std::uint64_t stored_ = 0;
  std::uint64_t largest_store_ = 0;
  std::uint64_t most_descriptors_ = 0;
  std::uint64_t windows_ = 0;
};

TEST_F(Night, TwelveHoursWithAClockThatSteps) {
  // By so much the clock is wrong, for half an hour each: set back and forward, far ahead for less
  // than the keeper takes seriously, and right again.
  constexpr std::int64_t kDay = 24 * kHour;
  const std::vector<std::int64_t> steps = {
      0, -kHour, 2 * kHour, kSecond / 1000, 400 * kDay, 0, -3 * kMinute, -400 * kDay, 5, kMinute};
  std::uint64_t memory_after_an_hour = 0;
  std::uint64_t descriptors_after_an_hour = 0;
  std::uint64_t memory_after_windows = 0;
  int step = 0;
  while (passed_ < kNight) {
    pass_one_chunk();
    if (passed_ % (10 * kSecond) == 0) keep_house();
    if (passed_ % (30 * kMinute) == 0) {
      set_by_ = steps[static_cast<std::size_t>(++step) % steps.size()];
    }
    // A little after the step, so that a window can hold both sides of it.
    if (passed_ % (30 * kMinute) == 4 * kMinute) try_windows(20);
    if (passed_ % (5 * kHour) == 2 * kMinute) restart_recorder();
    if (passed_ == kHour) {
      memory_after_an_hour = peak_memory_mib();
      descriptors_after_an_hour = std::exchange(most_descriptors_, 0);
    }
    if (HasFatalFailure()) return;
  }
  memory_after_windows = peak_memory_mib();
  restart_recorder();
  EXPECT_EQ(stored_, next_number_);
  EXPECT_EQ(stored_, static_cast<std::uint64_t>(kNight / kSecond * kEventsPerSecond));
  EXPECT_LE(most_descriptors_, descriptors_after_an_hour);
  EXPECT_LT(memory_after_windows, memory_after_an_hour + 32);

  TrialFigures figures("night");
  figures.add("events", stored_);
  figures.add("windows compared with brute force", windows_);
  figures.add("largest store, bytes", largest_store_);
  figures.add("memory after an hour, MiB", memory_after_an_hour);
  figures.add("memory at most, MiB", memory_after_windows);
  figures.add("descriptors at most", most_descriptors_);
}

}  // namespace
}  // namespace smtptape
