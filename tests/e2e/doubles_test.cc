// Two recorders of one endpoint: each session once, or once for each of them; never twice in one.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/support/fake_kumod.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

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

class TwoRecorders : public ::testing::Test {
 protected:
  TwoRecorders() {
    std::vector<Step> steps;
    for (const std::string& each : {frame("\"BeginSession\""),
                                    frame("\"Connected\""),
                                    server(R"(220 hi\r\n)"),
                                    frame("\"MessageObtained\""),
                                    client(R"(MAIL FROM:<a@b.example>\r\n)"),
                                    server(R"(250 ok\r\n)"),
                                    client(R"(RCPT TO:<c@d.example>\r\n)"),
                                    server(R"(250 ok\r\n)"),
                                    client(R"(DATA\r\n)"),
                                    server(R"(354 go\r\n)"),
                                    client(R"(Subject: x\r\n\r\nbye\r\n.\r\n)"),
                                    server(R"(250 queued\r\n)"),
                                    frame("\"Closed\"")})
      steps.push_back(send_text(each));
    const FakeKumod kumod({upgrade_then(steps), upgrade_then(steps)});
    for (const char* const name : {"one", "two"}) {
      const Ran ran = smtptape("capture --until-end --name",
                               {name, "--store", directory_ / name, "--endpoint", kumod.url()});
      EXPECT_EQ(ran.exit, 0) << ran.err;
    }
  }
  Ran ask(const std::string& line) {
    return smtptape(line, {directory_ / "one", directory_ / "two"});
  }

  TemporaryDirectory directory_;
};

TEST_F(TwoRecorders, HaveASessionOnce) {
  const std::vector<std::string> lines = lines_of(ask("sessions --json").out);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0],
              AllOf(HasSubstr(R"("rcpt_commands":1)"),
                    HasSubstr(R"("messages":1)"),
                    HasSubstr(R"("worst_reply":250)")));
}

TEST_F(TwoRecorders, KeptTheyHaveOneEachWithTheSameFigures) {
  const std::vector<std::string> lines = lines_of(ask("sessions --keep-doubles --json").out);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_THAT(lines[0], HasSubstr("\"one\""));
  EXPECT_THAT(lines[1], HasSubstr("\"two\""));
  for (const std::string& line : lines) {
    EXPECT_THAT(line,
                AllOf(HasSubstr(R"("rcpt_commands":1)"),
                      HasSubstr(R"("messages":1)"),
                      HasSubstr(R"("delivered":1)")));
  }
}

TEST_F(TwoRecorders, StatisticsCountEach) {
  EXPECT_THAT(ask("stats --json").out, HasSubstr(R"("sessions":1)"));
  const std::string both = ask("stats --keep-doubles --json").out;
  EXPECT_THAT(both, AllOf(HasSubstr(R"("sessions":2)"), HasSubstr(R"("messages":2)")));
}

TEST_F(TwoRecorders, ShowTellsOfEach) {
  const auto show = [this](const std::string& line) {
    return smtptape("show A " + line, {directory_ / "one", directory_ / "two"}).out;
  };
  EXPECT_THAT(lines_of(show("--json")), SizeIs(1));
  EXPECT_THAT(lines_of(show("--json --keep-doubles")), SizeIs(2));
  const std::string both = show("--keep-doubles");
  EXPECT_THAT(both,
              AllOf(HasSubstr("recorder    one"),
                    HasSubstr("\n\nsession A\n"),
                    HasSubstr("recorder    two")));
  EXPECT_EQ(both.find("\ntranscript\n"), both.rfind("\ntranscript\n"));
}

}  // namespace
}  // namespace smtptape::testing
