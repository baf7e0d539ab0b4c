#include "capture/keep/keeper.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/record/recorder.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/support/faulty_disk.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr std::int64_t kHour = 3600 * kSecond;

class KeeperTest : public testing::Test {
 protected:
  // Sealed tapes, one an hour; the last one ends now.
  KeeperTest() : store_(directory_.path()) {
    DiskThreads sync(std::chrono::hours(1), 0);
    RecorderOptions options;
    options.source = "mta";
    Recorder recorder(store_, sync, options, nullptr);
    for (int i = 0; i < 5; ++i) {
      record_on_time(recorder, chunk_of({event_of_size(1000)}, kStart + i * kHour));
      recorder.tapes().rotate(at(kStart + i * kHour));
    }
    recorder.finish(at(kStart + 5 * kHour));
  }

  Keeper& keeper(const RetentionLimits& limits,
                 OnFull on_full = OnFull::Drop,
                 FileCalls& calls = system_file_calls()) {
    KeeperHooks hooks;
    hooks.now = [] { return kStart + 4 * kHour; };
    hooks.disk_is_full = [this] { return full_; };
    hooks.pause = [this](const std::string& why) { done_.push_back("pause: " + why); };
    hooks.resume = [this] { done_.emplace_back("resume"); };
    hooks.stop = [this](const std::string& why) { done_.push_back("stop: " + why); };
    hooks.say = [this](std::string_view line) { said_.emplace_back(line); };
    KeeperOptions options;
    options.limits = limits;
    options.on_full = on_full;
    keeper_.emplace(directory_.path(), options, std::move(hooks), calls);
    return *keeper_;
  }
  [[nodiscard]] static RetentionLimits more_free_than_there_is() {
    RetentionLimits limits;
    limits.keep_free = KeepFree{std::numeric_limits<std::uint64_t>::max() / 2, {}};
    return limits;
  }
  [[nodiscard]] std::size_t tapes() const { return store_.tapes_of("mta").size(); }

  TemporaryDirectory directory_;
  Store store_;
  bool full_ = false;
  std::vector<std::string> done_;
  std::vector<std::string> said_;
  std::optional<Keeper> keeper_;
};

TEST_F(KeeperTest, DeletesTheOldestTapesAndSaysSo) {
  RetentionLimits limits;
  limits.max_tapes = 3;
  Keeper& kept = keeper(limits);
  kept.look();
  EXPECT_EQ(tapes(), 3U);
  ASSERT_THAT(said_, SizeIs(2));
  EXPECT_THAT(said_[0], HasSubstr("deleted mta-00000001-"));
  EXPECT_THAT(said_[0], HasSubstr("max-tapes"));
  EXPECT_GT(kept.report().pruned_bytes.at("max-tapes"), 1000U);
  EXPECT_EQ(kept.report().totals.tapes, 3U);
  EXPECT_GT(kept.report().free_bytes, 0U);
  EXPECT_THAT(done_, IsEmpty());
}

TEST_F(KeeperTest, PausesRatherThanDeleteTheNight) {
  Keeper& kept = keeper(more_free_than_there_is());
  kept.look();
  kept.look();
  EXPECT_EQ(tapes(), 5U) << "all of them are young";
  EXPECT_THAT(done_, ElementsAre(HasSubstr("pause: keep-free"))) << "once";
  EXPECT_GT(kept.report().wanted_free_bytes, kept.report().free_bytes);
  kept.set_limits({}, OnFull::Drop);
  kept.look();
  EXPECT_EQ(kept.report().wanted_free_bytes, 0U);
  EXPECT_THAT(done_, ElementsAre(HasSubstr("pause"), "resume"));
}

TEST_F(KeeperTest, StopsWhereThatWasAskedFor) {
  Keeper& kept = keeper(more_free_than_there_is(), OnFull::Stop);
  kept.look();
  kept.look();
  EXPECT_THAT(done_, ElementsAre(HasSubstr("stop: keep-free")));
}

TEST_F(KeeperTest, StopsAlsoWhenTheDiskIsFullWhateverItsLimits) {
  Keeper& kept = keeper({}, OnFull::Stop);
  kept.look();
  EXPECT_THAT(done_, IsEmpty());
  full_ = true;
  kept.look();
  EXPECT_THAT(done_, ElementsAre("stop: the disk is full"));
}

TEST_F(KeeperTest, DeletesYoungTapesWhereThatWasAskedFor) {
  Keeper& kept = keeper(more_free_than_there_is(), OnFull::DeleteOldest);
  kept.look();
  EXPECT_EQ(tapes(), 0U);
  EXPECT_THAT(said_, Each(HasSubstr("on-full")));
  EXPECT_THAT(kept.report().pruned_bytes, ElementsAre(Pair("on-full", Gt(5000U))));
}

TEST_F(KeeperTest, DeletesOneTapeALookWhileTheDiskIsFull) {
  full_ = true;
  Keeper& kept = keeper({}, OnFull::DeleteOldest);
  kept.look();
  EXPECT_EQ(tapes(), 4U);
  kept.look();
  EXPECT_EQ(tapes(), 3U);
  full_ = false;
  kept.look();
  EXPECT_EQ(tapes(), 3U);
  EXPECT_THAT(done_, ElementsAre("resume", "resume")) << "there is room: try at once";
  EXPECT_THAT(said_, ElementsAre(HasSubstr("on-full"), HasSubstr("on-full")));
  EXPECT_THAT(kept.report().pruned_bytes, ElementsAre(Pair("on-full", Gt(2000U))))
      << "whatever limit the plan was made with";
}

TEST_F(KeeperTest, ATroubleThatComesBackIsToldAgain) {
  for (const RetentionLimits& limits : {RetentionLimits{}, more_free_than_there_is()}) {
    said_.clear();
    Keeper& kept = keeper(limits);
    const std::filesystem::path away = directory_.path().string() + ".away";
    for (std::size_t times = 1; times <= 3; ++times) {
      std::filesystem::rename(directory_.path(), away);
      kept.look();
      kept.look();
      EXPECT_THAT(said_, SizeIs(times)) << "once each time";
      std::filesystem::rename(away, directory_.path());
      kept.look();
    }
    EXPECT_THAT(said_, Each(HasSubstr("No such file or directory")));
  }
}

// What can't be deleted is told once, however many they are.
TEST_F(KeeperTest, EachTroubleIsToldOnceWhileItLasts) {
  bool refused = true;
  FaultyDisk disk([&refused](std::size_t, FaultyDisk::Call call) {
    return FaultyDisk::Fate{refused && call == FaultyDisk::Call::Unlink ? EBUSY : 0, false};
  });
  RetentionLimits limits;
  limits.max_tapes = 3;
  Keeper& kept = keeper(limits, OnFull::Drop, disk);
  kept.look();
  const std::size_t told = said_.size();
  EXPECT_GE(told, 2U);
  EXPECT_THAT(said_, Each(HasSubstr("deleting ")));
  kept.look();
  kept.look();
  EXPECT_THAT(said_, SizeIs(told));
  refused = false;
  kept.look();
  EXPECT_EQ(tapes(), 3U);
  EXPECT_THAT(said_, SizeIs(told + 2));
}

TEST_F(KeeperTest, LooksAtOnceWhenAskedAndDoesWhatIsPosted) {
  Keeper& kept = keeper({});
  std::atomic<bool> done = false;
  kept.start();
  kept.post([&] {
    RetentionLimits limits;
    limits.max_tapes = 1;
    kept.set_limits(limits, OnFull::Drop);
    done = true;
  });
  kept.look_now();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((!done || tapes() > 1) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  kept.stop();
  EXPECT_EQ(tapes(), 1U);
}

}  // namespace
}  // namespace smtptape
