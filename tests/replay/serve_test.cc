// A server and its clients over real sockets: the recorder's own client, and one that is rude.
#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/feed/feed.h"
#include "format/wire/wire.h"
#include "tests/replay/serve_clients.h"
#include "tests/replay/serve_fixture.h"
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
using ::testing::SizeIs;

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
