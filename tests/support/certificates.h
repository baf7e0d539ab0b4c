// Certificates made when a test runs: no private key stands in the repository.
#pragma once

#include <string>

namespace smtptape {

struct Identity {
  std::string certificate;  // PEM
  std::string key;          // PEM
  std::string fingerprint;  // AB:CD:…
};

struct CertificateWish {
  std::string common_name = "fake kumod";
  std::string names = "DNS:localhost,IP:127.0.0.1";  // as subjectAltName; empty: none
  bool expired = false;
  bool is_ca = false;
};

[[nodiscard]] Identity self_signed(const CertificateWish& wish = {});
[[nodiscard]] Identity signed_by(const Identity& issuer, const CertificateWish& wish = {});

}  // namespace smtptape
