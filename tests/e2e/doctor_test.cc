// smtptape doctor: one finding a line, and an exit code for scripts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/support/fake_kumod.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;

TEST(Doctor, PrintsAFindingALine) {
  TemporaryDirectory directory;
  const FakeKumod kumod({upgrade_then({})});
  const Ran ran = smtptape("doctor --keep-free 1%",
                           {"--endpoint", kumod.url(), "--store", directory.path().string()});
  EXPECT_EQ(ran.exit, 0) << ran.out;
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr("ok    endpoint: 127.0.0.1:"));
  EXPECT_THAT(ran.out, HasSubstr("\nok    recorder: none is running\n"));
}

TEST(Doctor, EndsWithOneWhenNothingWouldBeRecorded) {
  const ClosedPort closed;
  const Ran ran = smtptape("doctor --json --endpoint", {closed.url()});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_TRUE(ran.out.starts_with(
      R"({"schema":"smtptape.doctor/1","health":"fail","what":"endpoint","detail":"connecting to )"))
      << ran.out;
}

TEST(Doctor, TakesStoreAndSourcesFromTheConfiguration) {
  TemporaryDirectory directory;
  const FakeKumod first({upgrade_then({})});
  const FakeKumod second({upgrade_then({})});
  write_file(directory / "smtptape.toml",
             "store = \"tapes\"\n[[source]]\nname = \"a\"\nendpoint = \"" + first.url() +
                 "\"\ntenant = \"acme\"\n[[source]]\nname = \"b\"\nendpoint = \"" + second.url() +
                 "\"\n");
  const Ran ran = smtptape("doctor --config", {directory / "smtptape.toml"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(directory / "tapes" + ": will be made"));
  EXPECT_THAT(first.frame(0).payload, HasSubstr(R"("tenant":["acme"])"));
  EXPECT_FALSE(second.frame(0).payload.empty());
}

}  // namespace
}  // namespace smtptape::testing
