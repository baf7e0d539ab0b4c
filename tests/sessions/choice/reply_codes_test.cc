#include "sessions/choice/reply_codes.h"

#include <string>

#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

ReplyCodes codes(const std::string& list) {
  ReplyCodes codes;
  codes.add(list);
  return codes;
}

bool match(const std::string& list, const std::string& reply) {
  const std::string last = reply.substr(reply.rfind('\n') + 1);
  return codes(list).match(static_cast<std::uint16_t>(std::stoi(last.substr(0, 3))), reply);
}

TEST(ReplyCodes, AreDigitsAndWildcards) {
  EXPECT_TRUE(match("421", "421 closing"));
  EXPECT_FALSE(match("421", "420 closing"));
  EXPECT_TRUE(match("4xx", "450 4.2.1 busy"));
  EXPECT_TRUE(match("4**", "450 busy"));
  EXPECT_FALSE(match("4XX", "550 no"));
  EXPECT_TRUE(match("45x", "451 later"));
  EXPECT_FALSE(match("45x", "421 later"));
  EXPECT_TRUE(match("250 , 5xx", "550 no"));
  EXPECT_TRUE(match("xxx", "354 go ahead"));
}

TEST(ReplyCodes, EnhancedOnesAreThoseOfTheFirstLine) {
  EXPECT_TRUE(match("5.7.1", "554 5.7.1 blocked"));
  EXPECT_FALSE(match("5.7.1", "554 5.7.10 blocked"));
  EXPECT_TRUE(match("5.7.*", "554-5.7.26 not\n554 5.7.26 authenticated"));
  EXPECT_TRUE(match("5.*", "550 5.1.1 nobody"));
  EXPECT_TRUE(match("*.7.x", "451 4.7.650 told"));
  EXPECT_FALSE(match("4.7.*", "554 5.7.1 blocked"));
  EXPECT_FALSE(match("5.7.1", "554 blocked, see 5.7.1"));
  EXPECT_TRUE(match("2.1.5", "250 2.1.5 ok"));
}

// So a row without a failure has none.
TEST(ReplyCodes, AnEnhancedCodeOfAFailureCountsInAFailure) {
  EXPECT_FALSE(match("4.7.0", "250 4.7.0 ok, though"));
  EXPECT_TRUE(match("4.7.0", "550 4.7.0 who knows"));
}

TEST(ReplyCodes, KnowTheLeastReplyThatMatches) {
  EXPECT_EQ(codes("421").least(), 421);
  EXPECT_EQ(codes("550,4xx").least(), 400);
  EXPECT_EQ(codes("x21").least(), 221);
  EXPECT_EQ(codes("5.7.1").least(), 400);
  EXPECT_EQ(codes("*.7.1").least(), 200);
  EXPECT_GE(ReplyCodes().least(), 600);
}

TEST(ReplyCodes, WhatIsNoneIsRefused) {
  for (const char* const code : {"",
                                 "4",
                                 "42",
                                 "4211",
                                 "199",
                                 "600",
                                 "9xx",
                                 "4y1",
                                 "5.7",
                                 "5.7.1.1",
                                 "3.7.1",
                                 "5.7.1000",
                                 "5..1",
                                 "*",
                                 "421,",
                                 "-421"}) {
    EXPECT_THROW(codes(code), UsageError) << code;
  }
}

}  // namespace
}  // namespace smtptape
