// A tape without what must not leave the house: nothing of it is left, and everything else is.
#include "share/redact/redact_tape.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "sessions/stories.h"
#include "share/redact/ip_address.h"
#include "smtp/normal_reply.h"
#include "tests/share/redact/redacted.h"

namespace smtptape {
namespace {

using testing::base64_of;
using testing::expect_nothing_left;
using testing::frames_of;
using testing::lower;
using testing::origin_named;
using testing::Planted;
using testing::redacted;
using testing::Seen;
using testing::write_tape;

class Redaction : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(Redaction, LeavesNothingOfTheOriginal) {
  for (std::uint32_t i = 0; i < 10; ++i) {
    Planted planted(GetParam() * 10 + i);
    std::vector<std::string> frames;
    for (std::size_t sessions = 1 + planted.below(3); sessions > 0; --sessions) {
      const std::vector<std::string> more = planted.session();
      frames.insert(frames.end(), more.begin(), more.end());
    }
    TemporaryFile original;
    const std::string source = "node-of-acme";
    write_tape(frames, original, origin_named(source));
    const RedactedTape result = redacted(original, {}, std::nullopt);
    for (const Leak& leak : result.report.leaks)
      ADD_FAILURE() << "seed " << GetParam() * 10 + i << ": " << leak.where << " "
                    << name_of(leak.kind);
    ASSERT_NE(result.tape, nullptr);
    planted.secrets.push_back(source);
    const Seen seen(*result.tape);
    EXPECT_EQ(seen.events.size(), frames.size());
    expect_nothing_left(seen, planted.secrets);
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Redaction, ::testing::Range(0U, 16U));

// ---- what stays ----

class RedactedNight : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    original_ = std::make_unique<TemporaryFile>();
    FdSource file(open_for_reading(SMTPTAPE_SOURCE_DIR "/samples/night.tape"), "night.tape");
    std::string buffer(1 << 16, '\0');
    while (const std::size_t got = file.read(buffer.data(), buffer.size()))
      original_->write({buffer.data(), got});
    result_ = std::make_unique<RedactedTape>(redacted(*original_));
  }
  static void TearDownTestSuite() {
    original_.reset();
    result_.reset();
  }
  void SetUp() override { ASSERT_NE(result_->tape, nullptr); }

  static std::vector<Story> stories_of(const TemporaryFile& tape) {
    const auto source = tape.read();
    TapeReader reader(*source, "test");
    Stories stories(Stories::Until::Silent);
    std::vector<Story> all;
    EventBatch batch;
    while (reader.next(batch)) {
      for (Story& story : stories.add(batch))
        all.push_back(std::move(story));
    }
    for (Story& story : stories.finish())
      all.push_back(std::move(story));
    return all;
  }

  static std::unique_ptr<TemporaryFile> original_;
  static std::unique_ptr<RedactedTape> result_;
};
std::unique_ptr<TemporaryFile> RedactedNight::original_;
std::unique_ptr<RedactedTape> RedactedNight::result_;

TEST_F(RedactedNight, HasTheSameEventsTimesAndLengths) {
  const Seen before(*original_);
  const Seen after(*result_->tape);
  ASSERT_EQ(after.events.size(), before.events.size());
  for (std::size_t i = 0; i < after.events.size(); ++i) {
    const Event& a = before.events[i];
    const Event& b = after.events[i];
    ASSERT_EQ(a.kind, b.kind);
    ASSERT_EQ(a.sequence, b.sequence);
    ASSERT_EQ(a.received, b.received);
    ASSERT_EQ(a.when, b.when);
    ASSERT_EQ(a.level, b.level);
    ASSERT_EQ(full_length(a), full_length(b));
    if (!b.trimmed) {
      ASSERT_EQ(a.text.size(), b.text.size());
    }
  }
}

TEST_F(RedactedNight, TellsTheSameStories) {
  const std::vector<Story> before = stories_of(*original_);
  const std::vector<Story> after = stories_of(*result_->tape);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const Story& a = before[i];
    const Story& b = after[i];
    EXPECT_EQ(a.outcomes, b.outcomes);
    EXPECT_EQ(a.worst_reply, b.worst_reply);
    EXPECT_EQ(a.last_reply, b.last_reply);
    EXPECT_EQ(a.longest, b.longest);
    EXPECT_EQ(a.bytes_written, b.bytes_written);
    EXPECT_EQ(a.messages.size(), b.messages.size());
    EXPECT_EQ(a.recipients_named, b.recipients_named);
    ASSERT_EQ(a.attempts.size(), b.attempts.size());
    for (std::size_t n = 0; n < a.attempts.size(); ++n) {
      EXPECT_EQ(a.attempts[n].target, b.attempts[n].target);
      EXPECT_EQ(a.attempts[n].mx_host, b.attempts[n].mx_host);
      EXPECT_EQ(a.attempts[n].tls.tls, b.attempts[n].tls.tls);
      EXPECT_EQ(a.attempts[n].tls.cipher, b.attempts[n].tls.cipher);
      EXPECT_EQ(a.attempts[n].messages, b.attempts[n].messages);
    }
    ASSERT_EQ(a.exchanges.size(), b.exchanges.size()) << a.id;
    for (std::size_t n = 0; n < a.exchanges.size(); ++n) {
      EXPECT_EQ(a.exchanges[n].smtp.reply.code, b.exchanges[n].smtp.reply.code);
      EXPECT_EQ(a.exchanges[n].smtp.step, b.exchanges[n].smtp.step);
    }
  }
}

TEST_F(RedactedNight, HasTheSameNormalReplies) {
  const std::vector<Story> before = stories_of(*original_);
  const std::vector<Story> after = stories_of(*result_->tape);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    for (std::size_t n = 0; n < before[i].exchanges.size(); ++n) {
      const StoryExchange& exchange = before[i].exchanges[n];
      // What is no reply goes as a whole.
      if (exchange.smtp.reply.code == 0 || exchange.smtp.step == SmtpStep::Auth) continue;
      EXPECT_EQ(normal_reply(exchange.smtp.reply.text),
                normal_reply(after[i].exchanges.at(n).smtp.reply.text));
      ++compared;
    }
  }
  EXPECT_GT(compared, 300U);
}

TEST_F(RedactedNight, SaysThatItIsOne) {
  const Seen after(*result_->tape);
  EXPECT_NE(after.text.find("redacted=nothing\n"), std::string::npos);
  EXPECT_NE(after.text.find("bodies=headers\n"), std::string::npos);
  EXPECT_NE(after.text.find("secrets=mask\n"), std::string::npos);
}

// ---- keys ----

std::string bytes_of(const TemporaryFile& file) {
  const auto source = file.read();
  std::string bytes(8 << 20, '\0');
  bytes.resize(source->read(bytes.data(), bytes.size()));
  return bytes;
}

TEST_F(RedactedNight, IsTheSameWithTheSameKeyAndAnotherWithAnother) {
  const RedactedTape again = redacted(*original_);
  const RedactedTape other = redacted(*original_, {}, PseudonymKey{2});
  EXPECT_EQ(bytes_of(*again.tape), bytes_of(*result_->tape));
  EXPECT_NE(bytes_of(*other.tape), bytes_of(*result_->tape));
  const RedactedTape secret = redacted(*original_, {}, std::nullopt);
  const RedactedTape another = redacted(*original_, {}, std::nullopt);
  EXPECT_NE(bytes_of(*secret.tape), bytes_of(*another.tape));
}

TEST_F(RedactedNight, KeepsTheClassesThatItIsTold) {
  for (const Kind kind :
       {Kind::LocalPart, Kind::Domain, Kind::Host, Kind::Address, Kind::Label, Kind::Id}) {
    RedactionRules rules;
    rules.kept[static_cast<std::size_t>(kind)] = true;
    const RedactedTape kept = redacted(*original_, rules);
    for (const Leak& leak : kept.report.leaks)
      ADD_FAILURE() << name_of(kind) << ": " << leak.where << " " << name_of(leak.kind);
    ASSERT_NE(kept.tape, nullptr);
    EXPECT_EQ(kept.report.counts[static_cast<std::size_t>(kind)].places, 0U);
    EXPECT_GT(result_->report.counts[static_cast<std::size_t>(kind)].places, 0U) << name_of(kind);
    const Seen seen(*kept.tape);
    EXPECT_NE(seen.text.find("redacted=" + std::string(name_of(kind))), std::string::npos);
  }
}

// ---- places ----

TEST(RedactedTapes, AreTheSameHoweverADialogueWasTorn) {
  const std::vector<std::pair<char, std::string>> said{
      {'S', "220 mx.provider.test\r\n"},
      {'C', "EHLO out.acme.com\r\n"},
      {'S', "250-mx.provider.test hi out.acme.com\r\n250 AUTH PLAIN\r\n"},
      {'C', "AUTH PLAIN AGJvYnNtaXRoAGh1bnRlcjIy\r\n"},
      {'S', "535-5.7.8 not bobsmith\r\n535 5.7.8 with hunter22\r\n"},
      {'C', "MAIL FROM:<jane.doe@acme.com>\r\nRCPT TO:<bob.smith@dest.net>\r\n"},
      {'S', "250 2.1.0 Ok\r\n550 5.1.1 <bob.smith@dest.net>: gone\r\n"},
      {'C', "QUIT\r\n"}};
  std::string whole_client;
  std::string whole_server;
  for (std::size_t piece = 200; piece > 0; piece = piece > 60 ? 60 : piece - 1) {
    TemporaryFile original;
    write_tape(frames_of(said, piece), original, origin_named("node"));
    const RedactedTape result = redacted(original);
    ASSERT_NE(result.tape, nullptr) << piece;
    const Seen seen(*result.tape);
    if (whole_client.empty()) {
      whole_client = seen.client;
      whole_server = seen.server;
      EXPECT_NE(seen.server.find("535-5.7.8 not ********\r\n"), std::string::npos) << seen.server;
      EXPECT_NE(seen.server.find("550 5.1.1 <"), std::string::npos);
    }
    EXPECT_EQ(seen.client, whole_client) << piece;
    EXPECT_EQ(seen.server, whole_server) << piece;
    expect_nothing_left(seen, {"bob.smith", "jane.doe", "hunter22", "bobsmith", "out.acme"});
  }
}

TEST(RedactedTapes, HaveNothingThatNobodyKnows) {
  std::vector<std::string> frames = frames_of(
      {{'S', "220 hi\r\n"}},
      100,
      R"(,"tenant":"acme","customer":"planted-1","recipient":{"planted-2":1},"mx_plan":{"planted-3":1})");
  frames.push_back(
      R"({"conn_meta":{"id":"s"},"payload":{"Planted4":"planted-4"},"when":"2026-08-04T21:00:00Z"})");
  frames.push_back("no event: planted-5");
  frames.push_back(
      R"({"when":"2026-08-04T21:00:00Z","payload":"Closed","conn_meta":{"id":"s"}, "planted-6":1})");
  frames.push_back(
      R"({"conn_meta":{"id":"s"},"payload":{"Diagnostic":{"level":"planted-7","message":"x"}},"when":"2026-08-04T21:00:00Z"})");
  TemporaryFile original;
  write_tape(frames, original, origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  const Seen seen(*result.tape);
  EXPECT_EQ(lower(seen.text).find("planted"), std::string::npos) << seen.text;
  EXPECT_GT(result.report.omitted.frames, 1U);
  EXPECT_GT(result.report.omitted.members, 2U);
}

TEST(RedactedTapes, MayHaveInABodyWhatAHeaderKeeps) {
  TemporaryFile original;
  write_tape(frames_of({{'S', "220 hi\r\n"},
                        {'C', "EHLO out.acme.com\r\n"},
                        {'S', "250 hi\r\n"},
                        {'C', "MAIL FROM:<a@b.com>\r\nRCPT TO:<c@d.com>\r\nDATA\r\n"},
                        {'S', "250 ok\r\n250 ok\r\n354 go on\r\n"},
                        {'C',
                         "Received: from x\r\n\tSun, 22 Nov 2026 19:34:17 +0000\r\n"
                         "Date: Sun, 22 Nov 2026 19:34:17 +0000\r\n"
                         "Content-Type: text/html\r\n\r\ntext/html\r\n.\r\n"},
                        {'S', "250 ok\r\n"}},
                       100),
             original,
             origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr) << result.report.leaks.at(0).where;
  const Seen seen(*result.tape);
  EXPECT_NE(seen.client.find("Date: Sun, 22 Nov 2026 19:34:17 +0000"), std::string::npos);
}

TEST(RedactedTapes, HaveNothingOfAnEncodedHeader) {
  TemporaryFile original;
  write_tape(frames_of({{'S', "220 hi\r\n"},
                        {'C', "DATA\r\n"},
                        {'S', "354 go on\r\n"},
                        {'C',
                         "Subject: =?utf-8?B?" + base64_of("Project Falcon") +
                             "?= =?utf-8?q?and_K=65strel_Nine?=\r\n\r\n.\r\n"},
                        {'S', "550 5.7.1 no Project Falcon\r\n"},
                        {'S', "550 5.7.1 not with and Kestrel Nine\r\n"}},
                       100),
             original,
             origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  expect_nothing_left(Seen(*result.tape), {"Project Falcon", "and Kestrel Nine"});
}

TEST(RedactedTapes, HaveNoPasswordThatIsAWord) {
  TemporaryFile original;
  write_tape(
      frames_of({{'S', "220 hi\r\n"},
                 {'C', "AUTH PLAIN " + base64_of(std::string("\0tim\0mailbox", 12)) + "\r\n"},
                 {'S', "535 5.7.8 not mailbox\r\n"}},
                100),
      original,
      origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  EXPECT_NE(Seen(*result.tape).server.find("not *******"), std::string::npos);
}

TEST(RedactedTapes, AreMadeOfDomainsOfAsManyLabelsAsALineHolds) {
  std::string domain;
  while (domain.size() < 200'000)
    domain += "a.";
  TemporaryFile original;
  write_tape(
      frames_of({{'S', "220 hi\r\n"}, {'C', "RCPT TO:<bob@" + domain + "com>\r\n"}}, 1 << 20),
      original,
      origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  EXPECT_EQ(Seen(*result.tape).client.find("a.a.a.a.a.a.a.a"), std::string::npos);
}

TEST(RedactedTapes, HaveNoOtherSpellingOfADomainThatABodyNamedFirst) {
  TemporaryFile original;
  write_tape(frames_of({{'S', "220 hi\r\n"},
                        {'C', "DATA\r\n"},
                        {'S', "354 go on\r\n"},
                        {'C', "\r\nmail.falcon.example\r\n.\r\nEHLO mail.falcon.example\r\n"},
                        {'S', "250 hi falcon.example\r\n"}},
                       100),
             original,
             origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  EXPECT_EQ(Seen(*result.tape).server.find("falcon"), std::string::npos);
}

TEST(RedactedTapes, HaveOneNameForAnAddressInEveryForm) {
  const testing::Dialogue dialogue(
      {{'S', "220 hi\r\n"},
       {'C', "EHLO [IPv6:2001:DB8:0:0:0:0:0:17]\r\n"},
       {'S', "250 hi [IPv6:2001:0db8::0017] at 2001:db8::17, not 2001:db8::99\r\n"},
       {'C', "RCPT TO:<bob@[IPv6:2001:db8:0::17]>\r\n"},
       {'S',
        "550 listed: 2001-db8--17.isp.test and "
        "7.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test\r\n"},
       {'S', "550 [2001:db8::aa]:25 and [IPv6:2001:db8::bb]\r\n"}},
      {},
      1000,
      R"(,"mx_address":"[2001:db8::99]:25","source_address":"[2001:db8::17]:4123")");
  ASSERT_FALSE(dialogue.leaks()) << dialogue.where();
  const Seen seen = dialogue.seen();
  std::set<std::string> names;
  std::string text = seen.client + seen.server;
  for (std::size_t at = 0; (at = text.find("IPv6:")) != std::string::npos;)
    text.replace(at, 5, " ");
  each_address(
      text,
      [](const IpAddress&) { return true; },
      [&](std::size_t from, std::size_t to) {
        names.insert(usual_address(text.substr(from, to - from)));
      });
  EXPECT_EQ(names.size(), 4U) << text;
  EXPECT_EQ(names.count("2001:db8::99"), 1U);
  for (const std::string gone :
       {"db8::17", "DB8", "0017", "db8:0::17", "db8--17", "7.1.0.0", "::aa", "::bb"})
    EXPECT_EQ(text.find(gone), std::string::npos) << gone << text;
}

TEST(RedactedTapes, AreNoneWhereSomethingIsLeft) {
  TemporaryFile original;
  // A word in a place that is kept.
  write_tape(
      frames_of(
          {{'S', "220 hi\r\n"}}, 100, R"(,"ready_queue_name":"src->mx.provider.test@smtp_client")"),
      original,
      origin_named("node"));
  EXPECT_NE(redacted(original).tape, nullptr);
  RedactionRules rules;
  rules.words = {"smtp_client"};
  for (const auto& key :
       {std::optional<PseudonymKey>(PseudonymKey{1}), std::optional<PseudonymKey>()}) {
    const RedactedTape result = redacted(original, rules, key);
    EXPECT_EQ(result.tape, nullptr);
    ASSERT_FALSE(result.report.leaks.empty());
    EXPECT_EQ(result.report.leaks[0].where, "event 1, metadata");
  }
}

TEST(RedactedTapes, HaveNoWordThatTheRulesName) {
  TemporaryFile original;
  write_tape(
      frames_of({{'S', "220 welcome to Project Falcon\r\n"}}, 100), original, origin_named("node"));
  RedactionRules rules;
  rules.words = {"project falcon"};
  EXPECT_NE(Seen(*redacted(original).tape).text.find("Falcon"), std::string::npos);
  EXPECT_EQ(Seen(*redacted(original, rules).tape).text.find("Falcon"), std::string::npos);
}

}  // namespace
}  // namespace smtptape
