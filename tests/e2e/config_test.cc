// capture --config FILE --check: what a user is told about the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;

Ran check(const std::string& file) {
  return smtptape("capture --check --config", {file});
}

TEST(CheckConfig, SaysHowManySourcesAGoodFileHas) {
  const std::string sample = SMTPTAPE_SOURCE_DIR "/samples/smtptape.toml";
  const Ran ran = check(sample);
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, sample + ": 1 source, good\n");
  EXPECT_EQ(ran.err, "");
  TemporaryDirectory directory;
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

TEST(CheckConfig, WantsAFile) {
  EXPECT_EQ(smtptape("capture --check", {}).exit, 2);
  const Ran ran = check("/none/smtptape.toml");
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("opening /none/smtptape.toml: No such file"));
}

}  // namespace
}  // namespace smtptape::testing
