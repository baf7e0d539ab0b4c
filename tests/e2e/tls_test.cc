// The program itself over TLS: capture and trace-smtp-client, what they say when it fails, and that
// no secret is in what they say or write.
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

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
using ::testing::StartsWith;

const std::string kEvent =
    R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
const std::string kShown = "[a]       === Connected\n[a]       === conn_meta id=\"a\"\n";

class TlsProgram : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = directory_ / name;
    write_file(path, text);
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
    return path;
  }
  [[nodiscard]] TlsServerSettings settings() const {
    TlsServerSettings settings;
    settings.identity = identity_;
    return settings;
  }
  Ran trace(const std::string& url, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"--endpoint", url, "trace-smtp-client"});
    return smtptape(options);
  }
  Ran capture(const std::string& url, std::vector<std::string> options = {}) {
    options.insert(options.begin(),
                   {"capture", "--endpoint", url, "--until-end", "--store", directory_ / "store"});
    return smtptape(options);
  }
  // Every byte that capture has left behind.
  std::string store() const {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "store")) {
      if (entry.is_regular_file()) all += read_file(entry.path().string());
    }
    return all;
  }

  TemporaryDirectory directory_;
  Identity identity_ = self_signed();
};

TEST_F(TlsProgram, ShowsTheFeed) {
  const FakeKumod server({upgrade_then({send_text(kEvent)})}, settings());
  const Ran ran = trace(server.url(), {"--cacert", file("ca.pem", identity_.certificate)});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, kShown);
}

TEST_F(TlsProgram, CapturesWithCredentialsThatItKeepsToItself) {
  TlsServerSettings asking = settings();
  const Identity client = self_signed();
  asking.client_ca = client.certificate;
  const FakeKumod server({upgrade_then({send_text(kEvent)})}, asking);
  const Ran ran = capture(server.url(),
                          {"--tls-fingerprint",
                           identity_.fingerprint,
                           "--tls-cert",
                           file("cert.pem", client.certificate),
                           "--tls-key",
                           file("key.pem", client.key),
                           "--basic-auth-file",
                           file("basic", "joe:s3cret\n")});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("smtptape: 1 received = 1 stored"));
  EXPECT_THAT(server.head(), EndsWith("\r\nAuthorization: Basic am9lOnMzY3JldA==\r\n\r\n"));

  const Ran info = smtptape({"info", directory_ / "store"});
  EXPECT_THAT(store(), HasSubstr(server.url()));
  const Ran shown = smtptape({"replay", directory_ / "store"});
  EXPECT_EQ(shown.out, kShown);
  for (const std::string& text : {ran.err, info.out, store()})
    EXPECT_THAT(text, AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("am9l"))));
}

TEST_F(TlsProgram, SaysHowToTrustAServer) {
  const FakeKumod server({upgrade_then({}), upgrade_then({})}, settings());
  for (const Ran& ran : {trace(server.url()), capture(server.url())}) {
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err,
                AllOf(HasSubstr("self-signed certificate; kumod makes itself such a one"),
                      EndsWith("if it is the right one: --tls-fingerprint " +
                               identity_.fingerprint + "\n")));
  }
}

TEST_F(TlsProgram, WarnsOfAnotherCertificateThanTheOneExpected) {
  const FakeKumod server({upgrade_then({})}, settings());
  std::string other = identity_.fingerprint;
  other.front() = other.front() == '0' ? '1' : '0';
  const Ran ran = trace(server.url(), {"--tls-fingerprint", other});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("another one than --tls-fingerprint names"),
                    HasSubstr("expected " + other + ", shown " + identity_.fingerprint),
                    HasSubstr("somebody is in between"),
                    Not(HasSubstr("if it is the right one"))));
}

TEST_F(TlsProgram, SaysWhatToDoWithoutCredentials) {
  const std::string body = "<Unauthenticated>@ ip=10.0.0.1 not permitted GET on x";
  const std::string answer =
      "HTTP/1.1 401 Unauthorized\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  const FakeKumod server({answer_with(answer), answer_with(answer)}, settings());
  const std::string ca = file("ca.pem", identity_.certificate);
  const Ran without = trace(server.url(), {"--cacert", ca});
  EXPECT_EQ(without.exit, 1);
  EXPECT_THAT(without.err,
              AllOf(HasSubstr(body), HasSubstr("trusted_hosts"), HasSubstr("--basic-auth-file")));
  const Ran with =
      trace(server.url(), {"--cacert", ca, "--bearer-token-file", file("token", "s3cret")});
  EXPECT_EQ(with.exit, 1);
  EXPECT_THAT(with.err, HasSubstr("the credentials were refused"));
  EXPECT_THAT(server.head(1), EndsWith("\r\nAuthorization: Bearer s3cret\r\n\r\n"));
}

TEST_F(TlsProgram, RefusesSecretsInTheUrlAndFilesThatAreNone) {
  for (const Ran& ran : {trace("https://joe:s3cret@127.0.0.1"),
                         capture("http://joe:s3cret@127.0.0.1"),
                         trace("https://127.0.0.1", {"--cacert", directory_ / "none.pem"}),
                         capture("https://127.0.0.1", {"--basic-auth-file", directory_ / "no"})}) {
    EXPECT_EQ(ran.exit, 2) << ran.err;
    EXPECT_EQ(lines_of(ran.err).size(), 1U) << ran.err;
    EXPECT_THAT(ran.err, Not(HasSubstr("s3cret")));
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ / "store"));
}

TEST_F(TlsProgram, IsAsKcliWithAsLive) {
  const FakeKumod server({upgrade_then({send_text(kEvent)})});
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  const Ran dropped = trace("http://joe:s3cret@" + host, {"--as-live"});
  EXPECT_EQ(dropped.exit, 0) << dropped.err;
  EXPECT_THAT(server.head(), Not(HasSubstr("Authorization")));
  const Ran tls = trace("https://" + host, {"--as-live"});
  EXPECT_EQ(tls.exit, 1);
  EXPECT_THAT(tls.err, HasSubstr("TLS is not supported with --as-live"));
  const Ran both = trace("http://" + host, {"--as-live", "--basic-auth-file", file("b", "a:b")});
  EXPECT_EQ(both.exit, 2);
  EXPECT_THAT(both.err, StartsWith("smtptape: --as-live: kcli knows neither"));
}

TEST_F(TlsProgram, WarnsOnceOfAKeyThatOthersCanRead) {
  const FakeKumod server({upgrade_then({send_text(kEvent)})}, settings());
  const std::string key = file("key.pem", identity_.key);
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  const Ran ran = trace(server.url(),
                        {"--tls-fingerprint",
                         identity_.fingerprint,
                         "--tls-cert",
                         file("cert.pem", identity_.certificate),
                         "--tls-key",
                         key});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, kShown);
  EXPECT_THAT(lines_of(ran.err).at(0), HasSubstr("key.pem: others than its owner can read it"));
}

}  // namespace
}  // namespace smtptape::testing
