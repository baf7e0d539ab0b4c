#include "base/net/tls.h"

#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/certificates.h"

namespace smtptape {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kDigits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
const std::string kShown =
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

TEST(Fingerprint, IsReadWithAndWithoutColonsInAnyCase) {
  for (const std::string& text :
       {kDigits, kShown, "sha256 Fingerprint=" + kShown, "SHA256 Fingerprint=" + kDigits}) {
    const std::optional<Fingerprint> fingerprint = parse_fingerprint(text);
    ASSERT_TRUE(fingerprint) << text;
    EXPECT_EQ(show_fingerprint(*fingerprint), kShown);
  }
}

TEST(Fingerprint, IsNothingElse) {
  const std::string wrong[] = {
      "",
      kDigits.substr(1),
      "sha1 Fingerprint=" + kShown,
      "=" + kShown,
      kDigits + "0",
      kDigits.substr(2) + "0g",
      kShown.substr(1) + ":",
      "00-" + kShown.substr(3),
      kShown.substr(3),
      std::string(kShown.size(), ':'),
      kDigits.substr(0, 62) + std::string(2, '\0'),
  };
  for (const std::string& text : wrong)
    EXPECT_EQ(parse_fingerprint(text), std::nullopt) << text;
}

std::string refusal(const TlsSettings& settings) {
  try {
    const TlsContext context(settings);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TlsSettings presenting(const std::string& certificate, const std::string& key) {
  TlsSettings settings;
  settings.certificate = PemText{"cert.pem", certificate};
  settings.key = PemText{"key.pem", key};
  return settings;
}

TEST(TlsContext, TakesWhatIsWhole) {
  const Identity ours = self_signed();
  const Identity other = self_signed();
  TlsSettings settings = presenting("a comment\n" + ours.certificate + other.certificate, ours.key);
  settings.trusted = PemText{"ca.pem", ours.certificate + "\n# more\n" + other.certificate};
  EXPECT_EQ(refusal(settings), "accepted");
  EXPECT_EQ(refusal(TlsSettings()), "accepted");
}

TEST(TlsContext, SaysWhichPemCannotBeUsedAndWhy) {
  const Identity ours = self_signed();
  const Identity other = self_signed();
  TlsSettings trusting;
  trusting.trusted = PemText{"ca.pem", ours.key};
  EXPECT_EQ(refusal(trusting), "ca.pem: holds no certificate in PEM form");
  std::string damaged = ours.certificate;
  damaged.replace(100, 4, "AAAA");
  trusting.trusted = PemText{"ca.pem", other.certificate + damaged};
  EXPECT_THAT(refusal(trusting), HasSubstr("ca.pem: a certificate in it cannot be read: "));
  trusting.trusted = PemText{"ca.pem", other.certificate + ours.certificate.substr(0, 200)};
  EXPECT_THAT(refusal(trusting), HasSubstr("ca.pem: a certificate in it cannot be read: "));

  EXPECT_EQ(refusal(presenting("", ours.key)), "cert.pem: holds no certificate in PEM form");
  EXPECT_EQ(refusal(presenting(ours.certificate, ours.certificate)),
            "key.pem: holds no private key in PEM form");
  EXPECT_EQ(refusal(presenting(ours.certificate, other.key)),
            "key.pem: the key is not that of the certificate in cert.pem");
}

TEST(TlsContext, AsksNobodyForAPassphrase) {
  const Identity ours = self_signed();
  const std::string encrypted =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
      "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
      "-----END RSA PRIVATE KEY-----\n";
  EXPECT_THAT(refusal(presenting(ours.certificate, encrypted)),
              HasSubstr("key.pem: the key has a passphrase"));
}

TEST(TlsContext, ShowsNothingOfAKey) {
  const Identity ours = self_signed();
  const std::string broken = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(refusal(presenting(ours.certificate, broken)),
              AllOf(HasSubstr("key.pem"), Not(HasSubstr("c2VjcmV0")), Not(HasSubstr("secret"))));
}

}  // namespace
}  // namespace smtptape
