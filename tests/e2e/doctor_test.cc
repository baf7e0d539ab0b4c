// smtptape doctor: one finding a line, and an exit code for scripts.
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/support/fake_kumod.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string secret_file(const std::string& path, const std::string& text) {
  write_file(path, text);
  EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
  return path;
}

TlsServerSettings tls_of(const Identity& identity) {
  TlsServerSettings settings;
  settings.identity = identity;
  return settings;
}

TEST(Doctor, PrintsAFindingALine) {
  TemporaryDirectory directory;
  const FakeKumod kumod({upgrade_then({})});
  const Ran ran = smtptape("doctor --keep-free 1K",
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

TEST(Doctor, TellsProgramsEachPartByItself) {
  const TemporaryDirectory directory;
  const ClosedPort closed;
  std::filesystem::create_directory(directory / "store");
  std::filesystem::permissions(directory / "store", std::filesystem::perms(0755));
  const Ran ran = smtptape("doctor --json --keep-free 1K --store",
                           {directory / "store", "--endpoint", closed.url()});
  EXPECT_EQ(ran.exit, 1);
  const std::string address = closed.url().substr(std::string("http://").size());
  EXPECT_THAT(ran.out,
              HasSubstr("listens there\",\"about\":\"" + address + "\",\"advice\":\"is kumod"));
  EXPECT_THAT(ran.out,
              HasSubstr(R"(lets others in; tapes hold mail and passwords","about":")" +
                        (directory / "store") + R"(","advice":"chmod 0700"})"));
  EXPECT_THAT(ran.out, HasSubstr(R"(","free_bytes":)"));
  const Ran text =
      smtptape("doctor --keep-free 1K --store", {directory / "store", "--endpoint", closed.url()});
  EXPECT_THAT(text.out, HasSubstr("listens there; is kumod running"));
  // A password in the endpoint is refused, and shown nowhere.
  const Ran secret = smtptape("doctor --json --endpoint", {"http://me:hunter2@127.0.0.1:1"});
  EXPECT_THAT(secret.out + secret.err, Not(HasSubstr("hunter2")));
}

TEST(Doctor, TakesStoreAndSourcesFromTheConfiguration) {
  TemporaryDirectory directory;
  const FakeKumod first({upgrade_then({})});
  const FakeKumod second({upgrade_then({})});
  write_file(directory / "smtptape.toml",
             "store = \"tapes\"\nkeep_free = \"1K\"\n[[source]]\nname = \"a\"\nendpoint = \"" +
                 first.url() + "\"\ntenant = \"acme\"\n[[source]]\nname = \"b\"\nendpoint = \"" +
                 second.url() + "\"\n");
  const Ran ran = smtptape("doctor --config", {directory / "smtptape.toml"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(directory / "tapes" + ": will be made"));
  EXPECT_THAT(first.frame(0).payload, HasSubstr(R"("tenant":["acme"])"));
  EXPECT_FALSE(second.frame(0).payload.empty());
}

TEST(Doctor, ConnectsAsTheConfigurationSays) {
  TemporaryDirectory directory;
  const Identity identity = self_signed();
  const FakeKumod kumod({upgrade_then({})}, tls_of(identity));
  static_cast<void>(secret_file(directory / "mta.pem", identity.certificate));
  static_cast<void>(secret_file(directory / "token", "s3cret\n"));
  write_file(directory / "smtptape.toml",
             "[[source]]\nendpoint = \"" + kumod.url() +
                 "\"\ncacert = \"mta.pem\"\nbearer_token_file = \"token\"\n");
  const Ran ran = smtptape("doctor --config", {directory / "smtptape.toml"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("ok    endpoint: 127.0.0.1:"));
  EXPECT_THAT(kumod.head(), EndsWith("\r\nAuthorization: Bearer s3cret\r\n\r\n"));
  EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("s3cret")));
}

TEST(Doctor, TakesTheOptionsOfAccess) {
  TemporaryDirectory directory;
  const Identity identity = self_signed();
  const FakeKumod kumod({upgrade_then({}), upgrade_then({})}, tls_of(identity));
  const Ran without = smtptape("doctor --endpoint", {kumod.url()});
  EXPECT_EQ(without.exit, 1);
  EXPECT_THAT(without.out, HasSubstr("--tls-fingerprint " + identity.fingerprint + "\n"));
  const std::string open = directory / "basic";
  write_file(open, "joe:s3cret\n");
  ASSERT_EQ(::chmod(open.c_str(), 0644), 0);
  const Ran with =
      smtptape("doctor --endpoint",
               {kumod.url(), "--tls-fingerprint", identity.fingerprint, "--basic-auth-file", open});
  EXPECT_EQ(with.exit, 0) << with.out << with.err;
  EXPECT_THAT(with.out, HasSubstr("warn  access: source " + kumod.url() + ": --basic-auth-file"));
  EXPECT_THAT(with.out, HasSubstr(": with --tls-fingerprint nothing is recorded from the day on"));
  EXPECT_THAT(kumod.head(1), EndsWith("\r\nAuthorization: Basic am9lOnMzY3JldA==\r\n\r\n"));
}

TEST(Doctor, LooksAtTheOtherSourcesWhenOneCannotBeUsed) {
  TemporaryDirectory directory;
  const FakeKumod kumod({upgrade_then({})});
  write_file(directory / "smtptape.toml",
             "[[source]]\nname = \"a\"\nendpoint = \"https://127.0.0.1\"\ncacert = \"none.pem\"\n"
             "[[source]]\nname = \"b\"\nendpoint = \"" +
                 kumod.url() + "\"\n");
  const Ran ran = smtptape("doctor --config", {directory / "smtptape.toml"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("FAIL  endpoint: source a: --cacert: opening " +
                              (directory / "none.pem") + ": No such file"),
                    HasSubstr("\nok    endpoint: 127.0.0.1:")));
}

TEST(Doctor, RefusesAccessThatNoSourceWouldUse) {
  TemporaryDirectory directory;
  write_file(directory / "smtptape.toml", "[[source]]\nendpoint = \"http://127.0.0.1:1\"\n");
  const Ran ran = smtptape("doctor --cacert x --config", {directory / "smtptape.toml"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("give credentials there, or --endpoint here"));
  write_file(directory / "smtptape.toml", "stor = \"x\"\n");
  EXPECT_THAT(smtptape("doctor --config", {directory / "smtptape.toml"}).err,
              HasSubstr("smtptape.toml:1: unknown key \"stor\""));
}

}  // namespace
}  // namespace smtptape::testing
