// KumoMTA's words, read.
#include "sessions/kumo_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(KumoWords, ThePlanIsInTheOrderOfUse) {
  const auto plan = planned_hosts(R"({"Addresses":[{"addr":"10.0.0.2","name":"b."},)"
                                  R"({"addr":"::1","is_secure":true,"name":"a."}]})");
  ASSERT_EQ(plan.size(), 2U);
  EXPECT_EQ(plan[0].name, "a.");
  EXPECT_TRUE(plan[0].is_secure);
  EXPECT_EQ(place_in_plan(plan, "[::1]:25"), 1U);
  EXPECT_EQ(place_in_plan(plan, "10.0.0.2:25"), 2U);
  EXPECT_EQ(place_in_plan(plan, "10.0.0.2"), 2U);
  EXPECT_EQ(place_in_plan(plan, "10.0.0.22:25"), 0U);
  for (const char* const odd : {"\"NullMx\"", "null", "{}", R"({"Addresses":7})", "[", "[[[["})
    EXPECT_THAT(planned_hosts(odd), IsEmpty()) << odd;
}

TEST(KumoWords, PathsOfCommands) {
  EXPECT_EQ(path_of("MAIL FROM:<a@x> BODY=8BITMIME"), "a@x");
  EXPECT_EQ(path_of("MAIL FROM:<>"), "");
  EXPECT_EQ(path_of("RCPT TO: <\"a>b\"@x>"), "\"a>b\"@x");
  EXPECT_EQ(path_of("RCPT TO:a@x SIZE=1"), "a@x");
  EXPECT_EQ(path_of("RCPT"), "");
}

TEST(KumoWords, KeywordsOfAGreeting) {
  EXPECT_TRUE(offers("250-mx\n250-SIZE 5\n250 starttls", "STARTTLS"));
  EXPECT_FALSE(offers("250-STARTTLSX\n250 no STARTTLS", "STARTTLS"));
  EXPECT_FALSE(offers("", "STARTTLS"));
}

TEST(KumoWords, TextsOfMetadata) {
  const MetaPtr meta =
      Meta::parse(R"({"id":"a","recipient":["b@x",7,"c\"@x"],"sender":"s","odd":{"x":1}})");
  ASSERT_NE(meta, nullptr);
  EXPECT_EQ(meta_text(*meta, "sender"), "s");
  EXPECT_EQ(meta_text(*meta, "odd"), "");
  EXPECT_EQ(meta_text(*meta, "none"), "");
  EXPECT_THAT(meta_texts(*meta, "recipient"), ElementsAre("b@x", "c\"@x"));
  EXPECT_THAT(meta_texts(*meta, "sender"), ElementsAre("s"));
  EXPECT_THAT(meta_texts(*meta, "odd"), IsEmpty());
}

TEST(KumoWords, Diagnostics) {
  EXPECT_EQ(attempted_target("Attempting connection to [::1]:25"), "[::1]:25");
  EXPECT_EQ(attempted_target("attempting"), std::nullopt);
  EXPECT_TRUE(is_throttled("Connection rate throttled for 5s, pausing."));
  EXPECT_TRUE(is_throttled_too_long(
      "Connection rate throttled for 5s which is longer than the idle_timeout, will disconnect"));
  EXPECT_TRUE(is_harmless_error("Read Timeout after 0ns"));
  EXPECT_FALSE(is_harmless_error("Read Timeout after 5s"));
  EXPECT_EQ(
      without_auth_arguments(R"(rejected: "AUTH PLAIN AGJvYgBz\r\n" and again "AUTH PLAIN x"")"),
      R"(rejected: "AUTH PLAIN …\r\n" and again "AUTH PLAIN …"")");
  EXPECT_TRUE(is_tls_policy("MTA-STS testing policy in effect"));
  EXPECT_FALSE(is_tls_policy("TLS: TlsInformation { }"));
}

}  // namespace
}  // namespace smtptape
