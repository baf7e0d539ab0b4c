// What a story says of a session, and that it says what it can't know.
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sessions/stories.h"
#include "sessions/story_builder.h"
#include "tests/sessions/told_events.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Story story_of(ToldEvents& told) {
  Stories stories(Stories::Until::End);
  EXPECT_THAT(stories.add(told.batch()), IsEmpty());
  std::vector<Story> all = stories.finish();
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? Story() : std::move(all.front());
}

// Each recipient of each message, its outcome and the code that decided.
std::vector<std::string> outcomes_of(const Story& story) {
  std::vector<std::string> all;
  for (const Message& message : story.messages) {
    for (const Recipient& recipient : message.recipients) {
      std::string text = recipient.address + " " + std::string(name_of(recipient.outcome));
      if (recipient.code != 0) text += " " + std::to_string(recipient.code);
      all.push_back(text);
    }
  }
  return all;
}

std::int64_t milliseconds(const Attempt& attempt, Phase phase) {
  return attempt.phases[static_cast<std::size_t>(phase)] / 1'000'000;
}

const std::string kMessage =
    R"("message_id":"m1","sender":"s@x","recipient":["b@x","c@x"],"domain":"x","tenant":"acme")";

TEST(Story, OfASessionThatWentWell) {
  ToldEvents told;
  const std::string session = told.meta;
  told.meta += R"(,"mx_plan":{"Addresses":[{"addr":"10.0.0.2","name":"mx2."},)"
               R"({"addr":"10.0.0.1","is_secure":true,"name":"mx1."}]},"ready_queue_name":"q")";
  told.tell("begin", "I Attempting connection to 10.0.0.1:25");
  told.wait(20);
  told.meta += R"(,"mx_host":"mx1.","mx_address":"10.0.0.1","source_address":"192.0.2.1:4000")";
  told.tell("connected");
  told.wait(5);
  told.tell("S 220 hi", "C EHLO me");
  told.wait(3);
  told.tell("S 250-x\r\n250 STARTTLS", "C STARTTLS", "S 220 go");
  told.wait(30);
  told.tell(R"(I STARTTLS handshake -> TlsInformation { cipher: "AES", protocol_version: )"
            R"("TLSv1_3", subject_name: ["mx1"], provider_name: "rustls", authenticated: true })",
            "C EHLO me",
            "S 250 x");
  told.wait(100);
  told.meta += "," + kMessage;
  told.tell("obtained",
            "C MAIL FROM:<s@x>",
            "C RCPT TO:<b@x>",
            "C RCPT TO:<c@x>",
            "C DATA",
            "S 250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go",
            "C Subject: x\r\n\r\nhello");
  told.wait(40);
  told.tell("C .");
  told.wait(700);
  told.tell("S 250 2.0.0 queued", "C QUIT", "S 221 bye", "closed");
  const Story story = story_of(told);

  EXPECT_EQ(story.id, "a");
  EXPECT_EQ(story.source, "mta1");
  EXPECT_EQ(story.ready_queue, "q");
  EXPECT_TRUE(story.begins_here);
  EXPECT_FALSE(story.is_open);
  EXPECT_FALSE(story.pairing_uncertain);
  ASSERT_EQ(story.plan.size(), 2U);
  EXPECT_EQ(story.plan[0].name, "mx1.");
  ASSERT_EQ(story.attempts.size(), 1U);
  const Attempt& attempt = story.attempts[0];
  EXPECT_EQ(attempt.place, 1U);
  EXPECT_EQ(attempt.mx_host, "mx1.");
  EXPECT_EQ(attempt.source_address, "192.0.2.1:4000");
  EXPECT_EQ(attempt.tls.tls, Tls::Tls13);
  EXPECT_EQ(attempt.tls.cipher, "AES");
  EXPECT_EQ(attempt.tls.subject, "\"mx1\"");
  EXPECT_EQ(attempt.tls.authenticated, true);
  EXPECT_EQ(attempt.tls.why_not, "");
  EXPECT_EQ(milliseconds(attempt, Phase::Connect), 20);
  EXPECT_EQ(milliseconds(attempt, Phase::Banner), 5);
  EXPECT_EQ(milliseconds(attempt, Phase::StartTls), 32);
  EXPECT_EQ(milliseconds(attempt, Phase::Final), 700);
  EXPECT_GE(milliseconds(attempt, Phase::Body), 40);
  EXPECT_EQ(milliseconds(attempt, Phase::Idle), 102);
  EXPECT_THAT(outcomes_of(story), ElementsAre("b@x delivered 250", "c@x bounced 550"));
  ASSERT_EQ(story.messages.size(), 1U);
  EXPECT_EQ(story.messages[0].id, "m1");
  EXPECT_EQ(story.messages[0].tenant, "acme");
  EXPECT_EQ(story.messages[0].outcome, Outcome::Mixed);
  EXPECT_EQ(story.messages[0].bytes, 21U);
  EXPECT_EQ(story.exchanges.size(), 10U);
  std::int64_t spent = 0;
  for (const PhaseSpan& span : story.spans)
    spent += span_of(span.from, span.until);
  EXPECT_EQ(spent, span_of(story.begun, story.ended));
}

TEST(Story, TheFirstReplyThatIsNoSuccessDecides) {
  const auto outcome = [](const std::string& replies) {
    ToldEvents told;
    told.meta += "," + kMessage;
    told.tell("begin", "connected", "S 220 hi", "obtained");
    told.tell("C MAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA");
    told.add(R"({"Read":")" + replies + "\"}");
    return outcomes_of(story_of(told));
  };
  EXPECT_THAT(outcome(R"(421 a\r\n503 b\r\n503 c\r\n503 d\r\n)"),
              ElementsAre("b@x deferred 421", "c@x deferred 421"));
  EXPECT_THAT(outcome(R"(250 a\r\n450 b\r\n250 c\r\n554 d\r\n)"),
              ElementsAre("b@x deferred 450", "c@x bounced 554"));
  EXPECT_THAT(outcome(R"(250 a\r\n250 b\r\n)"), ElementsAre("b@x unfinished", "c@x unfinished"));
  EXPECT_THAT(outcome(R"(250 a\r\n250 b\r\n250 c\r\n354 d\r\n421 closing\r\n)"),
              ElementsAre("b@x deferred 421", "c@x deferred 421"));
}

TEST(Story, OverLmtpEachRecipientIsDecidedByItself) {
  ToldEvents told;
  told.meta += "," + kMessage;
  told.tell("begin", "connected", "S 220 hi", "C LHLO me", "S 250 x", "obtained");
  told.tell("C MAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA",
            "S 250 a\r\n250 b\r\n250 c\r\n354 d",
            "C x",
            "C .",
            "S 250 for b",
            "S 452 for c");
  EXPECT_THAT(outcomes_of(story_of(told)), ElementsAre("b@x delivered 250", "c@x deferred 452"));
}

TEST(Story, AttemptsAreToldInTheirOrderWithTheReasonThatComesAfterwards) {
  ToldEvents told;
  told.meta += R"(,"mx_plan":{"Addresses":[{"addr":"10.0.0.2","name":"mx2."},)"
               R"({"addr":"10.0.0.1","name":"mx1."}]})";
  told.tell("begin", "I Connection rate throttled for 2s, pausing.");
  told.wait(2000);
  told.tell("I Attempting connection to 10.0.0.1:25");
  told.wait(60'000);
  told.tell("E connect to 10.0.0.1:25 and read initial banner: timed out",
            "I Attempting connection to 10.0.0.2:25",
            "connected",
            "S 554 go away",
            "closed",
            "E banner refused: 554 go away");
  const Story story = story_of(told);
  ASSERT_EQ(story.attempts.size(), 2U);
  EXPECT_EQ(story.attempts[0].target, "10.0.0.1:25");
  EXPECT_EQ(story.attempts[0].place, 1U);
  EXPECT_EQ(story.attempts[0].mx_host, "mx1.");
  EXPECT_FALSE(story.attempts[0].was_connected);
  EXPECT_THAT(story.attempts[0].why, HasSubstr("timed out"));
  EXPECT_EQ(milliseconds(story.attempts[0], Phase::Throttle), 2000);
  EXPECT_EQ(milliseconds(story.attempts[0], Phase::Connect), 60'000);
  EXPECT_EQ(story.attempts[1].place, 2U);
  EXPECT_TRUE(story.attempts[1].was_connected);
  EXPECT_EQ(story.attempts[1].why, "banner refused: 554 go away");
  ASSERT_EQ(story.errors.size(), 2U);
  EXPECT_FALSE(story.errors[0].after_closed);
  EXPECT_TRUE(story.errors[1].after_closed);
  EXPECT_FALSE(story.is_open);
}

TEST(Story, WhyThereIsNoTls) {
  const auto why = [](const auto&... words) {
    ToldEvents told;
    told.tell("begin", "connected", "S 220 hi", "C EHLO me", words...);
    return story_of(told).attempts.back().tls.why_not;
  };
  EXPECT_EQ(why("S 250 PIPELINING"), "the server does not offer it");
  EXPECT_EQ(why("S 250 STARTTLS"), "it was offered, and not asked for");
  EXPECT_EQ(why("S 250 STARTTLS", "C STARTTLS", "S 454 later"), "refused: 454 later");
  EXPECT_EQ(why("S 250 STARTTLS", "C STARTTLS", "S 220 go"), "the handshake was not finished");
  EXPECT_EQ(why("S 250 STARTTLS",
                "C STARTTLS",
                "S 220 go",
                "I STARTTLS handshake failed: \"no shared cipher\""),
            "the handshake failed: \"no shared cipher\"");
}

TEST(Story, AGapInsideIsSaidAndNothingIsGuessed) {
  ToldEvents told;
  told.meta += "," + kMessage;
  told.tell("begin", "connected", "S 220 hi", "obtained");
  told.tell("C MAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA");
  told.add_gap();
  told.tell("S 250 what\r\n250 is\r\n450 whose\r\n354 reply", "C x\r\n.", "S 250 queued");
  const Story story = story_of(told);
  EXPECT_THAT(story.gaps, ElementsAre("server lag: 7 events missing"));
  EXPECT_TRUE(story.pairing_uncertain);
  EXPECT_THAT(outcomes_of(story), ElementsAre("b@x unknown", "c@x unknown"));
  EXPECT_EQ(story.outcomes[static_cast<std::size_t>(Outcome::Unknown)], 2U);
}

TEST(Story, AGapElsewhereDoesNotTouchIt) {
  ToldEvents told;
  told.add_gap();
  told.tell("begin", "connected", "S 220 hi", "C QUIT", "S 221 bye", "closed");
  told.add_gap();
  EXPECT_EQ(story_of(told).gap_count, 0U);
  ToldEvents open;
  open.tell("begin", "connected", "S 220 hi");
  open.add_gap();
  EXPECT_EQ(story_of(open).gap_count, 1U);
}

TEST(Story, JoinedInTheMiddle) {
  ToldEvents told;
  told.meta += R"(,"mx_host":"mx1.","mx_address":"10.0.0.1",)" + kMessage;
  // What comes before a further message, and is none of a connection's bytes.
  told.tell("E Read Timeout after 0ns",
            "S 250 x",
            "C DATA",
            "S 354 go",
            "C Subject: x",
            "C .",
            "S 250 queued",
            "obtained");
  told.tell("C RSET\r\nMAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\nDATA",
            "S 250 a\r\n250 b\r\n250 c\r\n354 d",
            "C x",
            "C .",
            "S 250 queued");
  const Story story = story_of(told);
  EXPECT_FALSE(story.begins_here);
  EXPECT_TRUE(story.is_open);
  ASSERT_EQ(story.attempts.size(), 1U);
  EXPECT_EQ(story.attempts[0].mx_host, "mx1.");
  EXPECT_TRUE(story.attempts[0].was_connected);
  EXPECT_TRUE(story.attempts[0].is_tls_unknown());
  ASSERT_EQ(story.messages.size(), 2U);
  EXPECT_TRUE(story.messages[0].begun_before);
  EXPECT_EQ(story.messages[0].outcome, Outcome::Unknown);
  EXPECT_EQ(story.messages[1].recipients[0].outcome, Outcome::Delivered);
  EXPECT_EQ(story.messages[1].recipients[1].outcome, Outcome::Unfinished);
  EXPECT_FALSE(story.messages[1].recipients[1].sent);
}

TEST(Story, AConnectionWhoseBeginningWasLostIsOne) {
  ToldEvents told;
  told.tell("begin", "I Attempting connection to 10.0.0.1:25");
  told.add_gap();
  told.tell("S 250 what", "C QUIT", "S 221 bye", "closed");
  const Story story = story_of(told);
  ASSERT_EQ(story.attempts.size(), 1U);
  EXPECT_EQ(story.attempts[0].target, "10.0.0.1:25");
  EXPECT_TRUE(story.attempts[0].was_connected);
  EXPECT_TRUE(story.attempts[0].closed.has_value());
  EXPECT_EQ(story.exchanges.back().smtp.reply.code, 221U);
}

TEST(Story, AbbreviatedAndTrimmedTextsAreEnoughWhereTheyAreMessages) {
  ToldEvents told;
  told.meta += "," + kMessage;
  told.tell("begin", "connected", "S 220 hi", "obtained");
  told.tell("C MAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA",
            "S 250 a\r\n250 b\r\n250 c\r\n354 d");
  told.add(R"({"AbbreviatedWrite":{"snippet":"Subject: x","len":5000}})");
  told.tell("C .", "S 250 queued");
  const Story abbreviated = story_of(told);
  EXPECT_EQ(abbreviated.abbreviated, 1U);
  EXPECT_EQ(abbreviated.messages[0].outcome, Outcome::Delivered);
  EXPECT_EQ(abbreviated.messages[0].bytes, 5000U);

  ToldEvents commands;
  commands.meta += "," + kMessage;
  commands.tell("begin", "connected", "S 220 hi", "obtained");
  commands.add(R"({"AbbreviatedWrite":{"snippet":"MAIL FROM:<s@x>","len":60}})");
  commands.tell("S 250 a\r\n250 b\r\n250 c\r\n354 d", "C x", "C .", "S 250 queued");
  const Story unknown = story_of(commands);
  EXPECT_EQ(unknown.messages[0].outcome, Outcome::Unknown);
  EXPECT_TRUE(unknown.pairing_uncertain);
}

TEST(Story, AMessageIsTakenAlongToTheNextConnection) {
  ToldEvents told;
  told.meta += "," + kMessage;
  told.tell("begin", "connected", "S 220 hi", "obtained", "closed", "E lost it");
  told.tell("I Attempting connection to 10.0.0.2:25", "connected", "S 220 hi");
  told.tell("C MAIL FROM:<s@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA",
            "S 250 a\r\n250 b\r\n250 c\r\n354 d",
            "C x",
            "C .",
            "S 250 queued");
  const Story story = story_of(told);
  EXPECT_EQ(story.messages.size(), 1U);
  EXPECT_THAT(outcomes_of(story), ElementsAre("b@x delivered 250", "c@x delivered 250"));
}

TEST(Story, OddThingsAreCounted) {
  ToldEvents told;
  told.tell("begin", "connected", "E Read Timeout after 0ns", "S 220 hi");
  told.wait(-50);
  told.tell("S 421 bye");
  told.add(R"({"Unheard":"of"})");
  const Story story = story_of(told);
  EXPECT_EQ(story.harmless_errors, 1U);
  EXPECT_THAT(story.errors, IsEmpty());
  EXPECT_EQ(story.stepped_back, 1U);
  EXPECT_EQ(story.unreadable, 1U);
  EXPECT_EQ(story.worst_reply, 421U);
}

TEST(Story, TheWorstReplyIsAnAnswer) {
  const auto worst_of = [](const std::vector<std::uint16_t>& codes) {
    std::uint16_t worst = 0;
    for (const std::uint16_t code : codes)
      worst = worse_of(worst, code);
    return worst;
  };
  EXPECT_EQ(worst_of({}), 0);
  EXPECT_EQ(worst_of({220, 250, 354, 250}), 250);
  EXPECT_EQ(worst_of({220, 334, 334, 235, 354}), 235) << "asked to go on, and nothing came";
  EXPECT_EQ(worst_of({220, 250, 221}), 221);
  EXPECT_EQ(worst_of({220, 451, 250, 550, 354, 250, 421}), 550);
  EXPECT_EQ(worst_of({354, 334, 100, 700}), 0);
  ToldEvents told;
  told.tell(
      "begin", "connected", "S 220 hi", "C EHLO me", "S 250 hi", "C MAIL FROM:<s@x>", "S 250 ok");
  told.tell("C RCPT TO:<b@x>", "S 250 ok", "C DATA", "S 354 go", "C x\r\n.", "S 250 queued");
  EXPECT_EQ(story_of(told).worst_reply, 250);
}

TEST(Story, WhatIsTooMuchIsLeftOutAndOutcomesAreStillRight) {
  ToldEvents told;
  told.meta += R"(,"message_id":"m1")";
  told.tell("begin", "connected", "S 220 hi", "C EHLO me", "S 250 x", "obtained");
  constexpr std::size_t kRounds = 12'000;
  std::string mails;
  std::string replies;
  for (std::size_t i = 0; i < 1000; ++i) {
    mails += "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n";
    replies += "250 a\r\n550 b\r\n";
  }
  for (std::size_t i = 0; i < kRounds / 1000; ++i)
    told.tell("C " + mails.substr(0, mails.size() - 2),
              "S " + replies.substr(0, replies.size() - 2));
  const Story story = story_of(told);
  EXPECT_EQ(story.exchanges.size(), StoryBuilder::kMostExchanges);
  EXPECT_GT(story.left_out, 0U);
  EXPECT_EQ(story.outcomes[static_cast<std::size_t>(Outcome::Bounced)], kRounds);
}

}  // namespace
}  // namespace smtptape
