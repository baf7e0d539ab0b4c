// The rules of the text one by one, above all kcli's peculiarities, and what we do where kcli
// would give up.
#include "replay/renderer.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/event.h"
#include "format/limits.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"
#include "tests/replay/example_feed.h"
#include "tests/replay/transcript.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using testing::golden_path;
using testing::Header;
using testing::read_file;
using testing::read_table;
using Row = std::vector<std::string>;

using Lines = std::vector<std::string>;

// --- lines ---

// The strings of a JSON list, each escaped as kcli does and with `arrow` before it.
Lines shown(const std::string& json_list, std::string_view arrow) {
  Lines lines;
  JsonReader reader(json_list);
  EXPECT_TRUE(reader.enter_array());
  while (reader.next_element()) {
    std::string line;
    EXPECT_TRUE(reader.read_string(line));
    lines.emplace_back(arrow);
    append_escaped(lines.back(), line, KcliProfile::HalfUp);
  }
  return lines;
}

TEST(Renderer, SplitsReadsAndTrimmedWritesIntoLines) {
  const auto rows = read_table("kcli/lines.tsv", Header::No);
  ASSERT_GT(rows.size(), 30U);
  for (const Row& row : rows) {
    EXPECT_EQ(lines_of("{\"Read\":" + row.at(0) + "}"), shown(row.at(1), " <- ")) << row[0];
    EXPECT_EQ(lines_of("{\"Write\":" + row.at(0) + "}"), shown(row.at(2), "->  ")) << row[0];
  }
}

TEST(Renderer, KeepsTheBlanksOfAnEmptyLine) {
  EXPECT_EQ(lines_of(text_payload("Write", "a\r\n\r\nb")), (Lines{"->  a", "->  ", "->  b"}));
  EXPECT_EQ(lines_of(text_payload("Write", "\r\n.\r\n")), (Lines{"->  ", "->  ."}));
}

TEST(Renderer, PrintsNothingForEmptyText) {
  EXPECT_EQ(lines_of(text_payload("Read", "")), Lines{});
  EXPECT_EQ(lines_of(text_payload("Write", " \t\r\n")), Lines{});
}

TEST(Renderer, ShortensAWriteByKclisOwnRule) {
  EXPECT_EQ(lines_of(text_payload("Write", "a\r\nb\r\n"), terse()),
            (Lines{"->  a", "=== bytes written=6"}));
  EXPECT_EQ(lines_of(text_payload("Write", "a\r\n\r\n"), terse()), Lines{"->  a"});
  EXPECT_EQ(lines_of(text_payload("Read", "a\r\nb\r\n"), terse()), (Lines{" <- a", " <- b"}));
}

TEST(Renderer, ShowsAnAbbreviatedWriteAsItCame) {
  const std::string payload = R"({"AbbreviatedWrite":{"snippet":"a \n","len":5120}})";
  const Lines want{"->  a \\n", "=== bytes written=5120"};
  EXPECT_EQ(lines_of(payload), want);
  EXPECT_EQ(lines_of(payload, terse()), want);
}

TEST(Renderer, ColorsArrowsAndDiagnosticsOnly) {
  EXPECT_EQ(lines_of(text_payload("Read", "220 hi\r\n"), colored()),
            Lines{"\x1b[36m <- 220 hi\x1b[0m"});
  EXPECT_EQ(lines_of(R"({"AbbreviatedWrite":{"snippet":"a","len":3}})", colored()),
            (Lines{"\x1b[32m->  a\x1b[0m", "=== bytes written=3"}));
  EXPECT_EQ(lines_of(R"({"Diagnostic":{"level":"ERROR","message":"no"}})", colored()),
            Lines{"=== \x1b[31mERROR: no\x1b[0m"});
  EXPECT_EQ(lines_of(R"({"Diagnostic":{"level":"error","message":"no"}})", colored()),
            Lines{"=== \x1b[0merror: no\x1b[0m"});
  EXPECT_EQ(lines_of("\"Connected\"", colored()), Lines{"=== Connected"});
}

TEST(Renderer, PrintsMessagesAndKeysUnescaped) {
  const std::string feed = frame("{\"id\":\"e]\\n\\u0001\"}",
                                 R"({"Diagnostic":{"level":"I\t","message":"\"\r\u001b"}})",
                                 "10:00:00");
  EXPECT_EQ(text_of(feed),
            "[e]\n\x01]       === I\t: \"\r\x1b\n"
            "[e]\n\x01]       === conn_meta id=\"e]\\n\\u0001\"\n");
}

// --- sessions ---

TEST(Renderer, PrintsTheDeltaOfASessionAlreadyKnownEvenAtBeginSession) {
  EXPECT_EQ(text_of(begin() + begin(kA, "10:00:02")),
            "[A]       === BeginSession 2026-08-04 10:00:00 UTC\n"
            "[A]       === conn_meta id=\"A\"\n"
            "[A]    2s === BeginSession 2026-08-04 10:00:02 UTC\n");
}

TEST(Renderer, ForgetsASessionAtClosed) {
  const std::string feed = begin() + closed(R"({"id":"A","new":1})", "10:00:01") +
                           connected(R"({"id":"A","new":1})", "10:00:02") +
                           connected(R"({"id":"A","new":1})", "10:00:03");
  EXPECT_EQ(text_of(feed),
            "[A]       === BeginSession 2026-08-04 10:00:00 UTC\n"
            "[A]       === conn_meta id=\"A\"\n"
            "[A]    1s === Closed\n"
            "[A]       === Connected\n"
            "[A]       === conn_meta id=\"A\"\n"
            "[A]       === conn_meta new=1\n"
            "[A]    1s === Connected\n");
}

TEST(Renderer, ShowsWithOnlyNewWhatItSawBegin) {
  const std::string feed = connected(R"({"id":"B"})", "10:00:00") + begin() +
                           closed(kA, "10:00:01") + connected(kA, "10:00:02") +
                           lag_notice("10:00:03");
  EXPECT_EQ(text_of(feed, only_new()),
            "[A]       === BeginSession 2026-08-04 10:00:00 UTC\n"
            "[A]       === conn_meta id=\"A\"\n"
            "[A]    1s === Closed\n");
}

TEST(Renderer, EndsWithOnlyOneAtTheFirstClosedOfTheFirstSession) {
  const std::string feed = connected(kA, "10:00:00") + closed(R"({"id":"B"})", "10:00:00") +
                           closed(kA, "10:00:01") + connected(kA, "10:00:02");
  const Transcript got = render_feed(feed, only_one());
  EXPECT_EQ(got.text,
            "[A]       === Connected\n"
            "[A]       === conn_meta id=\"A\"\n"
            "[A]    1s === Closed\n");
  EXPECT_TRUE(got.ended);
  EXPECT_EQ(got.exit, Exit::Done);
  EXPECT_EQ(got.message, "");
}

TEST(Renderer, GoesOnWithOnlyOneWhenTheSessionNeverConnects) {
  const Transcript got = render_feed(begin() + begin(R"({"id":"B"})"), only_one());
  EXPECT_FALSE(got.ended);
  EXPECT_EQ(got.text.find("[B]"), std::string::npos);
}

TEST(Renderer, LocksWithOnlyOneOnToALagNotice) {
  const std::string feed = lag_notice("10:00:00") + begin() + lag_notice("10:00:01");
  EXPECT_EQ(text_of(feed, only_one()),
            "[]       === ERROR: Tracer Lagged behind and missed 5 events\n"
            "[]       === conn_meta updated to null\n"
            "[]    1s === ERROR: Tracer Lagged behind and missed 5 events\n");
}

TEST(Renderer, ShowsLagNoticesWithOnlyOne) {
  EXPECT_EQ(text_of(begin() + lag_notice("10:00:00"), only_one()),
            text_of(begin()) + text_of(lag_notice("10:00:00")));
}

TEST(Renderer, PassesByWithOnlyOneAndOnlyNewToTheFirstThatBegins) {
  RenderOptions options = only_one();
  options.only_new = true;
  const std::string other = connected(R"({"id":"B"})", "10:00:00");
  EXPECT_EQ(text_of(other + begin() + other, options), text_of(begin()));
}

TEST(Renderer, RendersTheSameWhereverTheFeedIsCut) {
  const std::string feed = read_file(golden_path("kcli/render/interleave.jsonl"));
  WireDecoder decoder;
  EventBatch batch;
  for (const std::string_view one : split_lines(feed))
    decoder.decode(one, Opcode::Text, batch);
  Renderer renderer({});
  std::string text;
  for (const Event& event : batch.events) {
    EXPECT_FALSE(renderer.render({&event, 1}, text));
  }
  EXPECT_EQ(text, read_file(golden_path("kcli/render/interleave.plain.out")));
}

TEST(Renderer, KeepsMetadataBeyondItsBatch) {
  const std::string feed = begin(R"({"id":"A","k":1})") + connected(kA, "10:00:01");
  const auto frames = split_lines(feed);
  Renderer renderer({});
  std::string text;
  for (const std::string_view one : frames) {
    WireDecoder decoder;
    EventBatch batch;
    decoder.decode(one, Opcode::Text, batch);
    EXPECT_FALSE(renderer.render(batch.events, text));
  }
  EXPECT_EQ(text, text_of(feed));
}

// --- metadata ---

// What is printed of a change of metadata, without "[A]    1s === conn_meta ".
Lines difference(std::string_view before, std::string_view now) {
  const std::string feed = begin(before) + connected(now, "10:00:01");
  Lines lines;
  const std::string text = text_of(feed);
  for (const std::string_view line : split_lines(text)) {
    constexpr std::string_view kPrefix = "[A]    1s === conn_meta ";
    if (line.starts_with(kPrefix)) lines.emplace_back(line.substr(kPrefix.size()));
  }
  return lines;
}

TEST(MetaDifference, ShowsChangesAndDeletionsBeforeAdditions) {
  EXPECT_EQ(difference(R"({"b":1,"c":2,"d":3,"id":"A","x":1})",
                       R"({"a":0,"b":2,"d":"3","id":"A","z":{"k":[]}})"),
            (Lines{"b=2", "deleted c", "d=\"3\"", "deleted x", "a=0", "z={\"k\":[]}"}));
}

TEST(MetaDifference, IgnoresTheOrderOfKeysAndSpacing) {
  EXPECT_EQ(difference(R"({"id":"A","m":{"a":1,"b":2}})", R"({ "m": {"b":2, "a":1}, "id":"A" })"),
            Lines{});
}

TEST(MetaDifference, ComparesNumbersAsJsonDoes) {
  EXPECT_EQ(difference(R"({"id":"A","n":1})", R"({"id":"A","n":1.0})"), Lines{"n=1.0"});
  EXPECT_EQ(difference(R"({"id":"A","n":0.0})", R"({"id":"A","n":-0.0})"), Lines{});
}

TEST(MetaDifference, PrintsValuesAsTheyStandInJson) {
  EXPECT_EQ(difference(kA, "{\"id\":\"A\",\"s\":\"\\u007f\\u2028\\u00e9\\n\"}"),
            Lines{"s=\"\x7f\u2028\u00e9\\n\""});
}

TEST(MetaDifference, PrintsTheWholeWhenOneSideIsNoObject) {
  const std::string feed = connected(R"({"id":""})", "10:00:00") + connected("null", "10:00:00") +
                           connected(R"({"id":""})", "10:00:00");
  EXPECT_EQ(text_of(feed),
            "[]       === Connected\n"
            "[]       === conn_meta id=\"\"\n"
            "[]   0ns === Connected\n"
            "[]   0ns === conn_meta updated to null\n"
            "[]   0ns === Connected\n"
            "[]   0ns === conn_meta updated to {\"id\":\"\"}\n");
}

// --- the clock ---

TEST(Renderer, ShowsAClockSteppedBackAndCountsTheSession) {
  const std::string feed = begin() + connected(kA, "09:59:59.988") + connected(kA, "09:59:59.988") +
                           connected(kA, "10:00:01");
  const Transcript got = render_feed(feed, {});
  EXPECT_EQ(got.text.substr(text_of(begin()).size()),
            "[A] -12ms === Connected\n"
            "[A] -12ms === Connected\n"
            "[A]    1s === Connected\n");
  EXPECT_EQ(got.stepped_back, 1U);
  EXPECT_EQ(got.unreadable, 0U);
  EXPECT_FALSE(got.ended);
}

TEST(Renderer, PanicsAsKcliWhenTheClockSteppedBack) {
  const Transcript got = render_feed(begin() + connected(kA, "09:59:59.999999999"), as_live());
  EXPECT_EQ(got.text, text_of(begin()));
  EXPECT_EQ(got.exit, Exit::KcliPanic);
  EXPECT_NE(got.message.find("OutOfRangeError(())"), std::string::npos);
}

// --- very many sessions ---

// Each begins and never closes; the first one speaks again and again, or not.
std::string open_sessions(std::size_t count, bool first_speaks) {
  constexpr std::string_view kRest = "\"},\"payload\":\"Connected\",\"when\":\"2026-08-04T21:00:0";
  std::string feed;
  const auto add = [&](std::size_t session, char second) {
    feed.append("{\"conn_meta\":{\"id\":\"s").append(std::to_string(session)).append(kRest);
    feed.append({second}).append("Z\"}\n");
  };
  for (std::size_t session = 0; session < count; ++session) {
    add(session, '0');
    if (first_speaks && session % 1000 == 0) add(0, '0');
  }
  add(0, '5');
  return feed;
}

std::string last_line(const std::string& text) {
  return text.substr(text.rfind('\n', text.size() - 2) + 1);
}

TEST(Renderer, ForgetsTheSessionThatWasSilentForTheLongest) {
  constexpr std::string_view kGoesOn = "[s0]    5s === Connected\n";
  constexpr std::string_view kAnew = "[s0]       === conn_meta id=\"s0\"\n";
  const std::size_t most = OpenSessions::kMost;
  EXPECT_EQ(last_line(render_feed(open_sessions(most, false), {}).text), kGoesOn);
  EXPECT_EQ(last_line(render_feed(open_sessions(most + 1, false), {}).text), kAnew);
  EXPECT_EQ(last_line(render_feed(open_sessions(most + 1, true), {}).text), kGoesOn);
}

TEST(Renderer, SaysHowManyItForgot) {
  EXPECT_EQ(render_feed(open_sessions(OpenSessions::kMost, false), {}).forgotten, 0U);
  EXPECT_EQ(render_feed(open_sessions(OpenSessions::kMost + 7, true), {}).forgotten, 7U);
}

TEST(Renderer, AsLiveItForgetsNone) {
  RenderOptions options;
  options.behaviour = Behaviour::AsLive;
  const Transcript shown = render_feed(open_sessions(OpenSessions::kMost + 7, false), options);
  EXPECT_EQ(last_line(shown.text), "[s0]    5s === Connected\n");
  EXPECT_EQ(shown.forgotten, 0U);
}

}  // namespace
}  // namespace smtptape
