// Sessions chosen by what came out, through the whole program: what is said, refused and told.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The recording of errors as a tape; as a store of two sources.
class Choices : public ::testing::Test {
 protected:
  static void import(const std::string& feed, const std::string& tape, const std::string& name) {
    const Ran ran = smtptape(
        "import",
        {golden_path("feeds/" + feed + "/raw.jsonl").string(), "--name", name, "-o", tape});
    ASSERT_EQ(ran.exit, 0) << ran.err;
  }
  void SetUp() override {
    import("errors", tape_, "mta1");
    import("tlsauth", other_, "mta2");
  }
  static std::set<std::string> sessions_of(const std::string& lines) {
    std::set<std::string> ids;
    const std::string key = "\"id\":\"";
    for (const std::string& line : lines_of(lines)) {
      const std::size_t at = line.find(key);
      if (at == std::string::npos) continue;
      const std::size_t from = at + key.size();
      ids.insert(line.substr(from, line.find('"', from) - from));
    }
    return ids;
  }
  std::set<std::string> sessions(const std::string& options) {
    const Ran ran = smtptape("export " + options, {tape_});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return sessions_of(ran.out);
  }
  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "errors.tape";
  std::string other_ = directory_ / "tls.tape";
};

TEST_F(Choices, WorkInEveryReadingCommand) {
  const std::string failed = smtptape("export --failed", {tape_}).out;
  const std::set<std::string> ids = sessions_of(failed);
  ASSERT_GT(ids.size(), 10U);
  const std::string extracted = directory_ / "failed.tape";
  ASSERT_EQ(smtptape("extract --failed -o", {extracted, tape_}).exit, 0);
  EXPECT_EQ(smtptape("export", {extracted}).out, failed);
  EXPECT_EQ(smtptape("replay --failed", {tape_}).out, smtptape("replay", {extracted}).out);
  EXPECT_EQ(smtptape({"export", "-", "--failed"}, read_file(tape_)).out, failed);
  const std::string id = *ids.begin();
  EXPECT_THAT(smtptape({"show", id, tape_, "--failed"}).out, HasSubstr(id));
  EXPECT_THAT(smtptape({"show", id, tape_, "--min-duration", "1h"}).err,
              AllOf(HasSubstr("the longest session took"),
                    HasSubstr("\"" + id + "\" is there, but no session of it came out")));
  EXPECT_EQ(sessions("--session " + id), std::set<std::string>{id});
  EXPECT_EQ(sessions("--failed --session " + id), std::set<std::string>{id});
}

TEST_F(Choices, ASessionComesOutWholeAndWithAScopeItsEvents) {
  const std::string whole = smtptape("export --code 550 --rcpt-to", {"nobody", tape_}).out;
  EXPECT_EQ(whole, "");
  const auto lines = [&](const std::string& options) {
    return lines_of(smtptape("export --tenant acme " + options, {tape_}).out);
  };
  const auto all = lines("--code 5xx");
  EXPECT_EQ(all, lines("--code 5xx --scope session"));
  const auto passing = lines("--code 5xx --scope event");
  const auto strict = lines("--code 5xx --scope strict");
  EXPECT_GT(all.size(), strict.size());
  EXPECT_GT(strict.size(), 0U);
  for (const std::string& line : strict)
    EXPECT_THAT(line, HasSubstr("\"tenant\":\"acme\""));
  const auto everything = lines("--scope strict");
  EXPECT_GT(everything.size(), strict.size());
  EXPECT_GT(passing.size(), strict.size());
}

TEST_F(Choices, WhatIsDeniedIsDeniedInEachScope) {
  const auto lines = [&](const std::string& options) {
    return lines_of(smtptape("export " + options, {tape_}).out);
  };
  std::size_t denied = 0, without = 0;
  const auto all = lines("");
  for (const std::string& line : all) {
    if (line.find("\"tenant\":\"acme\"") != std::string::npos) ++denied;
    if (line.find("\"tenant\":") == std::string::npos) ++without;
  }
  ASSERT_GT(denied, 0U);
  ASSERT_GT(without, 0U);
  EXPECT_EQ(lines("--not-tenant acme").size(), all.size() - denied);
  EXPECT_EQ(lines("--not-tenant acme --scope strict").size(), all.size() - denied - without);
  EXPECT_THAT(smtptape("export --not-tenant acmee", {tape_}).err,
              HasSubstr("no events of --not-tenant \"acmee\"; there are acme, acme-eu"));
  const std::set<std::string> acme = sessions("--tenant acme --scope session");
  const std::set<std::string> rest = sessions("--not-tenant acme --scope session");
  EXPECT_EQ(acme.size() + rest.size(), sessions("").size());
  for (const std::string& id : acme)
    EXPECT_FALSE(rest.contains(id));
}

TEST_F(Choices, EveryMistakeIsToldAtOnce) {
  const Ran ran = smtptape(
      "replay --code 7 --outcome lost --slow x>1s --tls maybe --grep ( --min-duration soon "
      "--not-source 1.2.3 --scope some",
      {tape_});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("--code: \"7\" is neither"),
                    HasSubstr("--outcome: \"lost\" is none of delivered, deferred, bounced"),
                    HasSubstr("--slow: \"x\" is none of the phases throttle, connect, banner"),
                    HasSubstr("--tls: \"maybe\" is none of none, yes, failed"),
                    HasSubstr("--grep: \"(\" is no regular expression"),
                    HasSubstr("--min-duration: \"soon\""),
                    HasSubstr("invalid --not-source value(s)"),
                    HasSubstr("--scope: \"some\"")));
  EXPECT_EQ(smtptape("export --session=", {tape_}).exit, 2);
  EXPECT_EQ(smtptape("export --reply=", {tape_}).exit, 2);
}

TEST_F(Choices, WhatOnlyTheEndTellsIsNotFollowed) {
  for (const std::string option : {"--code 550",
                                   "--failed",
                                   "--outcome bounced",
                                   "--reply x",
                                   "--grep x",
                                   "--igrep x",
                                   "--slow banner>1s",
                                   "--min-duration 1s",
                                   "--tls none",
                                   "--message-id m"}) {
    const Ran ran = smtptape("replay --follow " + option, {directory_.path().string()});
    EXPECT_EQ(ran.exit, 2) << option;
    EXPECT_THAT(ran.err,
                HasSubstr("--follow: " + option.substr(0, option.find(' ')) +
                          " chooses sessions by what comes later"));
  }
}

TEST_F(Choices, WhatEachEventTellsIsFollowed) {
  const std::string id = *sessions("--failed").begin();
  const std::string whole = smtptape("replay --session " + id, {tape_}).out;
  ASSERT_NE(whole, "");
  EXPECT_EQ(smtptape("replay --follow --session " + id, {tape_}).out, whole);
  EXPECT_EQ(smtptape("replay --follow --source-name mta1", {tape_}).out,
            smtptape("replay", {tape_}).out);
  EXPECT_EQ(smtptape("replay --follow --source-name mta3", {tape_}).out, "");
  EXPECT_EQ(smtptape("replay --follow --not-tenant acme", {tape_}).out,
            smtptape("replay --not-tenant acme", {tape_}).out);
}

TEST_F(Choices, ASourceIsOneOfTheRecorders) {
  const std::vector<std::string> both{tape_, other_};
  EXPECT_EQ(smtptape("export --source-name mta2", both).out, smtptape("export", {other_}).out);
  EXPECT_EQ(smtptape("export --source-name mta1 --source-name mta2", both).out,
            smtptape("export", both).out);
  const Ran nobody = smtptape("export --source-name mta3", both);
  EXPECT_EQ(nobody.out, "");
  EXPECT_THAT(nobody.err, HasSubstr("no tape of --source-name \"mta3\"; there are mta1, mta2"));
  // Both in one tape.
  const std::string one = directory_ / "one.tape";
  ASSERT_EQ(smtptape("extract -o", {one, tape_, other_}).exit, 0);
  EXPECT_EQ(smtptape("export --source-name mta2", {one}).out, smtptape("export", {other_}).out);
  EXPECT_EQ(sessions_of(smtptape("export --source-name mta2 --code 5xx", {one}).out),
            sessions_of(smtptape("export --code 5xx", {other_}).out));
}

TEST_F(Choices, AnEmptyAnswerSaysWhatThereIs) {
  const auto told = [&](const std::string& options) {
    const Ran ran = smtptape("export " + options, {tape_});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "");
    return ran.err;
  };
  EXPECT_THAT(told("--code 599"), HasSubstr("--code: no reply had it; there were 220, "));
  EXPECT_THAT(told("--outcome mixed,unknown --code 599"), HasSubstr("--code: no reply had it"));
  EXPECT_THAT(told("--slow banner>1h"), HasSubstr("the longest took: banner "));
  EXPECT_THAT(told("--min-duration 1h"), HasSubstr("the longest session took "));
  EXPECT_THAT(told("--tls yes"), HasSubstr("no connection was so; there were: none"));
  EXPECT_THAT(told("--grep ^nowhere$"), HasSubstr("--grep: no line matches"));
  EXPECT_THAT(told("--outcome not-connected --code 220"),
              HasSubstr("no session has all of it; by themselves it is: --code "));
  EXPECT_THAT(told("--failed --since -1s"),
              AllOf(HasSubstr("--since"),
                    HasSubstr("sessions came out so; filters or times leave none of them")));
  const std::string id = *sessions("").begin();
  EXPECT_THAT(told("--session " + id.substr(0, 5)),  // too short for the beginning of an id
              HasSubstr("no session is \"" + id.substr(0, 5) + "\"; the nearest there is: "));
  EXPECT_THAT(told("--message-id 0"), HasSubstr("no message is \"0\""));
}

TEST_F(Choices, AHostMayBeSpelledAsAPersonDoes) {
  const std::string tape = directory_ / "idn.tape";
  const std::string frame =
      R"({"conn_meta":{"id":"a","domain":"xn--mnchen-3ya.example","mx_host":"mx.example."},)"
      R"("payload":"Closed","when":"2026-08-04T21:00:00Z"})"
      "\n";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, frame).exit, 0);
  const auto run = [&](const std::string& options) {
    return smtptape("export --scope strict " + options, {tape});
  };
  for (const std::string host : {"mx.example", "MX.example", "Mx.Example."}) {
    const Ran ran = run("--mx-host " + host);
    EXPECT_EQ(ran.out, frame) << host;
    EXPECT_THAT(ran.err, HasSubstr("--mx-host \"" + host + "\": found as \"mx.example.\""));
  }
  EXPECT_EQ(run("--mx-host mx.example.").err, "");
  const Ran umlaut = run("--domain m\xc3\xbcnchen.example");
  EXPECT_EQ(umlaut.out, frame);
  EXPECT_THAT(umlaut.err, HasSubstr("found as \"xn--mnchen-3ya.example\""));
  EXPECT_EQ(run("--domain m\xc3\xbcnchen.example.").out, frame);
  EXPECT_EQ(run("--not-mx-host mx.example").out, "");
  EXPECT_EQ(run("--mx-host mx.example --as-live").out, "") << "a server knows one spelling";
  EXPECT_EQ(run("--mail-from mx.example").out, "") << "no host";
  EXPECT_EQ(smtptape("export --scope session --mx-host mx.example", {tape}).out, frame);
}

TEST_F(Choices, WhatWasNotKnownYetIsSaid) {
  const std::string told = "came out only because what is filtered was not known in them yet";
  const std::size_t all = sessions("--tenant acme --scope event").size();
  const std::size_t known = sessions("--tenant acme --scope session").size();
  ASSERT_GT(all, known);
  const std::string line = std::to_string(all - known) + " of " + std::to_string(all) +
                           " sessions " + told + "; --scope session leaves them out";
  EXPECT_THAT(smtptape("replay --tenant acme", {tape_}).err, HasSubstr(line));
  EXPECT_THAT(smtptape("export --tenant acme", {tape_}).err, HasSubstr(line));
  for (const std::string options : {"--tenant acme --scope event",
                                    "--tenant acme --scope session",
                                    "--tenant acme --as-live",
                                    "",
                                    "--not-tenant acme"}) {
    EXPECT_THAT(smtptape("replay " + options, {tape_}).err, Not(HasSubstr(told))) << options;
  }
}

TEST_F(Choices, ExplainSaysWhatWasLookedAt) {
  const Ran ran = smtptape("export --code 5xx --explain", {tape_});
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("plan, choosing sessions: 1 tape"),
                    HasSubstr("plan, looking at what came out: 1 tape"),
                    HasSubstr("that may have come out so, ")));
  // Of what lies outside of the times nothing is looked at.
  EXPECT_THAT(smtptape("export --failed --until 2026-11-22T19:34:39.900Z --explain", {tape_}).err,
              HasSubstr("plan: of 4 sessions that may have come out so, 4 did"));
  EXPECT_THAT(smtptape("export --source-name mta2 --explain", {tape_, other_}).err,
              HasSubstr("plan: 1 tape passed over: of other sources"));
}

}  // namespace
}  // namespace smtptape::testing
