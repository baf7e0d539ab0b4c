// What the rules name goes, whoever says it and however it is spelled.
#include <string>

#include <gtest/gtest.h>

#include "tests/share/redact/redacted.h"

namespace smtptape {
namespace {

using testing::Dialogue;
using testing::lower;
using testing::Seen;

RedactionRules with_pattern(const std::string& pattern) {
  RedactionRules rules;
  rules.patterns.add(pattern, LinePatterns::Case::Heeded, "patterns");
  return rules;
}

// Without the rules it is there, with them it isn't, however the dialogue was torn.
void expect_gone(const Dialogue::Said& said,
                 const RedactionRules& rules,
                 const std::string& what,
                 const std::string& more_meta = "") {
  const Dialogue without(said, {}, 1000, more_meta);
  ASSERT_FALSE(without.leaks());
  EXPECT_NE(lower(without.seen().text).find(what), std::string::npos) << what;
  for (const std::size_t piece : {1000U, 7U, 3U, 1U}) {
    const Dialogue with(said, rules, piece, more_meta);
    ASSERT_FALSE(with.leaks()) << with.where();
    EXPECT_EQ(lower(with.seen().text).find(what), std::string::npos) << with.seen().text;
  }
}

TEST(RedactionRules, TakeOutWhatAPatternMatchesInAReply) {
  expect_gone({{'S', "220 hi\r\n550-5.1.1 order F-4711 is late\r\n550 5.1.1 so is f-4711\r\n"}},
              with_pattern("F-[0-9]{4}"),
              "f-4711");
  // Behind the code, and over the end of a line.
  expect_gone({{'S', "220 hi\r\n550 5.1.1 Falcon flies\r\n"}}, with_pattern("^Falcon"), "falcon");
  expect_gone({{'S', "220 hi\r\n550-5.1.1 Falcon ni\r\n550 5.1.1 ne flies\r\n"}},
              with_pattern("Falcon nine"),
              "falcon ni");
}

TEST(RedactionRules, TakeOutWhatIsShorterThanWhatIsLookedFor) {
  expect_gone({{'S', "220 hi\r\n550 5.1.1 x-77 is late\r\n"}}, with_pattern("x-[0-9]+"), "x-77");
}

TEST(RedactionRules, LearnFromAMessageWhatAServerSaysLater) {
  expect_gone({{'S', "220 hi\r\n"},
               {'C', "DATA\r\n"},
               {'S', "354 go on\r\n"},
               {'C', "\r\nthe order Hawk Nine of yours\r\n.\r\n"},
               {'S', "550 5.7.1 no hawk NINE\r\n550 5.7.1 no hawk%20nine\r\n"}},
              with_pattern("Hawk [A-Z][a-z]+"),
              "hawk nine");
  const Dialogue::Said encoded{{'S', "220 hi\r\n"},
                               {'C', "DATA\r\n"},
                               {'S', "354 go on\r\n"},
                               {'C', "Subject: a\r\n of Hawk Nine\r\n\r\n.\r\n"},
                               {'S', "550 5.7.1 no hawk%20nine\r\n"}};
  expect_gone(encoded, with_pattern("Hawk [A-Z][a-z]+"), "hawk%20nine");
}

TEST(RedactionRules, LearnFromMetadataWhatAServerSays) {
  expect_gone({{'S', "220 hi\r\n550 no such thing as hawk nine\r\n"}},
              with_pattern("Hawk [A-Z][a-z]+"),
              "hawk nine",
              R"(,"x":{"unknown":["of Hawk Nine, too"]})");
  expect_gone({{'S', "220 hi\r\n550 no such thing as hawk nine\r\n"}},
              with_pattern("Hawk [A-Z][a-z]+"),
              "hawk nine",
              R"(,"tenant":"of Hawk Nine, too")");
}

TEST(RedactionRules, TakeOutWhatAClientSaidThatWouldStay) {
  expect_gone({{'S', "220 hi\r\n"}, {'C', "MAIL FROM:<a@b.com> SIZE=4711474\r\n"}},
              with_pattern("SIZE=[0-9]+"),
              "size=4711474");
  RedactionRules word;
  word.words = {"SIZE=4711474"};
  expect_gone(
      {{'S', "220 hi\r\n"}, {'C', "MAIL FROM:<a@b.com> SIZE=4711474\r\n"}}, word, "size=4711474");
}

TEST(RedactionRules, TakeOutOfDiagnostics) {
  TemporaryFile original;
  testing::write_tape(
      {R"({"conn_meta":{"id":"s"},"payload":{"Diagnostic":{"level":"INFO","message":"in zone x-77"}},"when":"2026-08-04T21:00:00Z"})"},
      original,
      testing::origin_named("node"));
  EXPECT_NE(Seen(*testing::redacted(original).tape).text.find("x-77"), std::string::npos);
  const RedactedTape result = testing::redacted(original, with_pattern("x-[0-9]+"));
  EXPECT_EQ(Seen(*result.tape).text.find("x-77"), std::string::npos);
}

TEST(RedactionRules, GoWhateverIsKept) {
  RedactionRules rules = with_pattern("Falcon [0-9]+");
  rules.words = {"Kestrel Nine"};
  for (std::size_t kind = 0; kind < kKinds; ++kind)
    rules.kept[kind] = !always_goes(static_cast<Kind>(kind));
  const Dialogue dialogue({{'S', "220 hi\r\n550 5.1.1 Falcon 77 and kestrel nine\r\n"}}, rules);
  ASSERT_FALSE(dialogue.leaks());
  const std::string text = lower(dialogue.seen().text);
  EXPECT_EQ(text.find("falcon 77"), std::string::npos);
  EXPECT_EQ(text.find("kestrel nine"), std::string::npos);
  // Two of a pattern are still seen to be two, or one.
  EXPECT_GT(dialogue.result().report.counts[static_cast<std::size_t>(Kind::Named)].places, 1U);
}

TEST(RedactionRules, GoOutOfANameThatIsKept) {
  RedactionRules rules;
  rules.words = {"falcon.nine"};
  rules.kept[static_cast<std::size_t>(Kind::LocalPart)] = true;
  rules.kept[static_cast<std::size_t>(Kind::Domain)] = true;
  const Dialogue dialogue({{'S', "220 hi\r\n550 5.1.1 no falcon.nine@kestrel.net\r\n"}}, rules);
  ASSERT_FALSE(dialogue.leaks());
  EXPECT_EQ(dialogue.seen().text.find("falcon.nine"), std::string::npos);
}

const Dialogue::Said kMessage{{'S', "220 hi\r\n"},
                              {'C', "DATA\r\n"},
                              {'S', "354 go on\r\n"},
                              {'C',
                               "Date: Sun, 22 Nov 2026 19:34:17 +0000\r\n"
                               "X-Route: gold-customer, silver-customer,\r\n x\r\n"
                               "\r\n.\r\n"},
                              {'S', "550 5.7.1 not a silver-customer\r\n"}};

TEST(RedactionRules, TakeOutTheValuesOfHeaders) {
  RedactionRules rules;
  rules.headers.values_go = {"date", "x-route"};
  expect_gone(kMessage, rules, "date: sun, 22 nov");
  expect_gone(kMessage, rules, "silver-customer");
  const Dialogue dialogue(kMessage, rules);
  EXPECT_NE(dialogue.seen().client.find("Date: ***"), std::string::npos);
  EXPECT_EQ(dialogue.seen().client.find("X-Route"), std::string::npos);
}

TEST(RedactionRules, KeepNamesOfHeadersAndNotTheirValues) {
  RedactionRules rules;
  rules.headers.names_stay = {"x-route"};
  EXPECT_EQ(Dialogue(kMessage).seen().client.find("X-Route"), std::string::npos);
  const Dialogue dialogue(kMessage, rules);
  ASSERT_FALSE(dialogue.leaks()) << dialogue.where();
  EXPECT_NE(dialogue.seen().client.find("X-Route: *************"), std::string::npos);
  EXPECT_EQ(dialogue.seen().text.find("gold-customer"), std::string::npos);
}

TEST(RedactionRules, OverlapWhatIsThere) {
  Spans spans{{2, 4, Kind::Message}, {6, 8, Kind::Message}};
  add_uncovered({1, 9, Kind::Named}, spans);
  ASSERT_EQ(spans.size(), 5U);
  EXPECT_EQ(spans[2].from, 4U);
  EXPECT_EQ(spans[2].to, 6U);
  EXPECT_EQ(spans[4].to, 9U);
  spans = {{2, 4, Kind::Message}};
  add_uncovered({2, 4, Kind::Named}, spans);
  EXPECT_EQ(spans.size(), 1U);
  add_uncovered({5, 6, Kind::Named}, spans);
  add_uncovered({0, 1, Kind::Named}, spans);
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0].from, 0U);
  EXPECT_EQ(spans[2].from, 5U);
}

// Whatever stands beside it: the cost is bounded, and nothing is passed over.
TEST(RedactionRules, AreFoundInLongTextsOfBadPatterns) {
  LinePatterns patterns;
  patterns.add("(a.*b)|a|x-[0-9]+", LinePatterns::Case::Heeded, "patterns");
  std::string text(200'000, ' ');
  for (std::size_t at = 0; at < text.size(); at += 100)
    text[at] = 'a';
  for (const std::size_t at : {5U, 16'381U, 100'003U})
    text.replace(at, 5, "x-123");
  std::size_t found = 0;
  patterns.each_match(text, [&](std::size_t from, std::size_t to) {
    if (to - from == 5) ++found;
  });
  EXPECT_EQ(found, 3U);
}

}  // namespace
}  // namespace smtptape
