#include "base/net/system_trust.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

#include <openssl/x509.h>
#include <stdlib.h>  // setenv: not in <cstdlib>

namespace smtptape {
namespace {

namespace fs = std::filesystem;

class SystemTrustTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("SSL_CERT_FILE");
    ::unsetenv("SSL_CERT_DIR");
  }
  void TearDown() override { SetUp(); }

  void have(const fs::path& path) {
    fs::create_directories(root(path).parent_path());
    testing::write_file(root(path).string(), "a certificate");
  }
  [[nodiscard]] fs::path root(const fs::path& path) const {
    return directory_.path() / path.relative_path();
  }
  [[nodiscard]] TrustPlaces found() const { return trust_places(directory_.path()); }

  TemporaryDirectory directory_;
};

TEST_F(SystemTrustTest, IsWhereOpensslWasMadeToLook) {
  const fs::path own = X509_get_default_cert_dir();
  have(own / "5ed36f99.0");
  have("/etc/pki/tls/certs/ca-bundle.crt");
  EXPECT_EQ(found(), (TrustPlaces{"", root(own)}));
  have(X509_get_default_cert_file());
  EXPECT_EQ(found(), (TrustPlaces{root(X509_get_default_cert_file()), root(own)}));
}

TEST_F(SystemTrustTest, ElseWhereTheDistributionKeepsIt) {
  for (const std::string file : {"/etc/ssl/certs/ca-certificates.crt",
                                 "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                 "/etc/ssl/ca-bundle.pem",
                                 "/var/lib/ca-certificates/ca-bundle.pem",
                                 "/etc/ssl/cert.pem"}) {
    have(file);
    EXPECT_EQ(found(), (TrustPlaces{root(file), ""})) << file;
    fs::remove(root(file));
  }
  have("/etc/pki/ca-trust/extracted/pem/directory-hash/5ed36f99.0");
  EXPECT_EQ(found(), (TrustPlaces{"", root("/etc/pki/ca-trust/extracted/pem/directory-hash")}));
}

// One of the machine's own beside the bundle must not hide it.
TEST_F(SystemTrustTest, ADirectoryOfOthersDoesNotReplaceTheBundle) {
  have("/etc/ssl/certs/01234567.0");
  have("/etc/pki/tls/certs/ca-bundle.crt");
  EXPECT_EQ(found(),
            (TrustPlaces{root("/etc/pki/tls/certs/ca-bundle.crt"), root("/etc/ssl/certs")}));
}

TEST_F(SystemTrustTest, ADirectoryWithoutHashesHoldsNone) {
  for (const std::string name :
       {"ca-bundle.crt", "5ed36f99", "5ed36f99.", "5ed36f99.x", "5ed36f9g.0", "5ed36f991.0"})
    have("/etc/ssl/certs/" + name);
  EXPECT_EQ(found(), TrustPlaces());
}

TEST_F(SystemTrustTest, TheEnvironmentGoesFirst) {
  have("/etc/ssl/certs/5ed36f99.0");
  have("/etc/ssl/certs/ca-certificates.crt");
  ::setenv("SSL_CERT_FILE", "/some/where.pem", 1);
  EXPECT_EQ(found(), (TrustPlaces{"/some/where.pem", root("/etc/ssl/certs")}));
  ::setenv("SSL_CERT_DIR", "/some/dir:/another", 1);
  EXPECT_EQ(found(), (TrustPlaces{"/some/where.pem", "/some/dir:/another"}));
}

TEST_F(SystemTrustTest, AnEmptySystemTrustsNobody) {
  EXPECT_EQ(found(), TrustPlaces());
}

}  // namespace
}  // namespace smtptape
