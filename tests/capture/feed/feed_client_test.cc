#include "capture/feed/feed_client.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_kumod.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Kind = FeedEnd::Kind;

constexpr std::string_view kRequest = R"({"campaign":[],"tenant":["acme"]})";
constexpr std::uint64_t kMaxFrame = 100'000;

struct Seen {
  Opcode opcode = Opcode::Text;
  bool oversize = false;
  std::string payload;
  std::uint64_t size = 0;
  bool operator==(const Seen&) const = default;
};

Seen seen(Opcode opcode, std::string_view payload) {
  return {opcode, false, std::string(payload), payload.size()};
}
Seen text(std::string_view payload) {
  return seen(Opcode::Text, payload);
}
Seen oversize(std::uint64_t size) {
  return {Opcode::Text, true, "", size};
}

// Keeps copies; `after` decides after each call whether to go on.
class Collector : public FrameSink {
 public:
  void on_open() override { ++opened; }
  Flow on_frames(std::span<const WsMessage> messages) override {
    ++calls;
    for (const WsMessage& message : messages) {
      frames.push_back(
          {message.opcode, message.oversize, std::string(message.payload), message.size});
    }
    return after ? after() : Flow::Continue;
  }

  bool may_take(std::uint64_t more) override {
    EXPECT_GT(more, 0U);
    return takes;
  }

  std::vector<Seen> frames;
  bool takes = true;
  int opened = 0;
  int calls = 0;
  std::function<Flow()> after;
};

FeedOptions options_for(std::string_view url) {
  FeedOptions options;
  options.endpoint = parse_endpoint(url);
  options.request = kRequest;
  options.max_frame = kMaxFrame;
  return options;
}

FeedEnd follow(const FakeKumod& server, Collector& sink) {
  return follow_feed(options_for(server.url()), sink);
}

// The end of a feed that consists of these steps, and what arrived before it.
std::pair<FeedEnd, std::vector<Seen>> play(std::vector<Step> steps) {
  const FakeKumod server({upgrade_then(std::move(steps))});
  Collector sink;
  FeedEnd end = follow(server, sink);
  EXPECT_EQ(sink.opened, 1);
  EXPECT_TRUE(end.opened || end.kind == Kind::Stopped);
  return {std::move(end), std::move(sink.frames)};
}

FeedEnd refused_by(Dialogue dialogue) {
  const FakeKumod server({std::move(dialogue)});
  Collector sink;
  FeedEnd end = follow(server, sink);
  EXPECT_EQ(sink.opened, 0);
  EXPECT_FALSE(end.opened);
  EXPECT_THAT(sink.frames, IsEmpty());
  return end;
}

// ---- what is sent ----

TEST(FeedClient, SendsTheHeadersAndTheRequestOfKcli) {
  const FakeKumod server({upgrade_then({})});
  Collector sink;
  EXPECT_EQ(follow(server, sink).kind, Kind::Closed);
  EXPECT_THAT(server.head(),
              StartsWith("GET /api/admin/trace-smtp-client/v1 HTTP/1.1\r\nHost: 127.0.0.1:" +
                         std::to_string(server.port()) +
                         "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "));
  EXPECT_EQ(server.frame(0), (ReceivedFrame{Opcode::Text, std::string(kRequest)}));
}

TEST(FeedClient, TakesAFreshKeyForEachConnection) {
  const FakeKumod server({upgrade_then({}), upgrade_then({})});
  Collector sink;
  follow(server, sink);
  follow(server, sink);
  EXPECT_NE(server.head(0), server.head(1));
}

TEST(FeedClient, FindsAServerByName) {
  const FakeKumod server({upgrade_then({send_text("{}")})});
  Collector sink;
  const FeedEnd end =
      follow_feed(options_for("http://localhost:" + std::to_string(server.port())), sink);
  EXPECT_EQ(end.kind, Kind::Closed) << describe(end, parse_endpoint(server.url()));
  EXPECT_THAT(sink.frames, ElementsAre(text("{}")));
}

// ---- what arrives ----

TEST(FeedClient, HandsOverWhatArrivesUntilThePeerCloses) {
  const auto [end, frames] =
      play({send_text("{\"a\":1}"), send_text("\xff not utf8"), send_text("")});
  EXPECT_EQ(end.kind, Kind::Closed);
  EXPECT_FALSE(end.mid_message);
  EXPECT_THAT(frames, ElementsAre(text("{\"a\":1}"), text("\xff not utf8"), text("")));
}

TEST(FeedClient, ReadsFramesThatComeWithTheAnswer) {
  const std::string frame = send_text("whole").bytes;
  Dialogue dialogue = upgrade_then({send_bytes(frame.substr(3))});
  dialogue.early = frame + frame.substr(0, 3);
  const FakeKumod server({dialogue});
  Collector sink;
  EXPECT_EQ(follow(server, sink).kind, Kind::Closed);
  EXPECT_THAT(sink.frames, ElementsAre(text("whole"), text("whole")));
}

TEST(FeedClient, HandsOverManyFramesAtOnce) {
  std::string bytes;
  for (int i = 0; i < 20'000; ++i)
    bytes += send_text(std::to_string(i)).bytes;
  const FakeKumod server({upgrade_then({send_bytes(bytes)})});
  Collector sink;
  EXPECT_EQ(follow(server, sink).kind, Kind::Closed);
  ASSERT_EQ(sink.frames.size(), 20'000U);
  for (int i = 0; i < 20'000; ++i)
    ASSERT_EQ(sink.frames[static_cast<std::size_t>(i)], text(std::to_string(i)));
  EXPECT_LT(sink.calls, 10'000);
}

// kumod writes each event by itself.
TEST(FeedClient, IsNotWokenForEachOfManyEvents) {
  std::vector<Step> steps;
  for (int i = 0; i < 3'000; ++i)
    steps.push_back(send_text(std::to_string(i)));
  const FakeKumod server({upgrade_then(std::move(steps))});
  Collector sink;
  EXPECT_EQ(follow(server, sink).kind, Kind::Closed);
  EXPECT_EQ(sink.frames.size(), 3'000U);
  EXPECT_LT(sink.calls, 300);
}

TEST(FeedClient, ReadsOneByteAtATime) {
  const auto [end, frames] = play({one_byte_at_a_time(send_text(std::string(300, 'x'))),
                                   one_byte_at_a_time(send_fragments({"a", "", "b"}))});
  EXPECT_EQ(end.kind, Kind::Closed);
  EXPECT_THAT(frames, ElementsAre(text(std::string(300, 'x')), text("ab")));
}

TEST(FeedClient, JoinsFragments) {
  const auto [end, frames] = play({send_fragments({"{\"a\"", ":", "1}"}), send_text("next")});
  EXPECT_THAT(frames, ElementsAre(text("{\"a\":1}"), text("next")));
}

TEST(FeedClient, ReadsAFrameMuchLargerThanItsBuffer) {
  const FakeKumod server(
      {upgrade_then({send_text(std::string(3'000'000, 'x')), send_text("next")})});
  FeedOptions options = options_for(server.url());
  options.max_frame = 3'000'000;
  Collector sink;
  EXPECT_EQ(follow_feed(options, sink).kind, Kind::Closed);
  EXPECT_THAT(sink.frames, ElementsAre(text(std::string(3'000'000, 'x')), text("next")));
}

TEST(FeedClient, SkipsAFrameOverTheLimitAndGoesOn) {
  const auto [end, frames] =
      play({send_text("a"), send_text(std::string(kMaxFrame + 1, 'x')), send_text("b")});
  EXPECT_EQ(end.kind, Kind::Closed);
  EXPECT_THAT(frames, ElementsAre(text("a"), oversize(kMaxFrame + 1), text("b")));
}

TEST(FeedClient, SkipsTheLargestFrameThatIsBelieved) {
  const auto [end, frames] =
      play({announce_text(kMostAnnounced), send_bytes(std::string(1'000'000, 'x'))});
  EXPECT_EQ(end.kind, Kind::Closed);
  EXPECT_TRUE(end.mid_message);
  EXPECT_THAT(frames, ElementsAre(oversize(kMostAnnounced)));
}

// Else it would skip for ever, and be content.
TEST(FeedClient, EndsAtALengthThatIsNotBelieved) {
  for (const std::uint64_t size : {kMostAnnounced + 1, std::uint64_t{1} << 62}) {
    const auto [end, frames] = play({send_text("a"), announce_text(size), stay_silent()});
    EXPECT_EQ(end.kind, Kind::ProtocolError);
    EXPECT_EQ(end.reason, "a message of impossible size is announced");
    EXPECT_TRUE(end.mid_message);
    EXPECT_THAT(frames, ElementsAre(text("a")));
  }
}

// A server that is stuck would else keep the feed open and everything else back.
TEST(FeedClient, GivesUpAMessageThatDoesNotGoOn) {
  for (const std::uint64_t size : {std::uint64_t{100}, kMaxFrame + 1}) {
    const FakeKumod server({upgrade_then({announce_text(size), send_bytes("x"), stay_silent()})});
    FeedOptions options = options_for(server.url());
    options.goes_on_within = milliseconds(50);
    Collector sink;
    const FeedEnd end = follow_feed(options, sink);
    EXPECT_EQ(end.kind, Kind::TimedOut);
    EXPECT_TRUE(end.mid_message);
  }
}

TEST(FeedClient, WaitsForeverBetweenMessages) {
  const std::string frame = send_text("a").bytes;
  const FakeKumod server({upgrade_then({send_bytes(frame.substr(0, 1)),
                                        send_bytes(frame.substr(1)),
                                        stay_silent(std::chrono::seconds(1))})});
  FeedOptions options = options_for(server.url());
  options.goes_on_within = milliseconds(300);
  Collector sink;
  EXPECT_EQ(follow_feed(options, sink).kind, Kind::Closed);
  EXPECT_THAT(sink.frames, ElementsAre(text("a")));
}

TEST(FeedClient, AsksTheSinkBeforeALargeMessageTakesMemory) {
  const std::string large(3'000'000, 'x');
  const FakeKumod server({upgrade_then({send_text(large), send_text("next")})});
  FeedOptions options = options_for(server.url());
  options.max_frame = large.size();
  Collector sink;
  sink.takes = false;
  EXPECT_EQ(follow_feed(options, sink).kind, Kind::Closed);
  EXPECT_THAT(sink.frames, ElementsAre(oversize(large.size()), text("next")));
}

TEST(FeedClient, ReportsBinaryAndAnswersPings) {
  const FakeKumod server({upgrade_then({send_frame(Opcode::Binary, "\x01\x02"),
                                        send_frame(Opcode::Ping, "are you there"),
                                        await_frame(),
                                        send_text("after")})});
  Collector sink;
  EXPECT_EQ(follow(server, sink).kind, Kind::Closed);
  EXPECT_THAT(
      sink.frames,
      ElementsAre(
          seen(Opcode::Binary, "\x01\x02"), seen(Opcode::Ping, "are you there"), text("after")));
  EXPECT_EQ(server.frame(1), (ReceivedFrame{Opcode::Pong, "are you there"}));
}

TEST(FeedClient, IsNotHeldUpByPingsWhoseAnswersNobodyReads) {
  std::string pings;
  for (int i = 0; i < 100'000; ++i)
    pings += send_frame(Opcode::Ping, std::string(125, 'p')).bytes;
  const auto [end, frames] = play({send_bytes(pings), send_text("after")});
  EXPECT_EQ(end.kind, Kind::Closed);
  ASSERT_EQ(frames.size(), 100'001U);
  EXPECT_EQ(frames.back(), text("after"));
}

// ---- how it ends ----

TEST(FeedClient, EndsAtACloseFrameAndAnswersIt) {
  const FakeKumod server(
      {upgrade_then({send_text("a"), send_frame(Opcode::Close, "\x03\xe9going"), await_frame()})});
  Collector sink;
  EXPECT_EQ(follow(server, sink).kind, Kind::CloseFrame);
  EXPECT_THAT(sink.frames, ElementsAre(text("a"), seen(Opcode::Close, "\x03\xe9going")));
  EXPECT_EQ(server.frame(1), (ReceivedFrame{Opcode::Close, "\x03\xe9going"}));
}

TEST(FeedClient, KnowsThatThePeerClosedInMidFrame) {
  const std::string frame = send_text(std::string(200, 'x')).bytes;
  const auto [end, frames] = play({send_text("a"), send_bytes(frame.substr(0, 100))});
  EXPECT_EQ(end.kind, Kind::Closed);
  EXPECT_TRUE(end.mid_message);
  EXPECT_THAT(frames, ElementsAre(text("a")));
}

TEST(FeedClient, KnowsThatTheConnectionWasReset) {
  const auto [end, frames] = play({reset_connection()});
  EXPECT_EQ(end.kind, Kind::Reset);
  EXPECT_EQ(end.os_error, ECONNRESET);
}

TEST(FeedClient, EndsAtAnOffenceAgainstTheProtocol) {
  const auto [end, frames] =
      play({send_text("a"), send_bytes("\xff\x7f"), send_text("after it"), stay_silent()});
  EXPECT_EQ(end.kind, Kind::ProtocolError);
  EXPECT_EQ(end.reason, "reserved bits are set");
  EXPECT_THAT(frames, ElementsAre(text("a")));
}

TEST(FeedClient, EndsWhenTheSinkHasEnough) {
  const FakeKumod server({upgrade_then({send_text("a"), stay_silent()})});
  Collector sink;
  sink.after = [] { return FrameSink::Flow::Stop; };
  const FeedEnd end = follow(server, sink);
  EXPECT_EQ(end.kind, Kind::Stopped);
  EXPECT_TRUE(end.opened);
  server.join();  // the connection was closed, although the server never ends
}

TEST(FeedClient, PassesOnWhatTheSinkThrows) {
  const FakeKumod server({upgrade_then({send_text("a"), stay_silent()})});
  Collector sink;
  sink.after = []() -> FrameSink::Flow { throw std::runtime_error("disk full"); };
  EXPECT_THROW(follow(server, sink), std::runtime_error);
}

// ---- when there is no feed ----

TEST(FeedClient, KnowsThatNobodyListens) {
  const ClosedPort port;
  Collector sink;
  const FeedEnd end = follow_feed(options_for(port.url()), sink);
  EXPECT_EQ(end.kind, Kind::Refused);
  EXPECT_EQ(end.os_error, ECONNREFUSED);
  EXPECT_EQ(sink.opened, 0);
}

// A label over 63 letters can't exist: no name server is asked.
TEST(FeedClient, KnowsThatANameIsUnknown) {
  const std::string url = "http://" + std::string(64, 'x') + ".example:8000";
  Collector sink;
  const FeedEnd end = follow_feed(options_for(url), sink);
  EXPECT_EQ(end.kind, Kind::NotFound);
  EXPECT_THAT(describe(end, parse_endpoint(url)), StartsWith("looking up xxxx"));
}

TEST(FeedClient, GivesStatusAndReasonOfARefusal) {
  const FeedEnd end = refused_by(
      answer_with("HTTP/1.1 401 Unauthorized\r\ncontent-length: 22\r\n\r\nx not permitted GET on"));
  EXPECT_EQ(end.kind, Kind::Rejected);
  EXPECT_EQ(end.status, 401U);
  EXPECT_EQ(end.phrase, "Unauthorized");
  EXPECT_EQ(end.reason, "x not permitted GET on");
}

TEST(FeedClient, KnowsWhatIsNotAWebSocket) {
  const FeedEnd page =
      refused_by(answer_with("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"));
  EXPECT_EQ(page.kind, Kind::NotWebSocket);
  EXPECT_EQ(page.status, 200U);
  const FeedEnd garbage = refused_by(answer_with("220 mta ESMTP\r\n"));
  EXPECT_EQ(garbage.kind, Kind::NotWebSocket);
  EXPECT_THAT(garbage.reason, HasSubstr("not HTTP"));
}

TEST(FeedClient, KnowsThatThePeerClosedWithoutAnAnswer) {
  EXPECT_EQ(refused_by(answer_with("")).kind, Kind::Closed);
}

TEST(FeedClient, WaitsForAnAnswerNoLongerThanTold) {
  for (const std::string& answer : {std::string(), std::string("HTTP/1.1 101 Switch")}) {
    const FakeKumod server({answer_with(answer, {stay_silent()})});
    FeedOptions options = options_for(server.url());
    options.connect_within = milliseconds(50);
    Collector sink;
    EXPECT_EQ(follow_feed(options, sink).kind, Kind::TimedOut);
  }
}

TEST(FeedClient, DoesNotTimeOutOnceTheFeedIsOpen) {
  const FakeKumod server({upgrade_then({await_frame(), send_text("late")})});
  FeedOptions options = options_for(server.url());
  options.connect_within = milliseconds(1000);
  boost::asio::io_context context;
  FeedClient client(context.get_executor(), options);
  Collector sink;
  std::optional<FeedEnd> result;
  boost::asio::co_spawn(
      context, client.run(sink), [&](std::exception_ptr, FeedEnd end) { result = std::move(end); });
  context.run_for(milliseconds(1200));
  EXPECT_FALSE(result) << "the feed ended by itself";
  client.stop();
  context.restart();
  context.run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, Kind::Stopped);
}

// ---- stopping ----

// Runs a client on a thread of its own.
class Running {
 public:
  explicit Running(FeedOptions options) : client_(context_.get_executor(), std::move(options)) {
    boost::asio::co_spawn(context_, client_.run(sink), [this](std::exception_ptr, FeedEnd end) {
      result_ = std::move(end);
    });
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Running() {
    client_.stop();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // How it ended, and that it ended soon.
  FeedEnd stop() {
    const auto before = steady_clock::now();
    client_.stop();
    thread_.join();
    EXPECT_LT(steady_clock::now() - before, milliseconds(500));
    thread_ = std::thread([] {});
    return result_.value();
  }

  Collector sink;

 private:
  boost::asio::io_context context_;
  FeedClient client_;
  std::optional<FeedEnd> result_;
  std::thread thread_;
};

TEST(FeedClient, StopsAtOnceWhileTheFeedIsSilent) {
  const FakeKumod server({upgrade_then({stay_silent()})});
  Running running(options_for(server.url()));
  static_cast<void>(server.frame(0));
  EXPECT_EQ(running.stop().kind, Kind::Stopped);
}

TEST(FeedClient, StopsAtOnceWhileTheServerDoesNotAnswer) {
  const FakeKumod server({answer_with("", {stay_silent()})});
  Running running(options_for(server.url()));
  static_cast<void>(server.head());
  EXPECT_EQ(running.stop().kind, Kind::Stopped);
}

TEST(FeedClient, StopsBeforeItHasBegun) {
  boost::asio::io_context context;
  const FakeKumod server({upgrade_then({stay_silent()})});
  FeedClient client(context.get_executor(), options_for(server.url()));
  client.stop();
  context.run();
  context.restart();
  Collector sink;
  std::optional<FeedEnd> result;
  boost::asio::co_spawn(
      context, client.run(sink), [&](std::exception_ptr, FeedEnd end) { result = std::move(end); });
  context.run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->kind, Kind::Stopped);
  EXPECT_EQ(sink.opened, 0);
}

TEST(FeedClient, StopsWhileEventsPourIn) {
  std::string bytes;
  for (int i = 0; i < 50'000; ++i)
    bytes += send_text(std::string(500, 'x')).bytes;
  const FakeKumod server({upgrade_then({send_bytes(bytes), send_bytes(bytes), stay_silent()})});
  Running running(options_for(server.url()));
  static_cast<void>(server.frame(0));
  EXPECT_EQ(running.stop().kind, Kind::Stopped);
}

}  // namespace
}  // namespace smtptape
