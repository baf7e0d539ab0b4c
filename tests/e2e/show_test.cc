// A session is found by what a person has in hand, and told with what is not known of it.
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace json = boost::json;

const std::string kSession = "8817edca-6add-47a4-8d2c-ce963618dd93";
const std::string kMessage = "c26181fce6ab11f19c8ed686da453c0b";

class Show : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(store_);
    for (const std::string name : {"errors", "tlsauth"})
      tape_of("feeds/" + name + "/raw.jsonl", store_ + "/" + name + ".tape");
  }
  static void tape_of(const std::string& feed, const std::string& tape) {
    const Ran ran = smtptape("import", {golden_path(feed).string(), "-o", tape});
    ASSERT_TRUE(std::filesystem::exists(tape)) << ran.err;
  }
  static json::object object_of(const Ran& ran) {
    const std::vector<std::string> lines = lines_of(ran.out);
    EXPECT_EQ(lines.size(), 1U) << ran.out << ran.err;
    return lines.empty() ? json::object() : json::parse(lines[0]).as_object();
  }

  TemporaryDirectory directory_;
  std::string store_ = directory_ / "store";
};

TEST_F(Show, FindsASessionByItsIdAMessageAndARecipient) {
  const Ran by_id = smtptape({"show", kSession, store_});
  EXPECT_EQ(by_id.exit, 0);
  EXPECT_EQ(by_id.err, "");
  EXPECT_THAT(by_id.out, StartsWith("session " + kSession + "\n"));
  EXPECT_EQ(smtptape({"show", kMessage, store_}).out, by_id.out);
  EXPECT_EQ(smtptape({"show", "user97@rcptmixed.example", store_}).out, by_id.out);
}

TEST_F(Show, TellsWhatHappened) {
  const std::string out = smtptape({"show", kSession, store_}).out;
  for (const std::string& part : std::vector<std::string>{
           "from        src-c2 in pool pool_c",
           "to          mx.rcptmixed.example 127.0.0.5:2607, 1 of 1 in the plan",
           "TLS         none: the server does not offer it",
           "recipients  11: 5 delivered, 4 deferred, 2 bounced",
           "1. " + kMessage + "  mixed, 45.1 KiB",
           "user93@rcptmixed.example          bounced: 550 5.1.1 No such user, to RCPT",
           "user91@rcptmixed.example          delivered: 250 2.0.0 Ok: queued as 000000B7, to the "
           "message",
           "RCPT TO:<user90@rcptmixed.example>\n                        450 4.2.1 Mailbox busy",
           "how long messages were queued before, and what other sessions did with them",
           "kcli abort-ready-q-conn 'src-c2->mx_list:127.0.0.5:2607@smtp_client' " + kSession}) {
    EXPECT_THAT(out, HasSubstr(part));
  }
}

TEST_F(Show, ShowsTheTranscriptAsReplayDoes) {
  const std::string tape = directory_ / "one.tape";
  const Ran extracted =
      smtptape({"extract", store_, "--rcpt-to", "user97@rcptmixed.example", "-o", tape});
  ASSERT_EQ(extracted.exit, 0) << extracted.err;
  const std::string kcli = smtptape({"replay", tape}).out;
  EXPECT_GT(kcli.size(), 40'000U);
  EXPECT_THAT(smtptape({"show", kSession, store_}).out, HasSubstr("\ntranscript\n" + kcli));
  EXPECT_THAT(smtptape({"show", kSession, store_, "--color", "yes"}).out, HasSubstr("\x1b[36m"));
  const Ran without = smtptape({"show", kSession, store_, "--transcript", "none"});
  EXPECT_THAT(without.out, Not(HasSubstr("transcript")));
  EXPECT_EQ(smtptape({"show", kSession, store_, "--transcript", "some"}).exit, 2);
}

// The command line that it prints chooses the same session.
TEST_F(Show, TheNextStepWorks) {
  const std::string out = smtptape({"show", kSession, store_}).out;
  const std::size_t at = out.find("  smtptape extract ") + std::string("  smtptape ").size();
  ASSERT_LT(at, out.size());
  std::vector<std::string> words = shell_words(out.substr(at, out.find('\n', at) - at));
  words.back() = directory_ / "session.tape";
  const Ran ran = smtptape(words);
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(smtptape({"show", kSession, words.back()}).exit, 0);
  EXPECT_THAT(ran.err, HasSubstr("of 1 session,"));
}

TEST_F(Show, AsJson) {
  const json::object story = object_of(smtptape({"show", kSession, store_, "--json"}));
  EXPECT_EQ(story.at("schema").as_string(), "smtptape.show/1");
  EXPECT_EQ(story.at("id").as_string(), json::string_view(kSession));
  EXPECT_EQ(story.at("recipients").at("deferred").to_number<int>(), 4);
  EXPECT_EQ(story.at("attempts").at(0).at("tls").at("why_not").as_string(),
            "the server does not offer it");
  const json::value& rcpt = story.at("exchanges").at(3);
  EXPECT_EQ(rcpt.at("step").as_string(), "rcpt");
  EXPECT_EQ(rcpt.at("code").to_number<int>(), 450);
  EXPECT_EQ(rcpt.at("enhanced_code").as_string(), "4.2.1");
  EXPECT_GT(rcpt.at("seconds").to_number<double>(), 0);
  EXPECT_EQ(story.at("missing").at("begins_here").as_bool(), true);
}

TEST_F(Show, OfSeveralSessionsListsThemAndSaysHowToChoose) {
  const std::string twice = "twice@dest.example";
  std::string feed;
  for (const std::string id : {"first", "second"}) {
    feed += R"({"conn_meta":{"id":")" + id + R"(","recipient":[")" + twice +
            R"("]},"payload":"MessageObtained","when":"2026-08-04T21:00:00Z"})" + "\n";
  }
  const std::string tape = directory_ / "twice.tape";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, feed).exit, 0);
  const Ran ran = smtptape({"show", twice, tape});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.out,
              AllOf(StartsWith("2 sessions have this:\n"),
                    HasSubstr("  first  "),
                    HasSubstr("smtptape show second " + tape)));
  EXPECT_EQ(lines_of(smtptape({"show", twice, tape, "--json"}).out).size(), 2U);
  EXPECT_THAT(smtptape({"show", "second", tape}).out, StartsWith("session second\n"));
}

TEST_F(Show, WhatIsNotThereHasANearest) {
  const Ran near = smtptape({"show", "user97@rcptmixed.exmple", store_});
  EXPECT_EQ(near.exit, 0);
  EXPECT_EQ(near.out, "");
  EXPECT_THAT(near.err, HasSubstr("the nearest there is: user97@rcptmixed.example"));
  EXPECT_THAT(smtptape({"show", "8817e", store_}).err,  // too short to be the beginning of an id
              HasSubstr("the nearest there is: " + kSession));
  EXPECT_THAT(smtptape({"show", "USER97@RcptMixed.Example", store_}).err,
              HasSubstr("the nearest there is: user97@rcptmixed.example"));
  EXPECT_THAT(smtptape({"show", "nothing like it", store_}).err,
              AllOf(HasSubstr("no session, message or recipient is \"nothing like it\""),
                    Not(HasSubstr("nearest"))));
  EXPECT_THAT(smtptape({"show", kSession, store_, "--until", "2020-01-01T00:00:00Z"}).err,
              HasSubstr("--until 2020-01-01T00:00:00.000Z is before"));
  EXPECT_EQ(smtptape({"show", "", store_}).exit, 2);
  const Ran forgotten = smtptape({"show", store_});
  EXPECT_EQ(forgotten.exit, 2);
  EXPECT_THAT(forgotten.err, HasSubstr(store_ + " is what is read; before it name a session"));
}

TEST_F(Show, FiltersAndTimesChooseAmongSessions) {
  EXPECT_EQ(smtptape({"show", kMessage, store_, "--tenant", "other"}).out, "");
  EXPECT_THAT(smtptape({"show", kMessage, store_, "--tenant", "initech"}).out,
              StartsWith("session " + kSession));
  // A moment of it is enough, and all of it is told.
  const Ran moment = smtptape({"show",
                               kSession,
                               store_,
                               "--since",
                               "2026-11-22T19:34:40.020Z",
                               "--until",
                               "2026-11-22T19:34:40.021Z"});
  EXPECT_EQ(moment.out, smtptape({"show", kSession, store_}).out);
}

TEST_F(Show, ReadsWhatHoldsTheSessionAndNoMore) {
  const Ran ran = smtptape({"show", kSession, store_, "--explain"});
  EXPECT_THAT(ran.err, HasSubstr("reading: 1 group of"));
  EXPECT_THAT(ran.err, HasSubstr("passed over: none of the chosen sessions"));
}

TEST_F(Show, ReadsStandardInputAndTheConfiguredStore) {
  const std::string expected = smtptape({"show", kSession, store_, "--transcript", "none"}).out;
  const std::string facts = expected.substr(0, expected.find("\nnext\n"));
  EXPECT_THAT(smtptape({"show", kSession, "-"}, read_file(store_ + "/errors.tape")).out,
              StartsWith(facts));
  const std::string config = directory_ / "smtptape.toml";
  write_file(config, "store = \"" + store_ + "\"\n");
  EXPECT_EQ(smtptape({"show", kSession, "--config", config, "--transcript", "none"}).out, expected);
  EXPECT_EQ(smtptape({"show", kSession, "--config", directory_ / "none.toml"}).exit, 2);
  write_file(config, "");
  EXPECT_THAT(smtptape({"show", kSession, "--config", config}).err, HasSubstr("names no store"));
}

TEST_F(Show, TellsWhatIsMissing) {
  const std::string lag = directory_ / "lag.tape";
  tape_of("feeds/slices/lag-inside.jsonl", lag);
  const Ran lagged = smtptape({"show", "8873b34a-3f3f-42d2-8683-52531f3db9f7", lag});
  EXPECT_EQ(lagged.exit, 0);  // the gap is not in it
  EXPECT_THAT(lagged.out,
              AllOf(HasSubstr("recipients  30: 30 delivered"),
                    HasSubstr("TLS         not known"),
                    HasSubstr("it began before what is here")));

  const std::string terse = directory_ / "terse.tape";
  tape_of("feeds/slices/terse.jsonl", terse);
  const Ran abbreviated = smtptape({"show", "d8b7a4f3-70b9-4a3e-8eb7-38b8d29f2f99", terse});
  EXPECT_EQ(abbreviated.exit, 0);
  EXPECT_THAT(abbreviated.out,
              AllOf(HasSubstr("recipients  5: 5 delivered"),
                    HasSubstr("of 5 texts the server sent the first line only")));

  const std::string gap = directory_ / "gap.tape";
  const auto frame = [](const std::string& payload, const std::string& second) {
    return R"({"conn_meta":{"id":"s"},"payload":)" + payload + R"(,"when":"2026-08-04T21:00:)" +
           second + "Z\"}\n";
  };
  const std::string notice =
      R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":)"
      R"("Tracer Lagged behind and missed 7 events"}},"when":"2026-08-04T21:00:01Z"})"
      "\n";
  const std::string feed = frame("\"Connected\"", "00") + notice +
                           frame(R"({"Read":"250 x\r\n"})", "10") + frame("\"Closed\"", "10") +
                           notice;
  ASSERT_TRUE(smtptape({"import", "-", "-o", gap}, feed).exit == 0);
  const Ran touched = smtptape({"show", "s", gap});
  EXPECT_EQ(touched.exit, 3);
  EXPECT_EQ(touched.err, "");
  EXPECT_THAT(touched.out,
              AllOf(HasSubstr("it began before what is here"),
                    HasSubstr("events of it may be missing: server lag: 7 events missing"),
                    HasSubstr("what this answers is not known")));
  // Also where it lies outside of the times that found the session.
  EXPECT_EQ(smtptape({"show", "s", gap, "--since", "2026-08-04T21:00:05Z"}).out, touched.out);
}

TEST_F(Show, SecretsOfAuthAreInTheTranscriptOnly) {
  const std::string feed =
      R"({"conn_meta":{"id":"s"},"payload":"Connected","when":"2026-08-04T21:00:00Z"})"
      "\n"
      R"({"conn_meta":{"id":"s"},"payload":{"Write":"AUTH PLAIN AGJvYgBzZWNyZXQ=\r\n"},)"
      R"("when":"2026-08-04T21:00:00Z"})"
      "\n";
  const std::string tape = directory_ / "auth.tape";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, feed).exit, 0);
  EXPECT_THAT(smtptape({"show", "s", tape}).out, HasSubstr("AGJvYgBzZWNyZXQ="));
  EXPECT_THAT(smtptape({"show", "s", tape, "--transcript", "none"}).out,
              AllOf(HasSubstr("AUTH PLAIN …"), Not(HasSubstr("AGJvYgBzZWNyZXQ"))));
  EXPECT_THAT(smtptape({"show", "s", tape, "--json"}).out,
              AllOf(HasSubstr("AUTH PLAIN"), Not(HasSubstr("AGJvYgBzZWNyZXQ"))));
}

}  // namespace
}  // namespace smtptape::testing
