// What is checked before anything runs: files, their content, and what does not fit together.
#include "capture/feed/access_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "format/limits.h"
#include "tests/support/certificates.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const Endpoint kTls = parse_endpoint("https://mta:8443");
const Endpoint kPlain = parse_endpoint("http://mta:8000");
const Endpoint kLocal = parse_endpoint("http://127.0.0.1:8000");

class AccessTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = directory_ / name;
    ::smtptape::testing::write_file(path, text);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  FeedAccess read(const Endpoint& endpoint) const {
    return AccessFiles(settings_, endpoint).read();
  }
  std::vector<std::string> warnings(const Endpoint& endpoint) const {
    AccessFiles files(settings_, endpoint);
    static_cast<void>(files.read());
    return files.warnings();
  }
  std::string refusal(const Endpoint& endpoint = kTls) const {
    try {
      static_cast<void>(read(endpoint));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryDirectory directory_;
  AccessSettings settings_;
};

TEST_F(AccessTest, IsNothingWithoutSettings) {
  EXPECT_FALSE(settings_.any());
  EXPECT_EQ(read(kPlain).tls, nullptr);
  EXPECT_NE(read(kTls).tls, nullptr);
  EXPECT_THAT(read(kTls).credentials.header, IsEmpty());
  EXPECT_THAT(warnings(kTls), IsEmpty());
}

TEST_F(AccessTest, ReadsCredentialsWithoutTheEndOfTheirLine) {
  for (const std::string end : {"", "\n", "\r\n"}) {
    settings_.basic_auth_file = file("basic", "Aladdin:open sesame" + end);
    EXPECT_EQ(read(kTls).credentials.header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  }
  settings_.basic_auth_file.reset();
  settings_.bearer_token_file = file("token", "abc.def\n");
  EXPECT_EQ(read(kTls).credentials.header, "Bearer abc.def");
}

// They are renewed while a recorder runs.
TEST_F(AccessTest, ReadsEachFileAnewEachTime) {
  const Identity first = self_signed();
  const Identity second = self_signed();
  settings_.tls_cert = file("cert.pem", first.certificate);
  settings_.tls_key = file("key.pem", first.key);
  settings_.bearer_token_file = file("token", "old");
  AccessFiles files(settings_, kTls);
  const FeedAccess before = files.read();
  EXPECT_EQ(files.read().tls, before.tls) << "nothing has changed";
  static_cast<void>(file("token", "new"));
  EXPECT_EQ(files.read().credentials.header, "Bearer new");
  static_cast<void>(file("cert.pem", second.certificate));
  EXPECT_THROW(static_cast<void>(files.read()), UsageError) << "half renewed";
  static_cast<void>(file("key.pem", second.key));
  EXPECT_NE(files.read().tls, before.tls);
  std::filesystem::remove(directory_ / "token");
  EXPECT_THROW(static_cast<void>(files.read()), UsageError);
  static_cast<void>(file("token", "newest"));
  EXPECT_EQ(files.read().credentials.header, "Bearer newest");
}

// As a shell hands it over: <(secret-tool lookup …).
TEST_F(AccessTest, KeepsWhatCanBeReadOnlyOnce) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  ASSERT_EQ(::write(writing.get(), "s3cret\n", 7), 7);
  writing.reset();
  settings_.bearer_token_file = "/dev/fd/" + std::to_string(reading.get());
  AccessFiles files(settings_, kTls);
  EXPECT_EQ(files.read().credentials.header, "Bearer s3cret");
  EXPECT_EQ(files.read().credentials.header, "Bearer s3cret");
}

// Nothing on the network thread may wait for somebody who writes.
TEST_F(AccessTest, WaitsForNoPipeThatTookTheFilesPlace) {
  settings_.bearer_token_file = file("token", "old");
  AccessFiles files(settings_, kTls);
  static_cast<void>(files.read());
  std::filesystem::remove(directory_ / "token");
  ASSERT_EQ(::mkfifo((directory_ / "token").c_str(), 0600), 0);
  EXPECT_THROW(static_cast<void>(files.read()), UsageError);
}

TEST_F(AccessTest, RefusesWhatIsNoCredentialsWithoutShowingIt) {
  const std::string two_lines = file("two", "joe:s3cret\nmore:s3cret\n");
  settings_.basic_auth_file = two_lines;
  EXPECT_EQ(
      refusal(),
      "--basic-auth-file " + two_lines + ": it holds more than one line, or control characters");
  settings_.basic_auth_file = file("empty", "\n");
  EXPECT_THAT(refusal(), EndsWith(": it is empty"));
  settings_.basic_auth_file = file("no-colon", "s3cret");
  EXPECT_THAT(refusal(), AllOf(EndsWith("does not hold user:password"), Not(HasSubstr("s3cret"))));
}

TEST_F(AccessTest, ReadsFourKilobytesOfCredentialsAndNoMore) {
  settings_.basic_auth_file = file("full", "u:" + std::string(kMostCredentials - 2, 'x'));
  EXPECT_EQ(refusal(), "accepted");
  settings_.basic_auth_file = file("over", "u:" + std::string(kMostCredentials - 1, 'x'));
  EXPECT_THAT(refusal(), EndsWith("over: it has more than the 4096 bytes that it may have"));
  settings_.basic_auth_file = "/dev/zero";
  EXPECT_THAT(refusal(), HasSubstr("4096 bytes"));
}

TEST_F(AccessTest, NamesTheOptionAndTheFileThatCannotBeRead) {
  settings_.cacert = directory_ / "missing.pem";
  EXPECT_THAT(refusal(),
              AllOf(StartsWith("--cacert: "),
                    HasSubstr("missing.pem"),
                    HasSubstr("No such file or directory")));
  settings_.cacert = directory_.path().string();
  EXPECT_THAT(refusal(), AllOf(StartsWith("--cacert: "), HasSubstr("Is a directory")));
  settings_.cacert = "";
  EXPECT_EQ(refusal(), "--cacert: names no file");
  settings_.cacert = file("text.pem", "no certificate");
  EXPECT_EQ(refusal(),
            "--cacert " + settings_.cacert->string() + ": holds no certificate in PEM form");
}

TEST_F(AccessTest, ReadsPemUpToItsLimit) {
  const Identity identity = self_signed();
  std::string padded = identity.certificate;
  padded.resize(kMostPem, '\n');
  settings_.cacert = file("full.pem", padded);
  EXPECT_EQ(refusal(), "accepted");
  settings_.cacert = file("over.pem", padded + "\n");
  EXPECT_THAT(refusal(), HasSubstr("over.pem: it has more than the"));
}

TEST_F(AccessTest, RefusesWhatDoesNotFitTogether) {
  const Identity identity = self_signed();
  settings_.cacert = file("ca.pem", identity.certificate);
  settings_.tls_fingerprint = identity.fingerprint;
  EXPECT_THAT(refusal(), StartsWith("--cacert and --tls-fingerprint: "));
  settings_ = {};
  settings_.tls_cert = file("cert.pem", identity.certificate);
  EXPECT_THAT(refusal(), StartsWith("--tls-cert and --tls-key: "));
  settings_ = {};
  settings_.tls_key = file("key.pem", identity.key);
  EXPECT_THAT(refusal(kPlain), StartsWith("--tls-cert and --tls-key: "));
  settings_ = {};
  settings_.basic_auth_file = file("basic", "a:b");
  settings_.bearer_token_file = file("token", "c");
  EXPECT_THAT(refusal(), StartsWith("--basic-auth-file and --bearer-token-file: "));
}

TEST_F(AccessTest, RefusesToBelieveInTlsWhereThereIsNone) {
  settings_.tls_fingerprint = self_signed().fingerprint;
  EXPECT_EQ(refusal(kPlain),
            "--tls-fingerprint: the endpoint http://mta:8000 is without TLS; write https://");
  settings_ = {};
  settings_.cacert = file("ca.pem", self_signed().certificate);
  EXPECT_THAT(refusal(kPlain), StartsWith("--cacert: the endpoint"));
}

TEST_F(AccessTest, RefusesWhatIsNoFingerprint) {
  settings_.tls_fingerprint = "AB:CD";
  EXPECT_EQ(refusal(),
            "--tls-fingerprint: \"AB:CD\" is no SHA-256: 64 hexadecimal digits, with or without "
            "colons");
}

TEST_F(AccessTest, WarnsOfSecretsThatOthersCanRead) {
  const Identity identity = self_signed();
  settings_.tls_cert = file("cert.pem", identity.certificate, 0644);
  settings_.tls_key = file("key.pem", identity.key, 0640);
  settings_.basic_auth_file = file("basic", "a:b", 0604);
  EXPECT_THAT(warnings(kTls),
              ElementsAre("--tls-key " + settings_.tls_key->string() +
                              ": others than its owner can read it; chmod 600 would end that",
                          "--basic-auth-file " + settings_.basic_auth_file->string() +
                              ": others than its owner can read it; chmod 600 would end that"));
  settings_.tls_key = file("key.pem", identity.key, 0600);
  settings_.basic_auth_file = file("basic", "a:b", 0400);
  EXPECT_THAT(warnings(kTls), IsEmpty());
}

TEST_F(AccessTest, WarnsOfCredentialsThatGoUnencrypted) {
  settings_.basic_auth_file = file("basic", "joe:s3cret");
  EXPECT_THAT(warnings(kPlain),
              ElementsAre("the credentials go to mta:8000 unencrypted; use https:// if TLS is "
                          "spoken there"));
  EXPECT_THAT(warnings(kLocal), IsEmpty());
  EXPECT_THAT(warnings(kTls), IsEmpty());
}

}  // namespace
}  // namespace smtptape
