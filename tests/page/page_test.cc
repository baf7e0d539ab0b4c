// The page as a text: what is in it, within which limits, and that nothing gets out of its place.
#include "share/page/page.h"

#include <algorithm>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "share/page/packed_block.h"
#include "share/page/plain_session.h"
#include "tests/page/read_page.h"
#include "tests/sessions/told_events.h"

namespace smtptape {
namespace {

using boost::json::object;
using boost::json::value;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ReadPage;
using ::testing::SizeIs;

struct WrittenPage : ReadPage {
  PageTotals totals;
};

WrittenPage page_of(std::vector<EventBatch*> batches,
                    const PageLimits& limits = {},
                    const PageEnd& end = {}) {
  StringSink sink;
  PageHeader header;
  header.writer = "smtptape 1";
  header.written = ToldEvents::kStart;
  header.tapes = " night.tape";
  header.chosen = " --tenant '<acme>'";
  PageWriter writer(sink, header, limits);
  for (const EventBatch* batch : batches)
    writer.add(*batch);
  const PageTotals totals = writer.finish(end);
  return {ReadPage(sink.take()), totals};
}

void tell_session(ToldEvents& events, const std::string& id) {
  events.id = id;
  events.tell(
      "begin", "I Attempting connection to 192.0.2.1:25", "connected", "S 220 mx", "C EHLO a");
  events.tell("S 250 ok",
              "obtained",
              "C MAIL FROM:<a@b.example>",
              "S 250 ok",
              "C QUIT",
              "S 221 bye",
              "closed");
}

std::string text_of(const object& json, const char* key) {
  return std::string(json.at(key).as_string());
}

TEST(Page, HoldsEachSessionWithItsTranscript) {
  ToldEvents events;
  tell_session(events, "a");
  tell_session(events, "b");
  const WrittenPage page = page_of({&events.batch()});
  EXPECT_EQ(page.totals.sessions, 2U);
  EXPECT_EQ(page.totals.events, 24U);
  ASSERT_THAT(page.rows(), SizeIs(2));
  const std::vector<object> sessions = page.sessions();
  ASSERT_THAT(sessions, SizeIs(2));
  EXPECT_EQ(text_of(sessions[0], "schema"), "smtptape.show/1");
  EXPECT_EQ(text_of(sessions[1], "id"), "b");
  const auto& transcript = sessions[0].at("transcript").as_array();
  ASSERT_THAT(transcript, SizeIs(12));
  EXPECT_EQ(text_of(transcript[3].as_object(), "text"), " <- 220 mx");
  EXPECT_EQ(text_of(transcript[3].as_object(), "kind"), "read");
  EXPECT_DOUBLE_EQ(transcript[3].at("at").as_double(), 0.003);
  EXPECT_EQ(text_of(transcript[4].as_object(), "text"), "->  EHLO a");
}

TEST(Page, RowsSayWhereTheDetailsAre) {
  ToldEvents events;
  const std::string long_line(20'000, 'x');
  for (int i = 0; i < 60; ++i) {
    events.id = "s" + std::to_string(i);
    events.tell("begin", "connected", "S 220 " + long_line, "closed");
    events.wait(6000);
  }
  const WrittenPage page = page_of({&events.batch()});
  EXPECT_GT(page.blocks.at("details").size(), 1U);
  ASSERT_THAT(page.rows(), SizeIs(60));
  for (const object& row : page.rows()) {
    const auto& place = row.at("place").as_array();
    const auto& block = page.blocks.at("details").at(place[0].to_number<std::size_t>());
    EXPECT_EQ(block.at(place[1].to_number<std::size_t>()).at("id"), row.at("id"));
  }
}

TEST(Page, RowsHaveWhatIsSearched) {
  ToldEvents events;
  events.tell(
      "begin", "connected", "S 220 mx", "obtained", "C MAIL FROM:<a@b.example>", "S 250 ok");
  events.tell("C RCPT TO:<bob@dest.example>", "S 550-5.1.1 no\r\n550 5.1.1 such user", "closed");
  const WrittenPage page = page_of({&events.batch()});
  const object row = page.rows().front();
  EXPECT_THAT(text_of(row, "words"), HasSubstr("bob@dest.example"));
  EXPECT_EQ(text_of(row, "trouble"), "550-5.1.1 no");
  EXPECT_EQ(row.at("worst_reply").to_number<int>(), 550);
}

TEST(Page, DrawsGapsWhereTheyAre) {
  ToldEvents events;
  events.tell("begin", "connected");
  events.add_gap();
  events.tell("S 220 mx", "closed");
  PageEnd end;
  end.gaps = {"mta1: 7 events lost"};
  end.gap_count = 1;
  const WrittenPage page = page_of({&events.batch()}, {}, end);
  const auto transcript = page.sessions().front().at("transcript").as_array();
  ASSERT_THAT(transcript, SizeIs(5));
  EXPECT_EQ(text_of(transcript[2].as_object(), "kind"), "gap");
  EXPECT_EQ(text_of(transcript[2].as_object(), "text"), "server lag: 7 events missing");
  EXPECT_EQ(page.about().at("gaps"), value({"mta1: 7 events lost"}));
  EXPECT_EQ(page.totals.doubtful, 1U);
}

TEST(Page, CountsEventsOfNoSession) {
  ToldEvents events;
  events.tell("begin", "connected", "closed");
  events.add_frame("rubbish");
  const WrittenPage page = page_of({&events.batch()});
  EXPECT_EQ(page.totals.without_session, 1U);
  EXPECT_EQ(page.about().at("events_without_session").to_number<int>(), 1);
}

TEST(Page, LeavesOutWholeSessionsAndNamesThem) {
  ToldEvents events;
  for (const char* const id : {"a", "b", "c", "d"})
    tell_session(events, id);
  PageLimits limits;
  limits.events = 30;
  const WrittenPage page = page_of({&events.batch()}, limits);
  EXPECT_EQ(page.totals.sessions, 2U);
  EXPECT_EQ(page.totals.left_out, 2U);
  EXPECT_THAT(page.sessions(), SizeIs(2));
  EXPECT_EQ(page.about().at("left_out").to_number<int>(), 2);
  EXPECT_EQ(page.about().at("left_out_ids"), value({"c", "d"}));
  EXPECT_EQ(text_of(page.about(), "left_out_from"), "2026-08-04T21:00:00.024Z");
  EXPECT_THAT(page.html, HasSubstr("There was no room for 2 more."));
}

TEST(Page, KeepsTheFirstSessionsAndNotTheSmallOnes) {
  ToldEvents events;
  tell_session(events, "a");
  events.id = "long";
  for (int i = 0; i < 100; ++i)
    events.tell("S 250 ok");
  events.id = "small";
  events.tell("begin");
  PageLimits limits;
  limits.events = 50;
  const WrittenPage page = page_of({&events.batch()}, limits);
  EXPECT_EQ(page.about().at("left_out_ids"), value({"long", "small"}));
  EXPECT_THAT(page.sessions(), SizeIs(1));
}

TEST(Page, IsBoundedInBytes) {
  ToldEvents events;
  for (int i = 0; i < 20; ++i) {
    events.id = "s" + std::to_string(i);
    events.tell("begin", "connected", "S 220 " + std::string(10'000, 'x'), "closed");
  }
  PageLimits limits;
  limits.bytes = 100'000;
  const WrittenPage page = page_of({&events.batch()}, limits);
  EXPECT_GT(page.totals.sessions, 0U);
  EXPECT_EQ(page.totals.sessions + page.totals.left_out, 20U);
  std::size_t bytes = 0;
  for (const object& session : page.sessions())
    bytes += boost::json::serialize(session).size();
  EXPECT_LE(bytes, limits.bytes);
}

TEST(Page, SaysWhereATranscriptEnds) {
  ToldEvents events;
  events.tell("begin", "S " + std::string(999, 'x') + "é", "S b", "S c", "S d");
  PageLimits limits;
  limits.session_events = 4;
  limits.event_bytes = 1004;  // within the é, behind the arrow
  const WrittenPage page = page_of({&events.batch()}, limits);
  const object session = page.sessions().front();
  EXPECT_EQ(session.at("transcript_left_out").to_number<int>(), 1);
  EXPECT_THAT(session.at("transcript").as_array(), SizeIs(4));
  const object& cut = session.at("transcript").as_array()[1].as_object();
  EXPECT_EQ(text_of(cut, "text"), " <- " + std::string(999, 'x'));
  EXPECT_EQ(cut.at("left_out").to_number<int>(), 2);
  EXPECT_EQ(page.totals.cut, 1U);
  EXPECT_EQ(page.totals.left_out, 0U);
}

// Bytes of the first session's transcript, and of what is not there of it.
struct Texts {
  std::uint64_t there = 0;
  std::uint64_t left_out = 0;
};
Texts texts_of(const ReadPage& page) {
  Texts texts;
  const std::vector<object> sessions = page.sessions();
  for (const value& event : sessions.front().at("transcript").as_array()) {
    texts.there += event.at("text").as_string().size();
    const value* const left_out = event.as_object().if_contains("left_out");
    if (left_out != nullptr) texts.left_out += left_out->to_number<std::uint64_t>();
  }
  return texts;
}

TEST(Page, ASessionOfTooMuchTextIsThereAndCut) {
  ToldEvents events;
  for (int i = 0; i < 30; ++i)
    events.tell("S " + std::string(1000, 'x'));
  PageLimits limits;
  limits.session_bytes = 10'000;
  const WrittenPage page = page_of({&events.batch()}, limits);
  EXPECT_EQ(page.totals.sessions, 1U);
  const Texts texts = texts_of(page);
  EXPECT_LE(texts.there, limits.session_bytes);
  EXPECT_EQ(texts.there + texts.left_out, texts_of(page_of({&events.batch()})).there);
}

TEST(Page, OfNoSessionsIsNone) {
  ToldEvents events;
  events.add_frame("rubbish");
  EXPECT_EQ(page_of({&events.batch()}).html, "");
}

TEST(Page, NothingOfASessionIsMarkup) {
  const std::string hostile =
      "</script><script>alert(1)</script><style>*{}</style><!--<img src=x "
      "onerror=y>\u2028\u202e&\"'";
  ToldEvents events;
  events.id = hostile;
  events.meta = R"("egress_pool":"</script><b>","mx_host":"<i>\u2028","tenant":"\u202e<u>")";
  events.tell("begin", "I " + hostile, "connected", "S 220 " + hostile, "C " + hostile, "obtained");
  events.tell("C MAIL FROM:<" + hostile + ">", "S 550 " + hostile, "closed", "E " + hostile);
  PageEnd end;
  end.damage = {hostile};
  const WrittenPage page = page_of({&events.batch()}, {}, end);
  const std::string script = "<script>(() => {";  // ours
  const std::size_t ours = page.html.rfind(script);
  ASSERT_NE(ours, std::string::npos);
  const std::string before = page.html.substr(0, ours);
  const std::regex tags("<(/?)([a-zA-Z!][a-zA-Z0-9]*)");
  std::map<std::string, int> count;
  for (std::sregex_iterator at(before.begin(), before.end(), tags), last; at != last; ++at)
    ++count[(*at)[1].str() + (*at)[2].str()];
  EXPECT_EQ(count["script"], 4);  // the blocks of data
  EXPECT_EQ(count["/script"], 4);
  EXPECT_EQ(count["style"], 1);
  for (const char* const tag : {"b", "i", "u", "img", "!"})
    EXPECT_EQ(count[tag], 0) << tag;
  EXPECT_THAT(before, Not(HasSubstr("\u202e")));
  EXPECT_THAT(before, Not(HasSubstr("\u2028")));
  // And it is there, as it was.
  EXPECT_EQ(text_of(page.rows().front(), "id"), hostile);
  EXPECT_EQ(text_of(page.sessions().front(), "id"), hostile);
}

TEST(Page, BytesThatAreNoTextAreReplaced) {
  ToldEvents events;
  events.tell("begin");
  Event& event = events.last();
  event.kind = EventKind::Read;
  event.text = "220 \xff\xfe";
  const WrittenPage page = page_of({&events.batch()});
  const auto transcript = page.sessions().front().at("transcript").as_array();
  EXPECT_THAT(text_of(transcript[0].as_object(), "text"), HasSubstr("220 \uFFFD"));
}

TEST(Page, ThePolicyAllowsThisScriptAndStyleAndNothingElse) {
  ToldEvents events;
  events.tell("begin");
  std::string html = page_of({&events.batch()}).html;
  EXPECT_THAT(html, HasSubstr("content=\"default-src 'none'; script-src 'sha256-"));
  EXPECT_THAT(html,
              HasSubstr("base-uri 'none'; form-action 'none'; require-trusted-types-for 'sc"));
  const std::string no_place = "http://www.w3.org/2000/svg";  // the name of a language
  html.replace(html.find(no_place), no_place.size(), "");
  for (const char* const word : {"://", "unsafe-", "src=", "@import", "url("})
    EXPECT_EQ(html.find(word), std::string::npos) << word;
}

TEST(Page, TheFirstSessionsAreReadableWithoutAScript) {
  ToldEvents events;
  for (int i = 0; i < 30; ++i)
    tell_session(events, "session-" + std::to_string(i));
  const WrittenPage page = page_of({&events.batch()});
  const std::size_t plain = page.html.find("<main id=\"plain\">");
  ASSERT_NE(plain, std::string::npos);
  const std::string html = page.html.substr(plain, page.html.find("</main>") - plain);
  EXPECT_THAT(html, HasSubstr("30 sessions. Here are the first 20."));
  EXPECT_THAT(html, HasSubstr("session-0"));
  EXPECT_THAT(html, HasSubstr("session-19"));
  EXPECT_THAT(html, Not(HasSubstr("session-20")));
  EXPECT_THAT(html, HasSubstr("-&gt;  MAIL FROM:&lt;a@b.example&gt;"));
  EXPECT_THAT(html, HasSubstr("smtptape sessions night.tape --tenant &#39;&lt;acme&gt;&#39;"));
}

TEST(Page, AnAttributeOrElementCantBeLeft) {
  EXPECT_EQ(as_html("<a href=\"x\" b='y'>&\n\t\x1b"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\n\\t\\u{1b}");
}

TEST(Page, Base64IsThatOfRfc4648) {
  EXPECT_EQ(as_base64(""), "");
  EXPECT_EQ(as_base64("f"), "Zg==");
  EXPECT_EQ(as_base64("fo"), "Zm8=");
  EXPECT_EQ(as_base64("foo"), "Zm9v");
  EXPECT_EQ(as_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(as_base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace smtptape
