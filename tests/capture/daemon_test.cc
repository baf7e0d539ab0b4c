// Several sources, orders and signals, against servers that are scripted.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/watch/control_client.h"
#include "tests/capture/daemon_fixture.h"
#include "tests/support/fake_kumod.h"
#include "tests/support/faulty_disk.h"

namespace smtptape {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(DaemonTest, ASourceThatIsDeadDisturbsNoOther) {
  const FakeKumod one({upgrade_then({send_text(event_number(1)), stay_silent()})});
  const FakeKumod two({upgrade_then({send_text(event_number(2)), stay_silent()})});
  const ClosedPort dead;
  add("one", one.url());
  add("dead", dead.url());
  add("two", two.url());
  auto running = start();
  wait_until([this] { return events_of("one") == 1 && events_of("two") == 1; });
  const CaptureTotals totals = stop(running);
  EXPECT_EQ(totals.ledger.stored, 2U);
  EXPECT_TRUE(totals.ledger.balances());
  EXPECT_THAT(frames_of(tapes("one")), ElementsAre(event_number(1)));
  EXPECT_THAT(frames_of(tapes("two")), ElementsAre(event_number(2)));
  ASSERT_THAT(tapes("dead"), SizeIs(1)) << "the outage is recorded";
  ASSERT_THAT(tapes("dead")[0].gaps, SizeIs(1));
  EXPECT_EQ(tapes("dead")[0].gaps[0].cause, GapCause::Disconnected);
  EXPECT_THAT(tapes("dead")[0].gaps[0].detail, HasSubstr("refused"));
  EXPECT_THAT(said(), Contains(HasSubstr("dead: ")));
}

TEST_F(DaemonTest, TriesTheFirstConnectionAgainAndTellsSinceWhenItWasMissing) {
  const FakeKumod server({answer_with("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
                          upgrade_then({send_text(event_number(1)), stay_silent()})});
  add("mta", server.url());
  auto running = start();
  wait_until([this] { return events_of("mta") == 1; });
  stop(running);
  const StoredTape tape = tapes("mta").at(0);
  ASSERT_THAT(tape.gaps, SizeIs(1));
  EXPECT_EQ(tape.gaps[0].cause, GapCause::Disconnected);
  EXPECT_EQ(tape.gaps[0].after_sequence, 0U);
}

TEST_F(DaemonTest, TellsOfATimeWithoutAnAnswerThoughNoAttemptFailed) {
  const FakeKumod server({answer_with("", {stay_silent()})});
  add("mta", server.url());
  options_.most_time = std::chrono::milliseconds(1100);
  const std::int64_t before = this_moment().real;
  run_capture(options_, stop_, [](std::string_view) {});
  const StoredTape tape = tapes("mta").at(0);
  ASSERT_THAT(tape.gaps, SizeIs(1));
  EXPECT_EQ(tape.gaps[0].cause, GapCause::Disconnected);
  EXPECT_GE(tape.gaps[0].from, before);
  EXPECT_GE(tape.gaps[0].until - tape.gaps[0].from, kNanosPerSecond);
}

TEST_F(DaemonTest, TriesAgainWhenItIsTheMachineThatLacksSomething) {
  const ClosedPort dead;
  add("mta", dead.url());
  auto running = start();
  const auto times_said = [this](const char* words) {
    const std::vector<std::string> lines = said();
    return std::count_if(lines.begin(), lines.end(), [words](const std::string& line) {
      return line.starts_with("connecting") && line.find(words) != std::string::npos;
    });
  };
  wait_until([&] { return times_said("refused") == 1; });
  {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);
    wait_until([&] { return times_said("Too many open files") > 0; });
    ::setrlimit(RLIMIT_NOFILE, &before);
  }
  wait_until([&] { return times_said("refused") == 2; });  // it is told when it changes
  stop(running);
}

TEST_F(DaemonTest, StopsAtOnceWhenTheDiskIsFullAndThatWasAskedFor) {
  FaultyDisk full([](std::size_t, FaultyDisk::Call call) {
    return FaultyDisk::Fate{call == FaultyDisk::Call::Open ? ENOSPC : 0, false};
  });
  const FakeKumod server({upgrade_then({send_text(event_number(1)), stay_silent()})});
  add("mta", server.url());
  options_.files = &full;
  options_.limits.on_full = OnFull::Stop;
  auto running = start();
  // The keeper looks each ten seconds by itself.
  ASSERT_EQ(running.wait_for(std::chrono::seconds(5)), std::future_status::ready);
  EXPECT_THAT([&] { running.get(); },
              testing::ThrowsMessage<Error>(HasSubstr("stopped: the disk is full")));
}

// As a snapshot wants it.
TEST_F(DaemonTest, TellsOfAnOutageThatLastsWhenItIsAskedToWriteWhatItHas) {
  const ClosedPort dead;
  add("mta", dead.url());
  auto running = start();
  wait_until(
      [this] { return std::filesystem::exists(control_path(options_.store)) && !said().empty(); });
  for (int order = 0; order < 2; ++order)
    EXPECT_TRUE(order_recorder(control_path(options_.store), Order::Flush));
  const StoredTape tape = tapes("mta").at(0);
  stop(running);
  ASSERT_THAT(tape.gaps, SizeIs(2));
  EXPECT_THAT(tape.gaps[0].detail, HasSubstr("refused"));
  EXPECT_EQ(tape.gaps[0].until, tape.gaps[1].from) << "nothing between them";
}

TEST_F(DaemonTest, KeepsWithinTheLimitsAtTheEndOfAShortRun) {
  std::vector<Step> steps;
  for (int i = 0; i < 20; ++i)
    steps.push_back(send_text(event_number(i)));
  const FakeKumod server({upgrade_then(steps)});
  add("mta", server.url());
  options_.at_the_end = AtTheEnd::Stop;
  options_.batch_bytes = 1;
  options_.limits.rotate_size = 1;
  options_.limits.retention.max_tapes = 3;
  const CaptureTotals totals = run_capture(options_, stop_, [](std::string_view) {});
  EXPECT_GT(totals.tapes, 3U);
  EXPECT_THAT(tapes("mta"), SizeIs(3));
}

TEST_F(DaemonTest, RefusesTwoSourcesOfOneName) {
  add("mta", "http://127.0.0.1:1");
  add("mta", "http://127.0.0.1:2");
  EXPECT_THROW(run_capture(options_, stop_, [](std::string_view) {}), UsageError);
}

TEST_F(DaemonTest, ChangesTapesAndLimitsAtSighup) {
  const FakeKumod server({upgrade_then({send_text(event_number(1)), stay_silent()})});
  add("mta", server.url());
  std::atomic<int> reloaded = 0;
  options_.reload = [&reloaded]() -> StoreLimits {
    if (++reloaded == 2) throw UsageError("smtptape.toml:1: no such key");
    return {};
  };
  auto running = start();
  wait_until([this] { return events_of("mta") == 1; });
  ::raise(SIGHUP);
  wait_until([this] { return tapes("mta").at(0).end == TapeEnd::Sealed; });
  ::raise(SIGHUP);
  wait_until([&reloaded] { return reloaded == 2; });
  const CaptureTotals totals = stop(running);
  EXPECT_EQ(totals.tapes, 1U);
  EXPECT_THAT(said(), Contains(HasSubstr("the configuration of before stays in force")));
}

TEST_F(DaemonTest, StopsWhenThereIsNoRoomAndThatWasAskedFor) {
  const FakeKumod server({upgrade_then({stay_silent()})});
  add("mta", server.url());
  options_.limits.on_full = OnFull::Stop;
  options_.limits.retention.keep_free = KeepFree{std::numeric_limits<std::uint64_t>::max() / 2, {}};
  auto running = start();
  ASSERT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_THAT([&] { running.get(); }, testing::ThrowsMessage<Error>(HasSubstr("keep-free")));
}

TEST_F(DaemonTest, RecordsNothingWhileThereIsNoRoomAndCountsIt) {
  const auto paused = [this] {
    wait_until([this] {
      const std::vector<std::string> lines = said();
      return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("keep-free") != std::string::npos;
      });
    });
  };
  const FakeKumod server({upgrade_then({await_that(paused),
                                        send_text(event_number(1)),
                                        send_frame(Opcode::Ping, "p"),
                                        await_frame(),
                                        stay_silent()})});
  add("mta", server.url());
  options_.limits.retention.keep_free = KeepFree{std::numeric_limits<std::uint64_t>::max() / 2, {}};
  auto running = start();
  EXPECT_EQ(server.frame(1).opcode, Opcode::Pong);  // so the event is in the queue
  const CaptureTotals totals = stop(running);
  EXPECT_EQ(totals.ledger.received, 1U);
  EXPECT_EQ(totals.ledger.total_lost().count, 1U);
  // At the end it is tried nevertheless: what was lost has to be told.  A tape that was begun before
  // there was no room may be there, too.
  std::vector<Gap> gaps;
  for (const auto& tape : tapes("mta")) {
    EXPECT_THAT(tape.events, IsEmpty());
    gaps.insert(gaps.end(), tape.gaps.begin(), tape.gaps.end());
  }
  ASSERT_THAT(gaps, SizeIs(1));
  EXPECT_EQ(gaps[0].count, 1U);
}

}  // namespace
}  // namespace smtptape
