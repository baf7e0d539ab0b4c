// What a recorder says of itself when its disk fails or its store is taken: to those who ask, to
// systemd, and on its tapes.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/wall_time.h"
#include "capture/watch/control_client.h"
#include "capture/watch/metrics.h"
#include "capture/watch/status_json.h"
#include "tests/capture/daemon_fixture.h"
#include "tests/support/fake_kumod.h"
#include "tests/support/fake_service_manager.h"
#include "tests/support/faulty_disk.h"

namespace smtptape {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// What the server waits for before it goes on.
class Gate {
 public:
  void open() { opened_.set_value(); }
  void wait() const { is_open_.wait_for(std::chrono::seconds(20)); }
  [[nodiscard]] Step step() const {
    return await_that([this] { wait(); });
  }

 private:
  std::promise<void> opened_;
  std::shared_future<void> is_open_ = opened_.get_future().share();
};

class DaemonHealthTest : public DaemonTest {
 protected:
  DaemonHealthTest() {
    options_.sync_interval = std::chrono::milliseconds(5);
    options_.files = &disk_;
  }

  // Waits until a recorder answers.
  RecorderStatus status() {
    std::optional<std::string> answer;
    wait_until([&] {
      answer = ask_recorder(control_path(options_.store), Order::Status);
      return answer.has_value();
    });
    return read_status_json(answer.value());
  }
  [[nodiscard]] bool was_said(const std::string& words) const {
    const std::vector<std::string> lines = said();
    return std::any_of(lines.begin(), lines.end(), [&words](const std::string& line) {
      return line.find(words) != std::string::npos;
    });
  }

  std::atomic<bool> fail_writes_ = false;
  std::atomic<bool> fail_sync_of_next_write_ = false;
  std::atomic<bool> fail_next_sync_ = false;
  Gate* before_unlink_ = nullptr;  // that deletions wait for
  FaultyDisk disk_{[this](std::size_t, FaultyDisk::Call call) {
    if (call == FaultyDisk::Call::Unlink && before_unlink_ != nullptr) before_unlink_->wait();
    const bool write = call == FaultyDisk::Call::Write;
    if (write && fail_sync_of_next_write_.exchange(false)) fail_next_sync_ = true;
    const bool fails = (write && fail_writes_) ||
                       (call == FaultyDisk::Call::Fdatasync && fail_next_sync_.exchange(false));
    return FaultyDisk::Fate{fails ? EIO : 0, false};
  }};
};

// Sets a variable of the environment, as the one who starts a service does.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

// The next line about the state with these words in it; what was heard instead, when it is late.
std::string heard_with(const FakeServiceManager& manager, const std::string& words) {
  std::string all;
  for (std::string heard = manager.heard(); heard != "(nothing)"; heard = manager.heard()) {
    if (heard.find(words) != std::string::npos) return heard;
    all += heard + "\n";
  }
  return all;
}

// Bounded; whatever comes before it.
bool heard(const FakeServiceManager& manager, const std::string& line) {
  std::string last;
  while (last != line && last != "(nothing)")
    last = manager.heard();
  return last == line;
}

TEST_F(DaemonHealthTest, TellsOfTheTroubleOfTheDiskAndOfItsEnd) {
  const FakeServiceManager manager(directory_ / "notify");
  const Variable notify("NOTIFY_SOCKET", directory_ / "notify");
  Gate gate;
  const FakeKumod server({upgrade_then({gate.step(), send_text(event_number(1)), stay_silent()})});
  add("mta", server.url());
  auto running = start();
  EXPECT_TRUE(heard(manager, "STATUS=1 of 1 source connected"));
  EXPECT_TRUE(status().is_ready());
  fail_writes_ = true;
  gate.open();
  wait_until([this] { return !status().sources.at(0).writing; });
  const RecorderStatus troubled = status();
  EXPECT_FALSE(troubled.is_ready());
  EXPECT_THAT(troubled.sources.at(0).disk_trouble, HasSubstr("Input/output error"));
  EXPECT_THAT(metrics_text(troubled), HasSubstr("smtptape_writing{source=\"mta\"} 0\n"));
  EXPECT_THAT(heard_with(manager, "not writing"),
              testing::MatchesRegex("STATUS=1 of 1 source connected; not writing .*error.*"));
  fail_writes_ = false;
  EXPECT_TRUE(heard(manager, "STATUS=1 of 1 source connected"));
  EXPECT_TRUE(status().is_ready());
  EXPECT_EQ(status().sources.at(0).disk_trouble, "");
  EXPECT_EQ(stop(running).ledger.received, 1U);
}

// Nothing comes, so that nothing but the trouble itself can be the reason to look.
TEST_F(DaemonHealthTest, TellsSystemdThatThereIsNoRoomThoughNothingComes) {
  const FakeServiceManager manager(directory_ / "notify");
  const Variable notify("NOTIFY_SOCKET", directory_ / "notify");
  const FakeKumod server({upgrade_then({stay_silent()})});
  add("mta", server.url());
  options_.reload = [] {
    StoreLimits limits;
    limits.retention.max_tapes = 1;
    limits.retention.keep_free = KeepFree{std::numeric_limits<std::uint64_t>::max() / 2, {}};
    return limits;
  };
  Gate deleting;
  before_unlink_ = &deleting;
  auto running = start();
  EXPECT_TRUE(heard(manager, "STATUS=1 of 1 source connected"));
  // While a deletion waits, nobody else gets to the disk: the tape must be there before.
  wait_until([this] { return !status().sources.at(0).tape.empty(); });
  std::ofstream(options_.store / "old-00000001-20260101T000000Z.tape") << "of another";
  ::raise(SIGHUP);
  EXPECT_EQ(heard_with(manager, "READY"), "READY=1\nSTATUS=1 of 1 source connected");
  deleting.open();  // and then the keeper finds that there is no room
  EXPECT_THAT(heard_with(manager, "not writing"), HasSubstr("not writing (keep-free: "));
  stop(running);
}

// Nothing comes and nothing is to be written: the failed sync alone wakes the recorder.
TEST_F(DaemonHealthTest, GivesAQuietTapeUpWhenItsSyncFails) {
  Gate gate;
  const FakeKumod server({upgrade_then(
      {send_text(event_number(1)), gate.step(), send_text(event_number(2)), stay_silent()})});
  add("mta", server.url());
  auto running = start();
  wait_until([this] { return events_of("mta") == 1; });
  fail_sync_of_next_write_ = true;
  gate.open();
  wait_until([this] { return Store(options_.store).tapes_of("mta").size() == 2; });
  stop(running);
  EXPECT_TRUE(was_said("syncing ")) << "what is wrong";
  EXPECT_TRUE(was_said("recording again"));
  const std::vector<StoredTape> stored = tapes("mta");
  ASSERT_THAT(stored.at(1).gaps, SizeIs(1));
  const Gap& unsure = stored[1].gaps[0];
  EXPECT_EQ(unsure.cause, GapCause::Disk);
  EXPECT_EQ(unsure.count, std::nullopt);
  EXPECT_LE(unsure.after_sequence, 1U) << "the first may have been synced meanwhile";
  EXPECT_EQ(unsure.before_sequence, 3U);
  EXPECT_LE(unsure.from, stored[0].events.at(0).received);
  EXPECT_EQ(unsure.until, stored[0].events.at(1).received);
}

// The interval ends in a second when it is aligned, else in half a century.
TEST_F(DaemonHealthTest, TakesTheAlignmentOfTapesFromTheConfigurationAtSighup) {
  Gate gate;
  const FakeKumod server({upgrade_then(
      {send_text(event_number(1)), gate.step(), send_text(event_number(2)), stay_silent()})});
  add("mta", server.url());
  options_.reload = [] {
    StoreLimits limits;
    limits.rotate_interval = std::chrono::nanoseconds(this_moment().real + kNanosPerSecond);
    limits.rotate_aligned = true;
    return limits;
  };
  auto running = start();
  wait_until([this] { return events_of("mta") == 1; });
  ::raise(SIGHUP);
  wait_until([this] { return tapes("mta").at(0).end == TapeEnd::Sealed; });
  gate.open();
  const auto sealed = [this] {
    return status().sources.at(0).tapes_sealed.at(static_cast<std::size_t>(SealReason::Interval));
  };
  wait_until([&] { return sealed() == 1; });
  EXPECT_EQ(stop(running).tapes, 2U);
}

TEST_F(DaemonHealthTest, YieldsToAnotherThatHasTakenTheSource) {
  Gate gate;
  const FakeKumod server({upgrade_then(
      {send_text(event_number(1)), gate.step(), send_text(event_number(2)), stay_silent()})});
  add("mta", server.url());
  options_.batch_bytes = 1;
  options_.limits.rotate_size = 1;  // each event begins a tape
  auto running = start();
  wait_until([this] { return events_of("mta") == 1; });
  std::filesystem::remove(options_.store / "mta.lock");
  const UniqueFd other = Store(options_.store).lock_source("mta");
  gate.open();
  ASSERT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_THAT([&] { running.get(); },
              testing::ThrowsMessage<Error>("another recorder writes source mta into " +
                                            options_.store.string() + "; this one yields"));
  ASSERT_THAT(tapes("mta"), SizeIs(2)) << "an empty one and the first; none beside the other's";
  EXPECT_EQ(tapes("mta")[1].end, TapeEnd::Sealed);
}

// Nobody has it: then it is taken anew, and recording goes on.
TEST_F(DaemonHealthTest, TakesALockAnewThatWasRemoved) {
  Gate gate;
  const FakeKumod server({upgrade_then(
      {send_text(event_number(1)), gate.step(), send_text(event_number(2)), stay_silent()})});
  add("mta", server.url());
  options_.batch_bytes = 1;
  options_.limits.rotate_size = 1;
  auto running = start();
  wait_until([this] { return events_of("mta") == 1; });
  std::filesystem::remove(options_.store / "mta.lock");
  gate.open();
  wait_until([this] { return events_of("mta") == 2; });
  EXPECT_THROW(static_cast<void>(Store(options_.store).lock_source("mta")), TakenError);
  EXPECT_EQ(stop(running).tapes, 3U) << "and an empty one";
  EXPECT_TRUE(was_said("taken anew"));
}

}  // namespace
}  // namespace smtptape
