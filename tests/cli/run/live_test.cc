// The live view against every kind of end.  What kcli does at each was observed, and is promised
// for --as-live.
#include "cli/run/live.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/net/endpoint.h"
#include "cli/text/output.h"
#include "tests/support/fake_kumod.h"

namespace smtptape {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

using ::testing::StartsWith;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

std::string event(std::string_view payload, std::string_view meta = R"("id":"a")") {
  return R"({"conn_meta":{)" + std::string(meta) + R"(},"payload":)" + std::string(payload) +
         R"(,"when":"2026-08-04T13:54:50Z"})";
}

const std::string kEvent = event("\"Connected\"");
const std::string kShown = "[a]       === Connected\n[a]       === conn_meta id=\"a\"\n";
const std::string kShownAgain = "[a]   0ns === Connected\n";

struct Shown {
  Exit exit = Exit::Done;
  std::string out;
  std::string err;
};

LiveOptions options_for(const std::string& url, Honour honour) {
  LiveOptions options;
  options.feed.endpoint = parse_endpoint(url);
  options.honour = honour;
  options.render.behaviour = honour == Honour::AsLive ? Behaviour::AsLive : Behaviour::Documented;
  return options;
}

Shown show(LiveOptions options) {
  StringSink out;
  Shown shown;
  CaptureStderr();
  shown.exit = show_live(std::move(options), out);
  shown.err = GetCapturedStderr();
  shown.out = out.text();
  return shown;
}

Shown show(std::vector<Step> steps, Honour honour) {
  const FakeKumod server({upgrade_then(std::move(steps))});
  return show(options_for(server.url(), honour));
}

TEST(Live, SendsTheRequestOfKcli) {
  const FakeKumod server({upgrade_then({})});
  LiveOptions options = options_for(server.url(), Honour::Documented);
  options.request = parse_request(R"({"tenant":["acme"],"terse":true})");
  const std::string expected = to_json(options.request);
  show(std::move(options));
  EXPECT_EQ(server.frame(0), (ReceivedFrame{Opcode::Text, expected}));
}

TEST(Live, ShowsEventsUntilTheConnectionIsLost) {
  const Shown as_live = show({send_text(kEvent), send_text(kEvent)}, Honour::AsLive);
  EXPECT_EQ(as_live.exit, Exit::Done);
  EXPECT_EQ(as_live.out, kShown + kShownAgain);
  EXPECT_EQ(as_live.err, "");

  const Shown documented = show({send_text(kEvent), reset_connection()}, Honour::Documented);
  EXPECT_EQ(documented.exit, Exit::Done);
  EXPECT_THAT(documented.err, StartsWith("smtptape: the connection to 127.0.0.1:"));
}

TEST(Live, IsIncompleteWhenAnEventWasCut) {
  for (const Step& end : {send_bytes("\xf1\x01!"), announce_text(100)}) {
    const Shown shown = show({send_text(kEvent), end}, Honour::Documented);
    EXPECT_EQ(shown.exit, Exit::Incomplete);
    EXPECT_EQ(shown.out, kShown);
  }
}

TEST(Live, IsSilentAsLiveWhenTheConnectionBreaks) {
  for (const Step& end : {reset_connection(), send_bytes("\xff\x7f"), announce_text(100)}) {
    const Shown shown = show({send_text(kEvent), end}, Honour::AsLive);
    EXPECT_EQ(shown.exit, Exit::Done);
    EXPECT_EQ(shown.err, "");
  }
}

TEST(Live, EndsAsKcliAtAFrameThatIsNoEvent) {
  const std::vector<std::pair<Step, std::string>> all = {
      {send_frame(Opcode::Ping, "hi\n"), "Ping(b\"hi\\n\")"},
      {send_frame(Opcode::Pong, ""), "Pong(b\"\")"},
      {send_frame(Opcode::Binary, "\x01\"\xff"), "Binary(b\"\\x01\\\"\\xff\")"},
      {send_frame(Opcode::Close, ""), "Close(None)"},
      {send_frame(Opcode::Close, "\x03\xe8"), "Close(Some(…))"},
  };
  for (const auto& [frame, name] : all) {
    const Shown shown = show({send_text(kEvent), frame, send_text(kEvent)}, Honour::AsLive);
    EXPECT_EQ(shown.exit, Exit::Failed) << name;
    EXPECT_EQ(shown.err, "Error: Unexpected " + name + " response\n");
    EXPECT_EQ(shown.out, kShown) << name;
  }
}

TEST(Live, GoesOnAfterAPingAndABinaryFrame) {
  const Shown shown = show({send_frame(Opcode::Ping, "hi"),
                            await_frame(),
                            send_frame(Opcode::Binary, "\x01\x02"),
                            send_text(kEvent)},
                           Honour::Documented);
  EXPECT_EQ(shown.exit, Exit::Incomplete);
  EXPECT_EQ(shown.out, "[]      === unreadable frame, 2 bytes: binary frame\n" + kShown);
  EXPECT_THAT(shown.err, HasSubstr("closed the connection"));
}

TEST(Live, EndsAtACloseFrame) {
  const Shown shown =
      show({send_text(kEvent), send_frame(Opcode::Close, ""), await_frame()}, Honour::Documented);
  EXPECT_EQ(shown.exit, Exit::Done);
  EXPECT_EQ(shown.out, kShown);
  EXPECT_THAT(shown.err, EndsWith("ended the feed with a Close frame\n"));
}

TEST(Live, EndsSilentlyAsLiveAtWhatKcliCannotTake) {
  for (const Step& frame : {announce_text((16U << 20U) + 1),
                            send_text("\xff"),
                            send_text(std::string((16U << 20U) + 1, 'x'))}) {
    const Shown shown = show({send_text(kEvent), frame, stay_silent()}, Honour::AsLive);
    EXPECT_EQ(shown.exit, Exit::Done);
    EXPECT_EQ(shown.out, kShown);
    EXPECT_EQ(shown.err, "");
  }
}

TEST(Live, ShowsWhatKcliCannotTake) {
  const std::string large = event("{\"Read\":\"" + std::string((16U << 20U) + 1, 'x') + "\"}");
  const Shown shown =
      show({send_text(large), send_text("\xff"), send_text(kEvent)}, Honour::Documented);
  EXPECT_EQ(shown.exit, Exit::Incomplete);
  EXPECT_THAT(shown.out, StartsWith("[a]        <- xxxxx"));
  EXPECT_THAT(shown.out, HasSubstr("unreadable frame, 1 bytes: not valid UTF-8\n"));
  EXPECT_THAT(shown.out, EndsWith(kShownAgain));
}

TEST(Live, LeavesOutWhatIsTooLargeAndSaysSo) {
  const Shown shown = show({announce_text(kDefaultMaxFrame + 1)}, Honour::Documented);
  EXPECT_EQ(shown.exit, Exit::Incomplete);
  EXPECT_THAT(shown.err, HasSubstr("1 frame over 67108864 bytes was left out"));
}

TEST(Live, EndsAsKcliAtAMalformedEvent) {
  const Shown shown = show({send_text(kEvent), send_text("{}")}, Honour::AsLive);
  EXPECT_EQ(shown.exit, Exit::Failed);
  EXPECT_THAT(shown.err, StartsWith("Error: missing field"));
}

TEST(Live, AppliesTheFiltersThatTheServerIgnores) {
  const std::string other = event("\"Connected\"", R"("id":"b","recipient":["x@y"])");
  for (const Honour honour : {Honour::Documented, Honour::AsLive}) {
    const FakeKumod server({upgrade_then({send_text(kEvent), send_text(other)})});
    LiveOptions options = options_for(server.url(), honour);
    options.request = parse_request(R"({"rcpt_to":["other@y"]})");
    const Shown shown = show(std::move(options));
    EXPECT_THAT(shown.out, StartsWith(kShown));
    EXPECT_EQ(shown.out == kShown, honour == Honour::Documented);
  }
}

TEST(Live, EndsWithTheFirstConnectionIfAsked) {
  const FakeKumod server(
      {upgrade_then({send_text(kEvent), send_text(event("\"Closed\"")), stay_silent()})});
  LiveOptions options = options_for(server.url(), Honour::Documented);
  options.render.only_one = true;
  const Shown shown = show(std::move(options));
  EXPECT_EQ(shown.exit, Exit::Done);
  EXPECT_EQ(shown.out, kShown + "[a]   0ns === Closed\n");
  EXPECT_EQ(shown.err, "");
}

TEST(Live, WritesWhatHasArrivedAtOnce) {
  // The second event comes only when the first was seen.
  class Sink : public ByteSink {
   public:
    void write(std::string_view bytes) override {
      if (!bytes.empty()) throw OutputClosed{};
    }
  };
  const FakeKumod server({upgrade_then({send_text(kEvent), stay_silent()})});
  Sink sink;
  EXPECT_THROW(static_cast<void>(show_live(options_for(server.url(), Honour::Documented), sink)),
               OutputClosed);
}

// ---- no connection ----

std::string failure(const std::string& url, Honour honour) {
  StringSink out;
  try {
    static_cast<void>(show_live(options_for(url, honour), out));
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::Failed);
    const bool in_kcli_words = dynamic_cast<const AsKcliError*>(&error) != nullptr;
    EXPECT_EQ(in_kcli_words, honour == Honour::AsLive);
    return error.what();
  }
  return "connected";
}

TEST(Live, SaysThatNobodyListens) {
  const ClosedPort port;
  EXPECT_THAT(failure(port.url(), Honour::Documented), HasSubstr("nothing listens there"));
  EXPECT_EQ(failure(port.url(), Honour::AsLive),
            "IO error: Connection refused (os error 111)\n\nCaused by:\n"
            "    Connection refused (os error 111)");
}

TEST(Live, SaysThatTheServerRefuses) {
  const Dialogue refusal =
      answer_with("HTTP/1.1 401 Unauthorized\r\ncontent-length: 14\r\n\r\nnot permitted!");
  const FakeKumod server({refusal, refusal});
  EXPECT_THAT(failure(server.url(), Honour::Documented), HasSubstr("not permitted!"));
  EXPECT_EQ(failure(server.url(), Honour::AsLive), "HTTP error: 401 Unauthorized");
}

}  // namespace
}  // namespace smtptape
