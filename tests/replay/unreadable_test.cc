// What kcli can't read: how we show it, and how we end as it does.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/event.h"
#include "format/limits.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"
#include "replay/renderer.h"
#include "tests/replay/example_feed.h"
#include "tests/replay/transcript.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using Lines = std::vector<std::string>;

TEST(Unreadable, ShowsAnUnknownEventWithinItsSession) {
  const std::string meta = R"({"id":"A","k":1})";
  const std::string feed = begin() + frame(meta, R"({"Chunk":{"text":"it's"}})", "10:00:01") +
                           connected(meta, "10:00:02");
  const Transcript got = render_feed(feed, {});
  EXPECT_EQ(got.text.substr(text_of(begin()).size()),
            "[A]    1s === unknown event Chunk: {\\\"Chunk\\\":{\\\"text\\\":\\\"it\\'s\\\"}}\n"
            "[A]    1s === conn_meta k=1\n"
            "[A]    2s === Connected\n");
  EXPECT_EQ(got.unreadable, 1U);
  EXPECT_FALSE(got.ended);
}

TEST(Unreadable, OpensASessionWithAnUnknownEvent) {
  EXPECT_EQ(text_of(frame(kA, "5", "10:00:00")),
            "[A]       === unknown event ?: 5\n"
            "[A]       === conn_meta id=\"A\"\n");
}

TEST(Unreadable, CutsAnUnknownEventAtAWholeCharacter) {
  const std::string long_text = std::string(198, 'x') + "\u20ac" + "rest";
  const Lines lines = lines_of("\"" + long_text + "\"");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].ends_with(": \\\"" + std::string(198, 'x'))) << lines[0];

  const Lines whole = lines_of("\"" + std::string(196, 'x') + "\u20ac" + "rest\"");
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_TRUE(whole[0].ends_with("x\u20ac")) << whole[0];
}

TEST(Unreadable, LetsNoControlCharacterOfATagThrough) {
  const Lines lines = lines_of("\"\\u001b[2J\"");
  EXPECT_EQ(lines, Lines{"=== unknown event \\u{1b}[2J: \\\"\\\\u001b[2J\\\""});
}

TEST(Unreadable, DoesNotCountWhatIsNotShown) {
  const std::string feed = frame(kA, "\"Wibble\"", "10:00:00");
  const Transcript got = render_feed(feed, only_new());
  EXPECT_EQ(got.text, "");
  EXPECT_EQ(got.unreadable, 0U);
}

TEST(Unreadable, SaysWhyAFrameBelongsToNoSession) {
  EXPECT_EQ(text_of("{\"conn_meta\":\n").substr(0, 41),
            "[]      === unreadable frame, 13 bytes: E");
  EXPECT_EQ(text_of(connected(R"({"x":1})", "10:00:00")),
            "[]      === unreadable frame, 73 bytes: missing field `id`\n");
  EXPECT_TRUE(text_of(R"({"conn_meta":{"id":"A"},"payload":"Connected"})")
                  .starts_with("[]      === unreadable frame, 46 bytes: missing field `when`"));
  EXPECT_EQ(text_of("\xFF\xFE\n"), "[]      === unreadable frame, 2 bytes: not valid UTF-8\n");
}

TEST(Unreadable, LeavesSessionsAlone) {
  const std::string bad = "nonsense\n";
  const std::string next = connected(kA, "10:00:01");
  const Transcript got = render_feed(begin() + bad + next, {});
  EXPECT_EQ(got.text, text_of(begin()) + text_of(bad) + "[A]    1s === Connected\n");
  EXPECT_EQ(got.unreadable, 1U);
}

Transcript render_binary(const RenderOptions& options) {
  WireDecoder decoder;
  EventBatch batch;
  decoder.decode("abc", Opcode::Binary, batch);
  Renderer renderer(options);
  Transcript transcript;
  const auto ending = renderer.render(batch.events, transcript.text);
  transcript.ended = ending.has_value();
  if (ending) transcript.exit = ending->exit;
  if (ending) transcript.message = ending->message;
  return transcript;
}

TEST(Unreadable, ShowsABinaryFrame) {
  EXPECT_EQ(render_binary({}).text, "[]      === unreadable frame, 3 bytes: binary frame\n");
  EXPECT_FALSE(render_binary({}).ended);
}

TEST(Unreadable, EndsAsKcliAtABinaryFrame) {
  const Transcript got = render_binary(as_live());
  EXPECT_EQ(got.text, "");
  EXPECT_EQ(got.exit, Exit::Failed);
  EXPECT_TRUE(got.message.starts_with("Error: Unexpected Binary(")) << got.message;
}

TEST(Unreadable, EndsAsKcliWithAnError) {
  for (const std::string& bad : {std::string("nonsense\n"),
                                 connected(R"({"x":1})", "10:00:00"),
                                 connected("[1]", "10:00:00"),
                                 frame(kA, "\"Wibble\"", "10:00:00"),
                                 frame(kA, "\"Connected\"", "25:00:00")}) {
    SCOPED_TRACE(bad);
    const Transcript got = render_feed(begin() + bad + begin(), as_live());
    EXPECT_EQ(got.text, text_of(begin()));
    EXPECT_EQ(got.exit, Exit::Failed);
    EXPECT_TRUE(got.message.starts_with("Error: ")) << got.message;
    EXPECT_EQ(got.unreadable, 0U);
  }
}

TEST(Unreadable, RefusesAsKcliEvenWhatWouldNotBeShown) {
  RenderOptions options = only_one();
  options.behaviour = Behaviour::AsLive;
  const std::string feed = begin() + frame(R"({"id":"B"})", "\"Wibble\"", "10:00:00");
  EXPECT_EQ(render_feed(feed, options).exit, Exit::Failed);
}

TEST(Unreadable, EndsAsKcliSilentlyAtWhatIsNotUtf8) {
  const Transcript got = render_feed(begin() + "\xFF\n" + begin(), as_live());
  EXPECT_EQ(got.text, text_of(begin()));
  EXPECT_TRUE(got.ended);
  EXPECT_EQ(got.exit, Exit::Done);
  EXPECT_EQ(got.message, "");
}

// A frame of exactly `size` bytes whose text is mostly control characters, six bytes each.
std::string large_frame(std::size_t size) {
  const std::string empty = frame(kA, text_payload("Read", ""), "10:00:00");
  const std::size_t room = size - (empty.size() - 1);
  std::string text(room / 6, '\x01');
  text.append(room % 6, 'x');
  return frame(kA, text_payload("Read", text), "10:00:00");
}

TEST(Unreadable, EndsAsKcliSilentlyAtAFrameOver16MiB) {
  const std::string fits = large_frame(kKcliMaxFrame);
  ASSERT_EQ(fits.size() - 1, kKcliMaxFrame);
  EXPECT_FALSE(render_feed(fits, as_live()).ended);

  const std::string too_large = large_frame(kKcliMaxFrame + 1);
  const Transcript got = render_feed(too_large, as_live());
  EXPECT_TRUE(got.ended);
  EXPECT_EQ(got.text, "");
  EXPECT_EQ(got.exit, Exit::Done);
  EXPECT_FALSE(render_feed(too_large, {}).ended);
}

TEST(Unreadable, MeasuresAlsoAFrameThatKeepsItsOwnSpelling) {
  std::string spaced = frame(kA, "\"Connected\"", "10:00:00");
  spaced.insert(1, kKcliMaxFrame + 2 - spaced.size(), ' ');
  EXPECT_TRUE(render_feed(spaced, as_live()).ended);
  spaced.erase(1, 1);
  EXPECT_FALSE(render_feed(spaced, as_live()).ended);
}

}  // namespace
}  // namespace smtptape
