// What a user sees of a recording from which messages and passwords were left out.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/support/fake_kumod.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string frame(std::string_view payload) {
  return R"({"conn_meta":{"id":"A"},"payload":)" + std::string(payload) +
         R"(,"when":"2026-08-04T13:54:50.123Z"})";
}
std::string client(std::string_view json) {
  return frame("{\"Write\":\"" + std::string(json) + "\"}");
}
std::string server(std::string_view json) {
  return frame("{\"Read\":\"" + std::string(json) + "\"}");
}

const std::vector<std::string>& dialogue() {
  static const std::vector<std::string> kFrames{
      frame("\"Connected\""),
      client(R"(AUTH PLAIN AHNjb3R0AHRpZ2Vy\r\n)"),
      server(R"(235 welcome\r\n)"),
      client(R"(DATA\r\n)"),
      server(R"(354 go\r\n)"),
      client(R"(Subject: hello\r\nTo: b@d.example\r\n\r\nDear Bob,\r\nsee you.\r\n)"),
      client(R"(.\r\n)"),
      server(R"(250 queued\r\n)"),
      frame("\"Closed\""),
  };
  return kFrames;
}

class CaptureLevelsProgram : public ::testing::Test {
 protected:
  // Records the dialogue; gives back the tape's path.
  std::string record(const std::string& levels) {
    std::vector<Step> steps;
    for (const std::string& each : dialogue())
      steps.push_back(send_text(each));
    const FakeKumod kumod({upgrade_then(std::move(steps))});
    const Ran ran = smtptape("capture --until-end " + levels + " --name mta --store",
                             {store_, "--endpoint", kumod.url()});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return store_;
  }
  std::string exported(const std::string& tape) { return smtptape("export", {tape}).out; }

  TemporaryDirectory directory_;
  std::string store_ = directory_ / "store";
};

TEST_F(CaptureLevelsProgram, ByDefaultEverythingIsKept) {
  std::string all;
  for (const std::string& each : dialogue())
    all += each + "\n";
  const std::string tape = record("");
  EXPECT_EQ(exported(tape), all);
  EXPECT_THAT(smtptape("info", {tape}).out, Not(HasSubstr("trimmed")));
}

TEST_F(CaptureLevelsProgram, ReplayTellsWhatIsMissing) {
  const std::string tape = record("--bodies headers --secrets mask");
  const Ran ran = smtptape("replay --color no", {tape});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "[A]       === Connected\n"
            "[A]       === conn_meta id=\"A\"\n"
            "[A]   0ns ->  AUTH PLAIN ****************\n"
            "[A]   0ns  <- 235 welcome\n"
            "[A]   0ns ->  DATA\n"
            "[A]   0ns  <- 354 go\n"
            "[A]   0ns ->  Subject: hello\n"
            "[A]   0ns ->  To: b@d.example\n"
            "[A]   0ns === 21 bytes not recorded\n"
            "[A]   0ns ->  .\n"
            "[A]   0ns  <- 250 queued\n"
            "[A]   0ns === Closed\n");
}

TEST_F(CaptureLevelsProgram, AsLiveItIsToldBesideTheText) {
  const std::string tape = record("--bodies none --secrets mask");
  const Ran ran = smtptape("replay --as-live --color no", {tape});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.out, Not(HasSubstr("not recorded")));
  EXPECT_THAT(ran.err, HasSubstr("2 events are not as kcli would show them"));
  EXPECT_EQ(smtptape("replay --color no", {tape}).err.find("kcli"), std::string::npos);
}

TEST_F(CaptureLevelsProgram, TerseCountsTheWholeMessage) {
  const std::string tape = record("--bodies headers");
  EXPECT_THAT(smtptape("replay --terse --color no", {tape}).out,
              HasSubstr("->  Subject: hello\n[A]   0ns === bytes written=56\n[A]   0ns ->  .\n"));
}

TEST_F(CaptureLevelsProgram, ExportGivesFramesWithWhatIsThere) {
  const std::string out = exported(record("--bodies none --secrets mask"));
  EXPECT_THAT(out, HasSubstr(client("") + "\n" + client(R"(.\r\n)")));
  EXPECT_THAT(out, HasSubstr(client(R"(AUTH PLAIN ****************\r\n)")));
}

TEST_F(CaptureLevelsProgram, CopiesKeepTheMarks) {
  const std::string tape = record("--bodies headers --secrets mask");
  const std::string before = smtptape("replay --color no", {tape}).out;
  for (const char* const made : {"cut.tape", "compacted"}) {
    const std::string copy = directory_ / made;
    const Ran ran = copy.ends_with(".tape") ? smtptape("extract -o", {copy, tape})
                                            : smtptape("compact -o", {copy, tape});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(smtptape("replay --color no", {copy}).out, before);
    EXPECT_THAT(
        smtptape("info", {copy}).out,
        HasSubstr("recorded  with bodies headers, secrets mask: 1 event trimmed, 1 masked"));
  }
  EXPECT_THAT(smtptape("info --json", {tape}).out,
              HasSubstr(R"("bodies":"headers","secrets":"mask","trimmed":1,"masked":1)"));
}

TEST_F(CaptureLevelsProgram, OtherLevelsAreRefused) {
  const Ran bodies = smtptape("capture --store x --bodies some", {});
  EXPECT_EQ(bodies.exit, 2);
  EXPECT_THAT(bodies.err, HasSubstr("--bodies: \"some\" is none of full, headers, none"));
  const Ran secrets = smtptape("capture --store x --secrets hide", {});
  EXPECT_EQ(secrets.exit, 2);
  EXPECT_THAT(secrets.err, HasSubstr("--secrets: \"hide\" is none of keep, mask"));
}

}  // namespace
}  // namespace smtptape::testing
