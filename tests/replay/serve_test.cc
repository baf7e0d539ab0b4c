// A server and its clients over real sockets: the recorder's own client, and one that is rude.
#include "replay/serve.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/feed/feed.h"
#include "format/wire/wire.h"
#include "tests/replay/serve_clients.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr seconds kPatience{20};
constexpr std::string_view kPath = "/api/admin/trace-smtp-client/v1";

struct Frame {
  std::string text;
  Opcode opcode = Opcode::Text;
  std::int64_t received = 0;
};
using Frames = std::vector<Frame>;

// Plays frames; `fails_at_end`: then it throws.
class FrameList : public EventSource {
 public:
  explicit FrameList(const Frames& frames, bool fails_at_end = false)
      : frames_(frames), fails_at_end_(fails_at_end) {}
  bool next(EventBatch& batch) override {
    batch.clear();
    if (at_ == frames_.size() && fails_at_end_) throw Error("reading x.tape: it is gone");
    if (at_ == frames_.size()) return false;
    for (int i = 0; i < 100 && at_ < frames_.size(); ++i, ++at_) {
      Event& event = decoder_.decode(frames_[at_].text, frames_[at_].opcode, batch);
      event.sequence = at_ + 1;
      event.received = frames_[at_].received;
    }
    return true;
  }

 private:
  const Frames& frames_;
  bool fails_at_end_;
  std::size_t at_ = 0;
  WireDecoder decoder_;
};

Frames frames_of(const std::vector<std::string>& texts) {
  Frames frames;
  for (const std::string& text : texts)
    frames.push_back({text});
  return frames;
}

std::vector<std::string> texts_of(const Frames& frames) {
  std::vector<std::string> texts;
  for (const Frame& frame : frames)
    texts.push_back(frame.text);
  return texts;
}

std::string write_event(std::string_view tenant, std::string_view json_text) {
  return R"({"conn_meta":{"id":"a","tenant":")" + std::string(tenant) +
         R"("},"payload":{"Write":)" + std::string(json_text) +
         R"(},"when":"2026-08-04T13:54:50Z"})";
}

// About `megabytes` of frames.
Frames many_frames(std::size_t megabytes) {
  Frames frames;
  const std::string filler(10'000, 'x');
  for (std::size_t i = 0; i < megabytes * 100; ++i)
    frames.push_back({write_event("acme", '"' + filler + std::to_string(i) + '"')});
  return frames;
}

// A server on a thread of its own; stops with the test.
class ServeTest : public ::testing::Test {
 protected:
  ~ServeTest() override {
    if (server_) server_->stop();
  }

  void start() {
    options_.listen = "127.0.0.1:0";
    if (!factory_) factory_ = [this] { return std::make_unique<FrameList>(frames_); };
    server_.emplace(options_, factory_, [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(line);
    });
    running_ = std::async(std::launch::async, [this] { return server_->run(); });
  }

  // How it ended, by itself or after stop().
  ServeTotals finish() {
    if (running_.wait_for(kPatience) != std::future_status::ready) {
      ADD_FAILURE() << "the server does not end";
      server_->stop();
    }
    return running_.get();
  }
  ServeTotals stop() {
    server_->stop();
    return finish();
  }

  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  Frames frames_;
  ServeOptions options_;
  SourceFactory factory_;
  std::optional<Server> server_;

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::future<ServeTotals> running_;  // the last member: it waits for the thread
};

// ---- what a client gets ----

TEST_F(ServeTest, SendsARecordingAsItWasReceived) {
  const auto path = testing::golden_path("feeds/basic/raw.jsonl");
  frames_ = frames_of(testing::read_lines(path));
  ASSERT_THAT(frames_, SizeIs(150));
  start();
  const Received got = ask(*server_, "{}");
  EXPECT_EQ(got.texts, texts_of(frames_));
  EXPECT_EQ(got.end.kind, FeedEnd::Kind::Closed);
  EXPECT_EQ(got.others, 0U);
  EXPECT_EQ(stop().sent, 150U);
  EXPECT_THAT(lines(), ElementsAre("client 1: 150 events sent"));
}

TEST_F(ServeTest, SendsWhatIsNoEventUnchangedButLeavesOutBinaryFrames) {
  frames_ = {{"not json"}, {"\xff\xfe"}, {"\x01\x02", Opcode::Binary}, {""}, {" {} "}};
  start();
  const Received got = ask(*server_, "{}");
  EXPECT_THAT(got.texts, ElementsAre("not json", "\xff\xfe", "", " {} "));
  EXPECT_EQ(got.others, 0U);
  EXPECT_EQ(stop().left_out, 1U);
  EXPECT_THAT(lines(), ElementsAre("client 1: 4 events sent, 1 binary frame left out"));
}

TEST_F(ServeTest, SendsAFrameThatKcliCannotTakeAndNamesIt) {
  const std::string allowed = write_event("acme", '"' + std::string(1000, 'x') + '"');
  frames_ = frames_of({allowed, std::string((16U << 20U) + 1, 'x'), std::string(16U << 20U, 'x')});
  start();
  EXPECT_EQ(ask(*server_, "{}").texts, texts_of(frames_));
  stop();
  EXPECT_THAT(lines(),
              ElementsAre(AllOf(HasSubstr("event 2 is a frame of 16777217 bytes")),
                          "client 1: 3 events sent"));
}

TEST_F(ServeTest, FiltersAndAbbreviatesAsTheRequestSays) {
  frames_ =
      frames_of({write_event("acme", R"("one\r\n")"),
                 write_event("other", R"("two\r\n")"),
                 write_event("acme", R"("first\r\nsecond\r\n")"),
                 R"({"conn_meta":{"id":"b"},"payload":"Closed","when":"2026-08-04T13:54:50Z"})"});
  start();
  const std::string short_form =
      R"({"conn_meta":{"id":"a","tenant":"acme"},"payload":{"AbbreviatedWrite":)"
      R"({"snippet":"first","len":15}},"when":"2026-08-04T13:54:50Z"})";
  EXPECT_THAT(ask(*server_, R"({"tenant":["acme"],"terse":true})").texts,
              ElementsAre(frames_[0].text, short_form, frames_[3].text));
  EXPECT_THAT(ask(*server_, R"({"tenant":["acme"]})").texts,
              ElementsAre(frames_[0].text, frames_[2].text, frames_[3].text));
}

TEST_F(ServeTest, HonoursAllFiltersUnlessAsLive) {
  frames_ = frames_of({R"({"conn_meta":{"id":"a","recipient":["x@y"]},"payload":"Closed",)"
                       R"("when":"2026-08-04T13:54:50Z"})"});
  const std::string request = R"({"rcpt_to":["other@y"]})";
  start();
  EXPECT_THAT(ask(*server_, request).texts, IsEmpty());
  stop();
  options_.honour = Honour::AsLive;
  start();
  EXPECT_THAT(ask(*server_, request).texts, SizeIs(1));
}

TEST_F(ServeTest, GivesEachOfManyClientsAPlaybackOfItsOwn) {
  frames_ = many_frames(2);
  start();
  std::vector<std::future<Received>> clients;
  for (int i = 0; i < 8; ++i)
    clients.push_back(std::async(std::launch::async, [this] { return ask(*server_, "{}"); }));
  const std::vector<std::string> expected = texts_of(frames_);
  for (std::future<Received>& client : clients)
    EXPECT_EQ(client.get().texts, expected);
  EXPECT_EQ(stop().clients, 8U);
}

// ---- clients that are slow, rude, or gone ----

TEST_F(ServeTest, LosesNothingOfTheTailForASlowClientAndHoldsUpNobody) {
  frames_ = many_frames(12);
  start();
  RawClient slow(*server_, 4096);
  slow.upgrade();
  slow.send_frame(Opcode::Text, "{}");
  slow.send_frame(Opcode::Ping, "unread: closing now would reset the connection");
  EXPECT_EQ(ask(*server_, "{}").texts, texts_of(frames_));  // while the slow one has read nothing
  EXPECT_EQ(split_frames(slow.read_to_end()), texts_of(frames_));
}

// Of a lag notice.
std::optional<std::uint64_t> missed_by(const std::string& frame) {
  EventBatch batch;
  return lag_count(WireDecoder().decode(frame, Opcode::Text, batch));
}

TEST_F(ServeTest, AtASpeedASlowClientMissesWhatItWouldHaveMissedLive) {
  frames_ = many_frames(24);  // all of them due at once
  options_.pace.speed = 1.0;
  options_.ring.events = 100;
  options_.duty = Duty::FirstClient;
  start();
  RawClient slow(*server_, 4096);
  slow.upgrade();
  slow.send_frame(Opcode::Text, R"({"tenant":["acme"]})");
  const std::vector<std::string> got = split_frames(slow.read_to_end());
  slow.close();
  const std::vector<std::string> all = texts_of(frames_);
  ASSERT_GT(got.size(), 101U);
  const std::size_t before = got.size() - 101;
  EXPECT_TRUE(
      std::equal(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(before), all.begin()));
  EXPECT_EQ(missed_by(got[before]), all.size() - 100 - before);
  EXPECT_TRUE(std::equal(got.end() - 100, got.end(), all.end() - 100, all.end()));
  EXPECT_EQ(finish().sent, got.size());
  EXPECT_THAT(lines(),
              ElementsAre("client 1: " + std::to_string(got.size()) +
                          " events sent, 1 of them lag notices; it was too slow for " +
                          std::to_string(all.size() - 100 - before) + " events"));
}

TEST_F(ServeTest, AtFullSpeedASlowClientIsWaitedFor) {
  frames_ = many_frames(12);
  options_.ring.events = 100;
  start();
  RawClient slow(*server_, 4096);
  slow.upgrade();
  slow.send_frame(Opcode::Text, "{}");
  EXPECT_EQ(split_frames(slow.read_to_end()), texts_of(frames_));
}

TEST_F(ServeTest, OutlivesClientsThatResetInMidStream) {
  frames_ = many_frames(12);
  start();
  for (int i = 0; i < 5; ++i) {
    RawClient rude(*server_);
    rude.upgrade();
    rude.send_frame(Opcode::Text, "{}");
    static_cast<void>(rude.read(1000));
    rude.reset();
  }
  EXPECT_EQ(ask(*server_, "{}").texts, texts_of(frames_));
  EXPECT_EQ(stop().clients, 6U);
  EXPECT_THAT(lines(), Contains(HasSubstr("it left before the end")).Times(5));
}

TEST_F(ServeTest, GivesUpAClientThatNeverReads) {
  frames_ = many_frames(12);
  options_.stalled_after = milliseconds(200);
  options_.duty = Duty::FirstClient;
  start();
  RawClient idle(*server_, 4096);
  idle.upgrade();
  idle.send_frame(Opcode::Text, "{}");
  EXPECT_EQ(finish().clients, 1U);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("it took nothing for too long")));
}

TEST_F(ServeTest, GivesUpAClientThatNeverAsks) {
  options_.request_within = milliseconds(100);
  start();
  RawClient silent(*server_);
  EXPECT_EQ(silent.read_to_end(), "");
  RawClient no_request(*server_);
  no_request.upgrade();
  EXPECT_EQ(no_request.read_to_end(), "");
}

TEST_F(ServeTest, ServesOnlySoManyAtATime) {
  frames_ = many_frames(12);
  options_.most_clients = 1;
  start();
  std::optional<RawClient> first(std::in_place, *server_, 4096);
  first->upgrade();
  first->send_frame(Opcode::Text, "{}");
  auto second = std::async(std::launch::async, [this] { return ask(*server_, "{}"); });
  EXPECT_EQ(split_frames(first->read_to_end()), texts_of(frames_));
  first.reset();
  EXPECT_EQ(second.get().texts, texts_of(frames_));
}

// One that was never accepted is reset when the server goes; one that was, ends.
TEST_F(ServeTest, LeavesOneMoreThanThatWaiting) {
  frames_ = many_frames(12);
  options_.most_clients = 1;
  start();
  RawClient first(*server_, 4096);
  first.upgrade();
  first.send_frame(Opcode::Text, "{}");
  static_cast<void>(first.read(100));
  RawClient second(*server_);
  stop();
  server_.reset();
  EXPECT_THROW((void)second.read_to_end(), Error);
}

// It is noticed at once: the next event is an hour away.
TEST_F(ServeTest, EndsWithAClientThatLeavesWhileItWaits) {
  constexpr std::int64_t kHour = 3600 * std::int64_t{1'000'000'000};
  frames_ = {{"now", Opcode::Text, kHour}, {"later", Opcode::Text, 2 * kHour}};
  options_.pace.speed = 1.0;
  options_.duty = Duty::FirstClient;
  const std::vector<std::function<void(RawClient&)>> ways{
      [](RawClient& client) { client.close(); },
      [](RawClient& client) { client.reset(); },
      [](RawClient& client) { client.send_frame(Opcode::Close, ""); },
      [](RawClient& client) {
        client.send_frame(Opcode::Ping, "are you there?");
        client.send_frame(Opcode::Text, "one more thing");
        client.close();
      }};
  for (const auto& leave : ways) {
    start();
    RawClient client(*server_);
    client.upgrade();
    client.send_frame(Opcode::Text, "{}");
    EXPECT_EQ(client.read(5), "\x81\x03now");
    leave(client);
    EXPECT_EQ(finish().sent, 1U);
  }
  EXPECT_THAT(lines(), AllOf(SizeIs(ways.size()), Each(HasSubstr("it left before the end"))));
}

// ---- requests that are none ----

// The connection ends without a word, and the line says why.
struct BadRequest {
  Opcode opcode = Opcode::Text;
  std::string payload;
  std::string why;
};

TEST_F(ServeTest, EndsWithoutAWordAfterABadRequest) {
  frames_ = frames_of({"{}"});
  start();
  const std::vector<BadRequest> all = {
      {Opcode::Text, "not json", "expected ident at line 1"},
      {Opcode::Text, "", "EOF while parsing"},
      {Opcode::Text, R"({"tenant":"acme"})", "invalid type: string"},
      {Opcode::Text, R"({"mx_addr":["127.0.0.1/8"]})", "host part of address was not zero"},
      {Opcode::Text, "{\"a\":\"\xff\"}", "not valid UTF-8"},
      {Opcode::Text, std::string(2U << 20U, ' '), "too large"},
      {Opcode::Binary, "{}", "no text"},
      {Opcode::Ping, "", "no text"},
      {Opcode::Pong, "", "no text"},
      {Opcode::Close, "", "no text"},
  };
  for (const BadRequest& bad : all) {
    RawClient client(*server_);
    client.upgrade();
    client.send_frame(bad.opcode, bad.payload);
    EXPECT_EQ(client.read_to_end(), "") << bad.why;
  }
  RawClient unmasked(*server_);
  unmasked.upgrade();
  unmasked.send(std::string("\x81\x02{}", 4));
  EXPECT_EQ(unmasked.read_to_end(), "");

  EXPECT_EQ(stop().clients, 0U);
  ASSERT_THAT(lines(), SizeIs(all.size() + 1));
  for (const BadRequest& bad : all)
    EXPECT_THAT(lines(), Contains(HasSubstr(bad.why)));
  EXPECT_THAT(lines(), Contains(HasSubstr("not WebSocket")));
}

TEST_F(ServeTest, RefusesHandshakesAsKumodDoes) {
  start();
  const std::string path(kPath);
  const std::string rest = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::vector<std::array<std::string, 3>> all = {
      {"GET " + path + " HTTP/1.1\r\nHost: x\r\n", "400", "Connection header did not include"},
      {"GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n",
       "400",
       "`Upgrade` header"},
      {"GET " + path + " HTTP/1.1\r\n" + rest, "400", "`Sec-WebSocket-Version` header"},
      {"GET " + path + " HTTP/1.1\r\n" + rest + version, "400", "Key` header missing"},
      {"POST " + path + " HTTP/1.1\r\n" + rest, "405", ""},
      {"GET / HTTP/1.1\r\n" + rest, "404", ""},
  };
  for (const auto& [head, status, body] : all) {
    RawClient client(*server_);
    client.send(head + "\r\n");
    EXPECT_THAT(client.read_to_end(),
                AllOf(StartsWith("HTTP/1.1 " + status + " "), HasSubstr(body)));
  }
  stop();
  EXPECT_THAT(lines(), SizeIs(all.size()));
}

// Any web page could otherwise read the night.
TEST_F(ServeTest, RefusesBrowsers) {
  start();
  for (const std::string origin : {"Origin: https://evil.example", "origin:", "ORIGIN: null"}) {
    std::string request = upgrade_request("127.0.0.1", kPath, "dGhlIHNhbXBsZSBub25jZQ==");
    request.insert(request.size() - 2, origin + "\r\n");
    RawClient page(*server_);
    page.send(request);
    EXPECT_THAT(page.read_to_end(), StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  }
  stop();
  EXPECT_THAT(lines(), AllOf(SizeIs(3), Each(HasSubstr("a web page asked"))));
}

// ---- when it ends ----

TEST_F(ServeTest, EndsAfterTheFirstClientThatWasPlayedTo) {
  frames_ = frames_of({"{}"});
  options_.duty = Duty::FirstClient;
  start();
  RawClient(*server_).reset();
  RawClient bad(*server_);
  bad.upgrade();
  bad.send_frame(Opcode::Text, "no request");
  EXPECT_EQ(bad.read_to_end(), "");
  bad.reset();
  EXPECT_THAT(ask(*server_, "{}").texts, ElementsAre("{}"));
  EXPECT_EQ(finish().clients, 1U);
}

TEST_F(ServeTest, StopsWhileAClientDoesNotRead) {
  frames_ = many_frames(12);
  start();
  RawClient idle(*server_, 4096);
  idle.upgrade();
  idle.send_frame(Opcode::Text, "{}");
  static_cast<void>(idle.read(100));
  EXPECT_EQ(stop().clients, 1U);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("stopped before the end")));
}

TEST_F(ServeTest, StopsWhileAClientDoesNotClose) {
  frames_ = frames_of({"{}"});
  start();
  RawClient client(*server_);
  client.upgrade();
  client.send_frame(Opcode::Text, "{}");
  EXPECT_THAT(split_frames(client.read_to_end()), ElementsAre("{}"));
  EXPECT_EQ(stop().sent, 1U);
}

TEST_F(ServeTest, SendsWhatIsDueAndWaitsForTheRest) {
  constexpr std::int64_t kHour = 3600 * std::int64_t{1'000'000'000};
  frames_ = {{"now", Opcode::Text, kHour}, {"later", Opcode::Text, 2 * kHour}};
  options_.pace.speed = 2.0;
  start();
  RawClient client(*server_);
  client.upgrade();
  client.send_frame(Opcode::Text, "{}");
  EXPECT_EQ(client.read(5), "\x81\x03now");
  EXPECT_EQ(stop().sent, 1U);
  EXPECT_EQ(client.read_to_end(), "");
}

// ---- events that can't be read ----

TEST_F(ServeTest, SendsWhatCouldBeReadAndSaysWhatCouldNot) {
  frames_ = frames_of({"a", "b"});
  factory_ = [this] { return std::make_unique<FrameList>(frames_, true); };
  start();
  EXPECT_THAT(ask(*server_, "{}").texts, ElementsAre("a", "b"));
  EXPECT_EQ(stop().failures, 1U);
  EXPECT_THAT(lines(),
              ElementsAre("client 1: reading x.tape: it is gone", "client 1: 2 events sent"));
}

TEST_F(ServeTest, OutlivesAFileThatIsGone) {
  factory_ = []() -> std::unique_ptr<EventSource> { throw Error("opening x.tape: gone"); };
  start();
  EXPECT_THAT(ask(*server_, "{}").texts, IsEmpty());
  EXPECT_EQ(stop().failures, 1U);
}

}  // namespace
}  // namespace smtptape
