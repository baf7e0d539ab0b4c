// The whole recorder against servers that are scripted: what was sent is what is stored.
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/capture.h"
#include "tests/capture/record/stored.h"
#include "tests/support/fake_kumod.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view kEvent =
    R"({"conn_meta":{"id":"A"},"payload":"Connected","when":"2026-08-04T13:54:50.123Z"})";
constexpr std::string_view kLagNotice =
    R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":"Tracer Lagged behind)"
    R"( and missed 4711 events"}},"when":"2026-08-04T13:54:50.123Z"})";

std::string event_number(int number) {
  return R"({"conn_meta":{"id":"A"},"payload":{"Read":"250 )" + std::to_string(number) +
         R"("},"when":"2026-08-04T13:54:50.123Z"})";
}

class CaptureRun : public testing::Test {
 protected:
  CaptureOptions options_for(const std::string& url) {
    CaptureOptions options;
    options.sources.emplace_back().endpoint = parse_endpoint(url);
    options.store = directory_.path() / "store";
    options.sources[0].name = "mta";
    options.version = "test";
    options.at_the_end = AtTheEnd::Stop;
    options.shortest_pause = std::chrono::milliseconds(1);
    options.longest_pause = std::chrono::milliseconds(1);
    return options;
  }

  CaptureTotals capture(const CaptureOptions& options) {
    CaptureTotals totals =
        run_capture(options, stop_, [this](std::string_view line) { said_.emplace_back(line); });
    EXPECT_TRUE(totals.ledger.balances());
    return totals;
  }
  CaptureTotals capture_steps(std::vector<Step> steps) {
    const FakeKumod server({upgrade_then(std::move(steps))});
    CaptureOptions options = options_for(server.url());
    options.max_frame = 100'000;
    return capture(options);
  }

  // With which error, after sealing and saying what was lost.
  std::string failure_of(std::vector<Step> steps) {
    try {
      capture_steps(std::move(steps));
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::Failed);
      EXPECT_THAT(said_.back(), HasSubstr(" received = "));
      return error.what();
    }
    return "recorded";
  }

  [[nodiscard]] std::vector<StoredTape> tapes() const {
    return read_store(Store(directory_.path() / "store"), "mta");
  }
  [[nodiscard]] std::vector<std::string> frames() const { return frames_of(tapes()); }

  TemporaryDirectory directory_;
  StopSignal stop_;
  std::vector<std::string> said_;
};

// ---- what is stored ----

TEST_F(CaptureRun, StoresWhatWasSentAndSealsTheTape) {
  const CaptureTotals totals =
      capture_steps({send_text(kEvent), send_text("\xff no utf8"), send_text(""), send_text("{")});
  EXPECT_EQ(totals.ledger.received, 4U);
  EXPECT_EQ(totals.ledger.stored, 4U);
  EXPECT_EQ(totals.tapes, 1U);
  const std::vector<StoredTape> stored = tapes();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_THAT(frames_of(stored), ElementsAre(std::string(kEvent), "\xff no utf8", "", "{"));
  EXPECT_EQ(stored[0].end, TapeEnd::Sealed);
  EXPECT_EQ(stored[0].footer.value().ledger, totals.ledger);
  EXPECT_EQ(stored[0].events.back().sequence, 4U);
  EXPECT_THAT(stored[0].gaps, IsEmpty());
  EXPECT_EQ(stored[0].header.writer, "smtptape test");
  EXPECT_EQ(stored[0].header.origin.source, "mta");
  EXPECT_EQ(stored[0].header.boot_id.size(), 36U);
  EXPECT_THAT(said_,
              ElementsAre(StartsWith("connected to 127.0.0.1:"),
                          StartsWith("4 received = 4 stored + 0 not selected + 0 lost; 1 tape, ")));
}

TEST_F(CaptureRun, SendsTheRequestAndKeepsItInTheHeader) {
  const FakeKumod server({upgrade_then({send_text(kEvent)})});
  CaptureOptions options = options_for(server.url());
  options.sources[0].request.terse = true;
  capture(options);
  EXPECT_EQ(server.frame(0).payload, to_json(options.sources[0].request));
  EXPECT_EQ(tapes().at(0).header.request, to_json(options.sources[0].request));
  EXPECT_EQ(tapes().at(0).header.url, server.url());
}

TEST_F(CaptureRun, StoresFragmentsBinaryAndSingleBytesAndNoPings) {
  capture_steps({send_fragments({"{\"a\"", "", ":1}"}),
                 send_frame(Opcode::Ping, "there?"),
                 send_frame(Opcode::Binary, std::string("\0\x01", 2)),
                 one_byte_at_a_time(send_text(kEvent)),
                 send_frame(Opcode::Close, "\x03\xe8")});
  EXPECT_THAT(frames(), ElementsAre("{\"a\":1}", std::string("\0\x01", 2), std::string(kEvent)));
}

TEST_F(CaptureRun, StoresThousandsOfFramesInOrder) {
  std::string bytes;
  std::vector<std::string> sent;
  for (int i = 0; i < 20'000; ++i) {
    sent.push_back(event_number(i));
    bytes += send_text(sent.back()).bytes;
  }
  const CaptureTotals totals = capture_steps({send_bytes(bytes)});
  EXPECT_EQ(totals.ledger.stored, 20'000U);
  EXPECT_EQ(frames(), sent);
}

TEST_F(CaptureRun, SkipsAnOversizeFrameAndLeavesAGap) {
  const CaptureTotals totals =
      capture_steps({send_text(kEvent), send_text(std::string(100'001, 'x')), send_text(kEvent)});
  EXPECT_EQ(totals.ledger.received, 3U);
  EXPECT_EQ(totals.ledger.total_lost().count, 1U);
  const StoredTape tape = tapes().at(0);
  ASSERT_EQ(tape.gaps.size(), 1U);
  EXPECT_EQ(tape.gaps[0].cause, GapCause::Oversize);
  EXPECT_EQ(tape.gaps[0].count, 1U);
  EXPECT_EQ(tape.gaps[0].frame_bytes, 100'001U);
  EXPECT_EQ(tape.gaps[0].after_sequence, 1U);
  EXPECT_EQ(tape.gaps[0].before_sequence, 3U);
  EXPECT_EQ(tape.events.at(1).sequence, 3U);
  EXPECT_THAT(said_.back(), HasSubstr("+ 1 lost (oversize frame 1)"));
}

TEST_F(CaptureRun, EndsAtALengthOf2ToThe62AndLeavesAGap) {
  EXPECT_THAT(
      failure_of({send_text(kEvent), announce_text(std::uint64_t{1} << 62U), stay_silent()}),
      HasSubstr("a message of impossible size is announced"));
  const StoredTape tape = tapes().at(0);
  EXPECT_EQ(tape.footer.value().ledger.received, 1U);
  ASSERT_EQ(tape.gaps.size(), 1U);
  EXPECT_EQ(tape.gaps[0].cause, GapCause::Disconnected);
  EXPECT_THAT(tape.gaps[0].detail, HasSubstr("a message of impossible size is announced"));
}

TEST_F(CaptureRun, SaysWhenTheFeedEndsInTheMiddleOfAFrame) {
  const std::string whole = send_text(std::string(200, 'x')).bytes;
  EXPECT_THAT(failure_of({send_text(kEvent), send_bytes(whole.substr(0, 100))}),
              AllOf(StartsWith("the feed was not recorded to its end: "),
                    EndsWith("closed the connection in the middle of a frame")));
  const StoredTape tape = tapes().at(0);
  ASSERT_EQ(tape.gaps.size(), 1U);
  EXPECT_EQ(tape.gaps[0].cause, GapCause::Disconnected);
  EXPECT_EQ(tape.gaps[0].count, std::nullopt);
  EXPECT_THAT(tape.gaps[0].detail, HasSubstr("in the middle of a frame"));
  EXPECT_EQ(tape.end, TapeEnd::Sealed);
}

TEST_F(CaptureRun, FailsWhenTheFeedBreaksThatWasToBeRecordedToItsEnd) {
  EXPECT_THAT(failure_of({send_text(kEvent), reset_connection()}), HasSubstr(" broke: "));
  EXPECT_THAT(failure_of({send_text(kEvent), send_bytes("\xf1\x01!")}), HasSubstr("not WebSocket"));
  for (const StoredTape& tape : tapes())
    EXPECT_EQ(tape.end, TapeEnd::Sealed);
  EXPECT_EQ(failure_of({send_text(kEvent)}), "recorded");
  EXPECT_EQ(failure_of({send_frame(Opcode::Close, "")}), "recorded");
}

TEST_F(CaptureRun, StoresALagNoticeAndAGapThatNamesIt) {
  const CaptureTotals totals =
      capture_steps({send_text(kEvent), send_text(kLagNotice), send_text(kEvent)});
  EXPECT_EQ(totals.ledger.stored, 3U);
  const StoredTape tape = tapes().at(0);
  ASSERT_EQ(tape.gaps.size(), 1U);
  EXPECT_EQ(tape.gaps[0].cause, GapCause::Lag);
  EXPECT_EQ(tape.gaps[0].count, 4711U);
  EXPECT_EQ(tape.gaps[0].notice_sequence, 2U);
  EXPECT_THAT(said_.back(), HasSubstr("lag: 4711 missed upstream"));
}

TEST_F(CaptureRun, AppliesTheFiltersThatServersIgnore) {
  const std::string other =
      R"({"conn_meta":{"id":"A","ready_queue_name":"x"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
  const std::string wanted =
      R"({"conn_meta":{"id":"A","ready_queue_name":"q"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
  for (const Honour honour : {Honour::Documented, Honour::AsLive}) {
    const FakeKumod server({upgrade_then({send_text(other), send_text(wanted), send_text(other)})});
    CaptureOptions options = options_for(server.url());
    options.store = directory_.path() / (honour == Honour::AsLive ? "live" : "documented");
    OptionValues values;
    for (std::size_t i = 0; i < kPropertyCount; ++i) {
      if (kProperties[i].flag == "--ready-queue") values[i] = {"q"};
    }
    options.sources[0].request = request_from_options(values, honour);
    options.sources[0].honour = honour;
    const CaptureTotals totals = capture(options);
    EXPECT_EQ(totals.ledger.not_selected, honour == Honour::AsLive ? 0U : 2U);
    const std::vector<StoredTape> stored = read_store(Store(options.store), "mta");
    if (honour == Honour::AsLive) {
      EXPECT_THAT(frames_of(stored), ElementsAre(other, wanted, other));
    } else {
      EXPECT_THAT(frames_of(stored), ElementsAre(wanted));
      EXPECT_EQ(stored.at(0).events.at(0).sequence, 2U);
      EXPECT_EQ(stored.at(0).footer.value().ledger, totals.ledger);
    }
  }
}

// ---- when it ends ----

TEST_F(CaptureRun, ConnectsAgainAndLeavesAGap) {
  const FakeKumod server({upgrade_then({send_text(event_number(1))}),
                          answer_with("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
                          upgrade_then({send_text(event_number(2)), reset_connection()}),
                          upgrade_then({send_text(event_number(3)), stay_silent()})});
  CaptureOptions options = options_for(server.url());
  options.at_the_end = AtTheEnd::TryAgain;
  options.most_events = 3;
  const CaptureTotals totals = capture(options);
  EXPECT_EQ(totals.ledger.stored, 3U);
  EXPECT_THAT(frames(), ElementsAre(event_number(1), event_number(2), event_number(3)));
  const StoredTape tape = tapes().at(0);
  ASSERT_EQ(tape.gaps.size(), 2U);
  for (const Gap& gap : tape.gaps) {
    EXPECT_EQ(gap.cause, GapCause::Disconnected);
    EXPECT_EQ(gap.count, std::nullopt);
    EXPECT_LE(tape.events.at(gap.after_sequence - 1).received, gap.from);
    EXPECT_LT(gap.from, gap.until);
    EXPECT_LE(gap.until, tape.events.at(gap.before_sequence - 1).received);
  }
  EXPECT_THAT(said_.back(), HasSubstr("disconnected 2 times"));
}

TEST_F(CaptureRun, StopsAfterSoManyEventsExactly) {
  std::string bytes;
  for (int i = 0; i < 5'000; ++i)
    bytes += send_text(event_number(i)).bytes;
  const FakeKumod server({upgrade_then({send_bytes(bytes), stay_silent()})});
  CaptureOptions options = options_for(server.url());
  options.most_events = 1234;
  EXPECT_EQ(capture(options).ledger.received, 1234U);
  EXPECT_EQ(frames().size(), 1234U);
}

TEST_F(CaptureRun, StopsWhenItsTimeIsUp) {
  const FakeKumod server({upgrade_then({send_text(kEvent), stay_silent()})});
  CaptureOptions options = options_for(server.url());
  options.most_time = std::chrono::milliseconds(200);
  capture(options);
  EXPECT_EQ(tapes().size(), 1U);
}

TEST_F(CaptureRun, StopsWhenAskedAndSealsWhatHasArrived) {
  const FakeKumod server({upgrade_then(
      {send_text(kEvent), send_frame(Opcode::Ping, "p"), await_frame(), stay_silent()})});
  const CaptureOptions options = options_for(server.url());
  auto running = std::async(std::launch::async, [&] { return capture(options); });
  EXPECT_EQ(server.frame(1).opcode, Opcode::Pong);  // so the event is in the queue
  stop_.request();
  ASSERT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(running.get().ledger.stored, 1U);
  EXPECT_EQ(tapes().at(0).end, TapeEnd::Sealed);
  EXPECT_THAT(tapes().at(0).gaps, IsEmpty());
}

TEST_F(CaptureRun, StopsWhileAServerNeverAnswers) {
  const FakeKumod server({answer_with("", {stay_silent()})});
  const CaptureOptions options = options_for(server.url());
  auto running = std::async(std::launch::async, [&] { return capture(options); });
  static_cast<void>(server.head());
  stop_.request();
  ASSERT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(running.get().tapes, 0U);
}

TEST_F(CaptureRun, StopsWhileItWaitsToConnectAgain) {
  const FakeKumod server({upgrade_then({send_text(kEvent)})});
  CaptureOptions options = options_for(server.url());
  options.at_the_end = AtTheEnd::TryAgain;
  options.shortest_pause = std::chrono::hours(1);
  options.longest_pause = std::chrono::hours(1);
  auto running = std::async(std::launch::async, [&] { return capture(options); });
  server.join();
  stop_.request();
  ASSERT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  running.get();
}

// ---- when it can't ----

TEST_F(CaptureRun, FailsWhenTheFirstConnectionFails) {
  const ClosedPort port;
  const CaptureOptions options = options_for(port.url());
  EXPECT_THAT([&] { capture(options); },
              testing::ThrowsMessage<Error>(HasSubstr("connection refused")));
  EXPECT_THAT(said_, IsEmpty());

  const FakeKumod server(
      {answer_with("HTTP/1.1 401 Unauthorized\r\ncontent-length: 4\r\n\r\nno!!")});
  EXPECT_THAT([&] { capture(options_for(server.url())); },
              testing::ThrowsMessage<Error>(HasSubstr("401 Unauthorized: no!!")));

  CaptureOptions late = options_for(server.url());
  const FakeKumod silent({answer_with("", {stay_silent()})});
  late.sources[0].endpoint = parse_endpoint(silent.url());
  late.connect_within = std::chrono::milliseconds(50);
  EXPECT_THAT([&] { capture(late); },
              testing::ThrowsMessage<Error>(HasSubstr("no answer in time")));
}

TEST_F(CaptureRun, RefusesToWriteASourceThatAnotherWrites) {
  const CaptureOptions options = options_for("http://127.0.0.1:1");
  const Store store(options.store);
  const UniqueFd lock = store.lock_source("mta");
  EXPECT_THAT([&] { capture(options); },
              testing::ThrowsMessage<Error>(
                  HasSubstr("another recorder writes source mta into " + options.store.string())));
}

// ---- the next capture ----

TEST_F(CaptureRun, SaysThatNobodyRecordedSinceTheLastCapture) {
  capture_steps({send_text(event_number(1))});
  capture_steps({send_text(event_number(2))});
  const std::vector<StoredTape> stored = tapes();
  ASSERT_EQ(stored.size(), 2U);
  EXPECT_EQ(stored[1].header.origin.tape_number, 2U);
  ASSERT_EQ(stored[1].gaps.size(), 1U);
  const Gap& gap = stored[1].gaps[0];
  EXPECT_EQ(gap.cause, GapCause::NotRecording);
  EXPECT_EQ(gap.from, stored[0].events.at(0).received);
  EXPECT_LE(gap.until, stored[1].events.at(0).received);
  ASSERT_TRUE(stored[1].header.predecessor);
  EXPECT_EQ(stored[1].header.predecessor->tape_id, stored[0].header.tape_id);
  EXPECT_EQ(stored[1].header.predecessor->last_sequence, 1U);
  EXPECT_NE(stored[1].header.origin.capture, stored[0].header.origin.capture);
}

TEST(DefaultSourceName, IsTheHostOrThisMachineForLoopback) {
  EXPECT_EQ(default_source_name(parse_endpoint("http://mta.example:8000")), "mta.example");
  const std::string here = default_source_name(parse_endpoint("http://127.0.0.1:8000"));
  EXPECT_NE(here, "127.0.0.1");
  EXPECT_EQ(default_source_name(parse_endpoint("http://[::1]:8000")), here);
  EXPECT_EQ(default_source_name(parse_endpoint("http://localhost")), here);
}

}  // namespace
}  // namespace smtptape
