// Three sources in one recorder: one that ends its feed in every way there is, again and again, one
// that is well, and one that is dead.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/capture_options.h"
#include "tests/capture/record/stored.h"
#include "tests/support/fake_kumod.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {

inline constexpr std::size_t kDisconnects = 50;

struct DisconnectPauses {
  std::chrono::milliseconds shortest;
  std::chrono::milliseconds longest;
};

namespace disconnects {

inline std::string event(std::size_t number) {
  return R"({"conn_meta":{"id":"A"},"payload":{"Read":"250 )" + std::to_string(number) +
         R"("},"when":"2026-08-04T13:54:50.123Z"})";
}

// Sent, and certainly read: a reset takes back what was not.
inline std::vector<Step> delivered(std::size_t number) {
  return {send_text(event(number)), send_frame(Opcode::Ping, "p"), await_frame()};
}

// Ways to end a feed that was open …
inline std::vector<std::vector<Step>> endings() {
  return {{},
          {reset_connection()},
          {announce_text(1000), send_bytes("the beginning of a frame")},
          {announce_text(1000), send_bytes("the same"), reset_connection()},
          {send_frame(Opcode::Close, std::string("\x03\xe9") + "going away")},
          {send_bytes("\xff\xff what is this?")}};
}

// … and not to open one.
inline std::vector<Dialogue> refusals() {
  const auto status = [](const std::string& line) {
    return answer_with("HTTP/1.1 " + line + "\r\ncontent-length: 0\r\n\r\n");
  };
  return {status("401 Unauthorized"),
          status("403 Forbidden"),
          status("404 Not Found"),
          status("503 Service Unavailable"),
          answer_with("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n"),
          answer_with("220 mx.example ESMTP\r\n"),
          answer_with("", {reset_connection()}),
          answer_with("")};
}

struct Script {
  std::vector<Dialogue> dialogues;
  std::vector<std::string> events;  // that arrive
};

// Of the troublesome one: after each feed that ended as many refusals as its number says, none to
// two; at last a feed that stays.
inline Script troublesome() {
  Script script;
  const auto ways = endings();
  const auto no = refusals();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kDisconnects; ++i) {
    std::vector<Step> steps = delivered(i);
    script.events.push_back(event(i));
    for (const Step& step : ways[i % ways.size()])
      steps.push_back(step);
    script.dialogues.push_back(upgrade_then(std::move(steps)));
    for (std::size_t times = i % 3; times > 0; --times)
      script.dialogues.push_back(no[refused++ % no.size()]);
  }
  std::vector<Step> last = delivered(kDisconnects);
  last.push_back(stay_silent());
  script.events.push_back(event(kDisconnects));
  script.dialogues.push_back(upgrade_then(std::move(last)));
  return script;
}

inline Script steady() {
  Script script;
  std::vector<Step> steps;
  for (std::size_t i = 0; i < 500; ++i) {
    for (Step& step : delivered(i))
      steps.push_back(std::move(step));
    script.events.push_back(event(i));
  }
  steps.push_back(stay_silent(std::chrono::minutes(5)));
  script.dialogues.push_back(upgrade_then(std::move(steps)));
  return script;
}

}  // namespace disconnects

// Runs it, and looks at what is stored.
inline void try_disconnects(const DisconnectPauses& pauses) {
  using testing::HasSubstr;
  using testing::IsEmpty;
  using testing::Not;
  using testing::SizeIs;
  const disconnects::Script troublesome = disconnects::troublesome();
  const disconnects::Script steady = disconnects::steady();
  const FakeKumod bad(troublesome.dialogues);
  const FakeKumod good(steady.dialogues);
  const ClosedPort dead;
  const TemporaryDirectory directory;
  CaptureOptions options = recording_into(directory.path() / "store");
  options.shortest_pause = pauses.shortest;
  options.longest_pause = pauses.longest;
  add_source(options, "bad", bad.url());
  add_source(options, "good", good.url());
  add_source(options, "dead", dead.url());
  StopSignal stop;
  auto running = std::async(std::launch::async,
                            [&] { return run_capture(options, stop, [](std::string_view) {}); });
  // The last client's pong: its event has been read.  Each wait for a client is bounded.
  const std::size_t clients = troublesome.dialogues.size();
  for (std::size_t client = 0; client < clients; ++client)
    static_cast<void>(bad.head(client));
  EXPECT_EQ(bad.frame(1, clients - 1).opcode, Opcode::Pong);
  EXPECT_EQ(good.frame(steady.events.size()).opcode, Opcode::Pong);
  stop.request();
  ASSERT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  const CaptureTotals totals = running.get();
  EXPECT_TRUE(totals.ledger.balances());
  EXPECT_EQ(totals.ledger.total_lost().count, 0U);

  const Store store(options.store);
  EXPECT_EQ(frames_of(read_store(store, "bad")), troublesome.events) << "none lost, none twice";
  EXPECT_EQ(frames_of(read_store(store, "good")), steady.events);
  for (const StoredTape& tape : read_store(store, "good"))
    EXPECT_THAT(tape.gaps, IsEmpty());

  std::vector<Gap> gaps;
  for (const StoredTape& tape : read_store(store, "bad")) {
    for (const Gap& gap : tape.gaps)
      gaps.push_back(gap);
  }
  ASSERT_THAT(gaps, SizeIs(kDisconnects)) << "one for each time without a feed";
  std::int64_t before = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    EXPECT_EQ(gaps[i].cause, GapCause::Disconnected);
    EXPECT_EQ(gaps[i].count, std::nullopt) << "nobody knows";
    EXPECT_EQ(gaps[i].after_sequence, i + 1) << "where it belongs";
    EXPECT_THAT(gaps[i].detail, Not(IsEmpty()));
    EXPECT_GE(gaps[i].from, before);
    EXPECT_GT(gaps[i].until, gaps[i].from);
    before = gaps[i].until;
  }
  std::vector<Gap> outage;
  for (const StoredTape& tape : read_store(store, "dead")) {
    for (const Gap& gap : tape.gaps)
      outage.push_back(gap);
  }
  ASSERT_THAT(outage, SizeIs(1));
  EXPECT_THAT(outage[0].detail, HasSubstr("refused"));
}

}  // namespace smtptape
