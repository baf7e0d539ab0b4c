// No answer is silent: what was looked at, and what there is instead.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/tape/tape_writer.h"
#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class EmptyAnswers : public ::testing::Test {
 protected:
  void SetUp() override {
    const Ran ran =
        smtptape("import", {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_});
    ASSERT_EQ(ran.exit, 0) << ran.err;
  }
  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "night.tape";
};

TEST_F(EmptyAnswers, SayWhatWasLookedAtAndTheNearestName) {
  const auto told = AllOf(HasSubstr("520 events were looked at"),
                          HasSubstr("2026-11-22T19:34:39.814Z to 2026-11-22T19:34:41.990Z"),
                          HasSubstr("no events of --tenant \"acmee\"; there are acme, acme-eu"));
  for (const std::string how : {"--scope strict", "--scope session"}) {
    for (const std::string command : {"replay ", "export "}) {
      const Ran ran = smtptape(command + how + " --tenant acmee", {tape_});
      EXPECT_EQ(ran.exit, 0);
      EXPECT_EQ(ran.out, "");
      EXPECT_THAT(ran.err, told) << command << how;
    }
  }
  const std::string cut = directory_ / "cut.tape";
  const Ran extracted = smtptape("extract --tenant acmee -o", {cut, tape_});
  EXPECT_EQ(extracted.exit, 1);
  EXPECT_THAT(extracted.err, AllOf(told, HasSubstr("was not written")));
  EXPECT_FALSE(std::filesystem::exists(cut));
}

TEST_F(EmptyAnswers, SayThatTheTimesLieOutside) {
  const Ran late = smtptape("replay --since 2030-01-01T00:00:00Z", {tape_});
  EXPECT_EQ(late.exit, 0);
  EXPECT_THAT(late.err,
              AllOf(HasSubstr("--since 2030-01-01T00:00:00.000Z is after"),
                    HasSubstr("2026-11-22T19:34:41.990Z")));
  EXPECT_THAT(smtptape("export --until 2020-01-01T00:00:00Z", {tape_}).err,
              HasSubstr("--until 2020-01-01T00:00:00.000Z is before"));
}

TEST_F(EmptyAnswers, SayThatSessionsHadBegunBefore) {
  const Ran all = smtptape("export", {tape_});
  const std::string late = directory_ / "late.tape";
  ASSERT_EQ(smtptape({"import", "-", "-o", late}, lines_of(all.out).at(3) + "\n").exit, 0);
  const Ran ran = smtptape("replay --only-new", {late});
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("without --only-new they are shown"));
}

TEST_F(EmptyAnswers, AnAnswerWithEverythingThatWasAskedForIsSilent) {
  EXPECT_EQ(smtptape("replay --tenant acme --scope event", {tape_}).err, "");
  EXPECT_THAT(smtptape("replay --tenant acme --tenant acmme", {tape_}).err,
              HasSubstr("no events of --tenant \"acmme\""));
}

TEST_F(EmptyAnswers, ATapeThatWatchedAndHeldNothingSaysSo) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = {random_id(), "mta1", 1, false};
  header.clock.realtime = 1'785'877'200'000'000'000;  // 2026-08-04T21:00:00Z
  StringSink sink;
  TapeWriter writer(sink, header, {});
  writer.seal({}, header.clock.realtime + 3'600'000'000'000);
  const std::string quiet = directory_ / "quiet.tape";
  write_file(quiet, sink.text());
  const std::string when = "2026-08-04T21:00:00.000Z to 2026-08-04T22:00:00.000Z";
  EXPECT_THAT(smtptape("replay", {quiet}).err,
              HasSubstr("recorded was " + when + ", and nothing came"));
  EXPECT_THAT(smtptape("info", {quiet}).out, HasSubstr("nothing, though recorded from " + when));
}

TEST_F(EmptyAnswers, AStoreWithoutTapesSaysWhatToDo) {
  std::filesystem::create_directory(directory_ / "store");
  for (const std::string command : {"info", "replay", "verify"}) {
    const Ran ran = smtptape(command, {directory_ / "store"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err,
                AllOf(HasSubstr("no tapes in this directory"), HasSubstr("smtptape capture")));
  }
}

TEST_F(EmptyAnswers, TheManualAndTheServerAreToldApartOnlyWhereTheyDiffer) {
  const std::string recipient = "\"recipient\":[\"";
  const std::string all = smtptape("export", {tape_}).out;
  const std::size_t at = all.find(recipient) + recipient.size();
  const std::string one = all.substr(at, all.find('"', at) - at);
  const std::string only = directory_ / "only.tape";
  ASSERT_EQ(smtptape("extract --scope strict -o", {only, tape_, "--rcpt-to", one}).exit, 0);
  for (const std::string command : {"replay", "export"}) {
    EXPECT_THAT(smtptape(command, {tape_, "--rcpt-to", one}).err,
                HasSubstr("--rcpt-to: applied as the manual says"));
    EXPECT_THAT(smtptape(command, {tape_, "--rcpt-to", one, "--as-live"}).err,
                HasSubstr("--rcpt-to: without effect"));
    EXPECT_EQ(smtptape(command, {only, "--rcpt-to", one}).err, "");
    EXPECT_EQ(smtptape(command, {tape_, "--rcpt-to", one, "--scope", "session"}).err, "");
  }
}

}  // namespace
}  // namespace smtptape::testing
