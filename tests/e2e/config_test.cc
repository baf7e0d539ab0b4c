// capture --config FILE --check: what a user is told about the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/support/fake_kumod.h"

namespace smtptape::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Ran check(const std::string& file) {
  return smtptape("capture --check --config", {file});
}

TEST(CheckConfig, SaysHowManySourcesAGoodFileHas) {
  TemporaryDirectory directory;
  const std::string samples = SMTPTAPE_SOURCE_DIR "/samples/";
  // The one of the pod stands in its description, indented.
  const std::string pod = read_file(samples + "container/kubernetes.yml");
  const std::size_t begins = pod.find("  smtptape.toml: |\n");
  ASSERT_NE(begins, std::string::npos);
  const std::string of_pod = directory / "pod.toml";
  write_file(of_pod, pod.substr(pod.find('\n', begins) + 1));
  for (const std::string& sample :
       {samples + "smtptape.toml", samples + "container/smtptape.toml", of_pod}) {
    const Ran ran = check(sample);
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, sample + ": 1 source, good\n");
    EXPECT_EQ(ran.err, "");
  }
  const std::string two = directory / "two.toml";
  write_file(two, "[[source]]\nendpoint='http://a'\n[[source]]\nendpoint='http://b'\n");
  EXPECT_EQ(check(two).out, two + ": 2 sources, good\n");
}

TEST(CheckConfig, TellsEveryMistakeWithFileAndLine) {
  TemporaryDirectory directory;
  const std::string file = directory / "bad.toml";
  write_file(file, "stor = \"x\"\n[[source]]\nendpoint = \"http://a\"\nsource = \"10.0.0\"\n");
  const Ran ran = check(file);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.out, "");
  const std::vector<std::string> lines = lines_of(ran.err);
  ASSERT_EQ(lines.size(), 2U) << ran.err;
  EXPECT_EQ(lines[0], file + ":1: unknown key \"stor\"; did you mean store?");
  EXPECT_THAT(lines[1], HasSubstr(file + ":4: source: 10.0.0 is not a valid CIDR"));
}

TEST(CheckConfig, AFileThatCannotBeReadIsAMistake) {
  const Ran ran = check("/nowhere/smtptape.toml");
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.err,
            "smtptape: the configuration: opening /nowhere/smtptape.toml: No such file or "
            "directory\n");
  EXPECT_EQ(check("/").exit, 2);
}

// What a recorder would find only when it connects.
TEST(CheckConfig, TellsOfFilesThatCannotBeUsed) {
  TemporaryDirectory directory;
  const std::string file = directory / "bad.toml";
  write_file(directory / "empty", "");
  write_file(file,
             "[[source]]\nname = 'a'\nendpoint = 'https://a'\ncacert = 'none.pem'\n"
             "bearer_token_file = 'empty'\n"
             "[[source]]\nname = 'b'\nendpoint = 'http://b'\nbasic_auth_file = 'none'\n");
  const Ran ran = check(file);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.out, "");
  const std::string missing = ": No such file or directory";
  EXPECT_THAT(lines_of(ran.err),
              ElementsAre(file + ":4: cacert: opening " + (directory / "none.pem") + missing,
                          file + ":5: bearer_token_file " + (directory / "empty") + ": it is empty",
                          file + ":9: basic_auth_file: opening " + (directory / "none") + missing));
}

TEST(CheckConfig, RefusesSizesThatDoNotGoTogether) {
  TemporaryDirectory directory;
  const std::string file = directory / "small.toml";
  write_file(file,
             "max_bytes = 20\nqueue_bytes = \"100M\"\n"
             "[[source]]\nendpoint='http://a'\n[[source]]\nendpoint='http://b'\n");
  const Ran ran = check(file);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.err,
            file +
                ":1: max_bytes: 20 bytes is too little to record into; give 2.0 MiB at least, "
                "or a number with its unit, such as 20G\n" +
                file +
                ":2: queue_bytes: 100.0 MiB is less than twice the largest frame, 64.0 MiB\n");
}

TEST(CaptureOptionsTogether, AreRefusedByTheirNames) {
  const Ran small =
      smtptape({"capture", "--endpoint", "http://a", "--store", "s", "--max-bytes", "20"});
  EXPECT_EQ(small.exit, 2);
  EXPECT_THAT(small.err, StartsWith("smtptape: --max-bytes: 20 bytes is too little"));
  const Ran queue =
      smtptape({"capture", "--endpoint", "http://a", "--store", "s", "--queue-bytes", "100M"});
  EXPECT_EQ(queue.exit, 2);
  EXPECT_THAT(queue.err, StartsWith("smtptape: --queue-bytes: 100.0 MiB is less than twice"));
}

TEST(CaptureConfig, AnEndpointInFrontOfTheCommandReplacesThoseOfTheFile) {
  TemporaryDirectory directory;
  const FakeKumod kumod({upgrade_then({})});
  const std::string file = directory / "smtptape.toml";
  write_file(file,
             "store = \"s\"\nkeep_free = \"1K\"\n[[source]]\nendpoint = \"http://127.0.0.1:1\"\n");
  const Ran ran = smtptape({"--endpoint", kumod.url(), "capture", "--until-end", "--config", file});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("connected to 127.0.0.1:" + std::to_string(kumod.port())));
}

TEST(CaptureConfig, AFileOfLimitsAloneDoesForAnEndpointThatIsGiven) {
  TemporaryDirectory directory;
  const FakeKumod kumod({upgrade_then({})});
  const std::string file = directory / "limits.toml";
  write_file(file, "store = \"s\"\nkeep_free = 5000\n");
  const Ran ran = smtptape({"capture", "--until-end", "--config", file, "--endpoint", kumod.url()});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(check(file).exit, 2) << "without one there is nothing to record";
}

TEST(CheckConfig, WantsAFile) {
  EXPECT_EQ(smtptape("capture --check", {}).exit, 2);
}

}  // namespace
}  // namespace smtptape::testing
