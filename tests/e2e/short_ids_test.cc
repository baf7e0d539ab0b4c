// The beginning of a session's id instead of the whole.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kFirst = "6a4f6e2e-1f3b-4b0a-9d55-0c1d2e3f4a5b";
const std::string kSecond = "6a4f6e2e-ffff-4b0a-9d55-0c1d2e3f4a5b";
const std::string kOther = "7b000000-1f3b-4b0a-9d55-0c1d2e3f4a5b";

std::string frame(const std::string& id, std::string_view payload, std::string_view second) {
  return R"({"conn_meta":{"id":")" + id + R"("},"payload":)" + std::string(payload) +
         R"(,"when":"2026-08-04T10:00:)" + std::string(second) + "Z\"}\n";
}
std::string session(const std::string& id, std::string_view second) {
  return frame(id, "\"BeginSession\"", second) + frame(id, "\"Connected\"", second) +
         frame(id, R"({"Read":"220 hi\r\n"})", second) + frame(id, "\"Closed\"", second);
}

class ShortIds : public ::testing::Test {
 protected:
  ShortIds() {
    feed_ = session(kFirst, "01") + session(kSecond, "02") + session(kOther, "03") +
            session("abcdef", "04") + session("abcdefgh", "05");
    tape_ = import(feed_, "night.tape");
  }
  std::string import(const std::string& feed, const std::string& name) {
    const std::string path = directory_ / name;
    write_file(directory_ / "feed.jsonl", feed);
    const Ran ran = smtptape("import", {directory_ / "feed.jsonl", "-o", path});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return path;
  }

  TemporaryDirectory directory_;
  std::string feed_;
  std::string tape_;
};

TEST_F(ShortIds, AreCompletedInShow) {
  const Ran whole = smtptape("show", {kOther, tape_});
  const Ran ran = smtptape("show", {"7b0000", tape_});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, whole.out);
  EXPECT_THAT(ran.out, StartsWith("session " + kOther));
}

TEST_F(ShortIds, AreCompletedWhereSessionsAreChosen) {
  for (const char* const command :
       {"replay --color no", "export", "sessions --json", "stats --json"}) {
    const Ran whole = smtptape(std::string(command) + " --session", {kSecond, tape_});
    const Ran ran = smtptape(std::string(command) + " --session", {kSecond.substr(0, 10), tape_});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, whole.out) << command;
    EXPECT_THAT(ran.out, Not(HasSubstr(kFirst)));
  }
  const std::string cut = directory_ / "cut.tape";
  EXPECT_EQ(smtptape("extract --session", {"7b0000", tape_, "-o", cut}).exit, 0);
  EXPECT_THAT(smtptape("export", {cut}).out, StartsWith(frame(kOther, "\"BeginSession\"", "03")));
}

TEST_F(ShortIds, ThatAreNotUniqueAreRefusedWithWhatThereIs) {
  for (const auto& words : {std::vector<std::string>{"show", "6a4f6e2e", tape_},
                            std::vector<std::string>{"replay", "--session", "6a4f6e2e-", tape_},
                            std::vector<std::string>{"sessions", "--session", "6a4f6e", tape_}}) {
    const Ran ran = smtptape("", words);
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(
        ran.err,
        HasSubstr(": 2 sessions begin so: " + kFirst + ", " + kSecond + "; give more of the id"));
  }
}

TEST_F(ShortIds, OfManySomeAreTold) {
  std::string feed;
  for (int i = 10; i < 20; ++i)
    feed += session("same-beginning-" + std::to_string(i), "01");
  const Ran ran = smtptape("show", {"same-beg", import(feed, "many.tape")});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("10 sessions begin so: same-beginning-10, same-beginning-11, "),
                    HasSubstr("same-beginning-14, …; give more"),
                    Not(HasSubstr("same-beginning-15"))));
}

TEST_F(ShortIds, WhatIsThereAsItIsWins) {
  const Ran ran = smtptape("show", {"abcdef", tape_});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("session abcdef\n"));
  EXPECT_THAT(smtptape("show", {"abcdefg", tape_}).out, StartsWith("session abcdefgh\n"));
}

TEST_F(ShortIds, OnlyTheTimesThatAreAskedForCount) {
  const Ran ran = smtptape("show --since 2026-08-04T10:00:02Z", {"6a4f6e", tape_});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("session " + kSecond));
}

TEST_F(ShortIds, FewerThanSixLettersAreAnId) {
  const Ran ran = smtptape("show", {"7b000", tape_});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("the nearest there is: " + kOther));
}

TEST_F(ShortIds, NobodyHasThisOne) {
  const Ran ran = smtptape("show", {"fffffff0", tape_});
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("no session, message or recipient is \"fffffff0\""));
}

TEST_F(ShortIds, StandardInputCanBeAskedToo) {
  const Ran ran = smtptape({"show", "7b0000", "-"}, read_file(tape_));
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("session " + kOther));
}

TEST_F(ShortIds, TheCostOfAWholeOneIsTheSame) {
  const std::string plan = smtptape("sessions --explain --session", {kOther, tape_}).err;
  EXPECT_EQ(smtptape("sessions --explain --session", {"7b0000", tape_}).err, plan);
}

}  // namespace
}  // namespace smtptape::testing
