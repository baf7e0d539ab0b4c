// A file of rows that every reader takes in the same way, whatever the names in it are.
#include "share/rows/session_csv.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/json/csv_text.h"
#include "sessions/stories.h"
#include "tests/sessions/told_events.h"

namespace smtptape {
namespace {

using namespace std::string_view_literals;
using ::testing::Each;
using ::testing::SizeIs;
using Rows = std::vector<std::vector<std::string>>;

// By the grammar of RFC 4180, and no more than that: what does not follow it fails.
Rows read_csv(std::string_view text, char separator = ',') {
  Rows rows(1);
  std::string field;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      for (++i;; ++i) {
        if (i >= text.size()) throw std::runtime_error("a quote that is not closed");
        if (text[i] != '"') {
          field.push_back(text[i]);
        } else if (i + 1 < text.size() && text[i + 1] == '"') {
          field.push_back(text[++i]);
        } else {
          break;
        }
      }
      ++i;
    } else {
      while (i < text.size() && text[i] != separator && text[i] != '\r') {
        if (text[i] == '"' || text[i] == '\n') throw std::runtime_error("not in a plain field");
        field.push_back(text[i++]);
      }
    }
    rows.back().push_back(std::move(field));
    field.clear();
    if (text.substr(i, 2) == "\r\n") {
      i += 2;
      if (i < text.size()) rows.emplace_back();
    } else if (i >= text.size() || text[i] != separator) {
      throw std::runtime_error("no end of a field");
    } else {
      ++i;
    }
  }
  return rows;
}

std::string field(std::string_view text) {
  std::string out;
  append_csv_field(out, text);
  return out;
}

std::string csv_of(ToldEvents& events) {
  Stories stories(Stories::Until::Silent);
  std::string text = SessionCsv::titles();
  const SessionCsv csv;
  std::vector<Story> all = stories.add(events.batch());
  for (Story& story : stories.finish())
    all.push_back(std::move(story));
  for (const Story& story : all)
    text += csv.line(summary_of(story), story);
  return text;
}

std::string value_of(const Rows& rows, std::size_t row, std::string_view title) {
  for (std::size_t i = 0; i < rows[0].size(); ++i)
    if (rows[0][i] == title) return rows[row][i];
  throw std::runtime_error("no such column");
}

TEST(CsvField, IsQuotedWhereItHasTo) {
  EXPECT_EQ(field("mx1.example."), "mx1.example.");
  EXPECT_EQ(field(""), "");
  EXPECT_EQ(field("a,b"), "\"a,b\"");
  EXPECT_EQ(field("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(field(" a"), "\" a\"");
  EXPECT_EQ(field("a;b"), "\"a;b\"");
}

TEST(CsvField, IsOneLineOfUtf8) {
  EXPECT_EQ(field("a\r\nb\0c\x1b[31m\xff"sv), "a\\r\\nb\\0c\\u{1b}[31m\\xff");
  EXPECT_EQ(field("\u202eevil"), "\\u{202e}evil");
  EXPECT_EQ(field("bücher.example"), "bücher.example");
}

TEST(CsvField, IsNoFormula) {
  for (const char* const formula :
       {"=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "＝1", "＠x", "=cmd|' /C calc'!A0"}) {
    const std::string shown = field(formula);
    EXPECT_TRUE(shown.starts_with("\"'")) << shown;
  }
  EXPECT_EQ(field("\t=1+1"), "\\t=1+1");
  EXPECT_EQ(field("\r=1+1"), "\\r=1+1");
  EXPECT_EQ(field("a=b@c-d"), "a=b@c-d");
  EXPECT_EQ(field("x;=1+1;y;@z"), "\"x;'=1+1;y;'@z\"") << "where ; ends a field";
}

TEST(CsvField, IsNoLongerThanACell) {
  std::string text(4095, 'x');
  text += "ü";
  EXPECT_EQ(field(text), std::string(4095, 'x') + "…");
}

TEST(SessionCsv, TellsASessionInARow) {
  ToldEvents events;
  events.meta =
      R"("egress_pool":"pool","egress_source":"src","mx_host":"mx1.example.","mx_address":"192.0.2.1",)"
      R"("source_address":"198.51.100.7:4025","ready_queue_name":"src->mx1.example@smtp_client",)"
      R"("domain":"dest.example","tenant":"=acme","campaign":"a, b")";
  events.tell("begin", "connected", "S 220 mx", "C EHLO a", "S 250 ok", "obtained");
  events.tell("C MAIL FROM:<a@b.example>", "S 250 ok", "C RCPT TO:<c@d.example>");
  events.wait(2500);
  events.tell("S 550 5.1.1 no, \"c\"", "C QUIT", "S 221 bye", "closed");
  const Rows rows = read_csv(csv_of(events));
  ASSERT_THAT(rows, SizeIs(2));
  const auto is = [&rows](std::string_view title, std::string_view value) {
    EXPECT_EQ(value_of(rows, 1, title), value) << title;
  };
  is("first_received", "2026-08-04T21:00:00.000Z");
  is("seconds", "2.511000");
  is("id", "a");
  is("source", "mta1");
  is("egress_pool", "pool");
  is("ready_queue", "src->mx1.example@smtp_client");
  is("mx_host", "mx1.example.");
  is("mx_address", "192.0.2.1");
  is("source_address", "198.51.100.7:4025");
  is("tls", "none");
  is("tls_verified", "");
  is("outcome", "bounced");
  is("tenants", "'=acme");
  is("campaigns", "a, b");
  is("bounced", "1");
  is("delivered", "0");
  is("worst_reply", "550");
  is("last_reply", "221");
  is("trouble", "550 5.1.1 no, \"c\"");
  is("slowest_reply_seconds", "2.500000");
  is("events", "13");
  is("gaps", "0");
  is("begins_here", "true");
  is("first_tape", "");
}

// Whatever the names are: the same number of rows and fields, nothing that is obeyed.
TEST(SessionCsv, KeepsItsFormWithAnyContent) {
  const std::vector<std::string> pieces{
      "=",      "+",   "-",    "@",   ",", "|", ";",      "'",       "\\u0000",        "\\n",
      "\\r\\n", " ",   "\\\"", "\\t", "x", "ü", "\u202e", "\\u001b", "\\ud83d\\ude00", "|",
      "=cmd()", "🦊"};
  std::mt19937 random(7);
  const auto any = [&] {
    std::string text;
    for (std::size_t i = random() % 6; i > 0; --i)
      text += pieces[random() % pieces.size()];
    return text;
  };
  ToldEvents events;
  constexpr std::size_t kSessions = 300;
  for (std::size_t i = 0; i < kSessions; ++i) {
    events.id = "s" + std::to_string(i);
    events.meta.clear();
    for (const char* const key : {"egress_pool",
                                  "egress_source",
                                  "mx_host",
                                  "mx_address",
                                  "domain",
                                  "source_address",
                                  "ready_queue_name",
                                  "tenant",
                                  "campaign"}) {
      events.meta +=
          (events.meta.empty() ? "\"" : ",\"") + std::string(key) + "\":\"" + any() + "\"";
    }
    events.tell(
        "begin", "connected", "S 220 mx", "obtained", "E " + any(), "S 550 " + any(), "closed");
  }
  const std::string text = csv_of(events);
  const Rows rows = read_csv(text);
  ASSERT_THAT(rows, SizeIs(kSessions + 1));
  EXPECT_THAT(rows, Each(SizeIs(rows[0].size())));
  EXPECT_TRUE(is_utf8(text));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kSessions + 1) << "a line is a session";
  for (const auto& row : rows) {
    for (const std::string& value : row) {
      const std::size_t begin = value.find_first_not_of(' ');
      const bool formula =
          begin != std::string::npos && "=+-@"sv.find(value[begin]) != "=+-@"sv.npos;
      EXPECT_FALSE(formula) << value;
      EXPECT_EQ(value.find_first_of("\x1b\t\r\n\0"sv), std::string::npos) << value;
    }
  }
}

}  // namespace
}  // namespace smtptape
