// What we are as a client of TLS: whom we trust, and who we say we are.  Values in memory; the
// sockets are the business of base/net/connection.h.
//
// A peer is trusted because of the CAs of the system, or of those of a file instead, and then its
// name must be the one we wanted; or because its certificate has the SHA-256 that was given, and
// then nothing else of it is looked at: not name, not date, not issuer.
//
// OpenSSL does it, behind this header and base/net/tls_session.h, and nowhere else.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "base/net/system_trust.h"

namespace smtptape {

// SHA-256 of a certificate as it is sent (DER).
using Fingerprint = std::array<unsigned char, 32>;

// 64 hexadecimal digits of any case, with a colon between all pairs or none.
// Also as `openssl x509 -fingerprint` prints it, with "sha256 Fingerprint=" in front.
[[nodiscard]] std::optional<Fingerprint> parse_fingerprint(std::string_view text);
// AB:CD:…
[[nodiscard]] std::string show_fingerprint(const Fingerprint& fingerprint);

// PEM, and what to call it in an error.
struct PemText {
  std::string name;
  std::string text;
  bool operator==(const PemText&) const = default;
};

struct TlsSettings {
  std::optional<PemText> trusted;          // instead of the system's CAs
  std::optional<Fingerprint> fingerprint;  // instead of any CA
  std::optional<PemText> certificate;      // ours, with the chain behind it
  std::optional<PemText> key;              // of our certificate
  bool operator==(const TlsSettings&) const = default;
};

// Changes when the files do where the system's CAs stand.  They are read when a TlsContext is made.
struct SystemTrust {
  TrustPlaces places;
  std::array<std::int64_t, 2> changed{};  // the file, the directory
  bool operator==(const SystemTrust&) const = default;
};
[[nodiscard]] SystemTrust system_trust_now();

// The settings made ready, for any number of connections.  Doesn't change.
class TlsContext {
 public:
  // Throws UsageError for what can't be used: with the name of the PEM, without its content.
  explicit TlsContext(const TlsSettings& settings);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// How TLS fails, apart from what can happen to any connection.
enum class TlsErrc : int {
  Untrusted = 1,  // the peer's certificate
  NotTls,         // the peer speaks something else
  Failed,         // anything else between the two
};
[[nodiscard]] const boost::system::error_category& tls_category();
[[nodiscard]] boost::system::error_code make_error_code(TlsErrc error);

struct TlsTrouble {
  std::string why;                   // in OpenSSL's words
  std::string fingerprint;           // Untrusted: of the certificate that was shown
  std::string expected;              // Untrusted: another one was, with this fingerprint
  bool self_signed = false;          // Untrusted: because nobody but itself has signed it
  bool certificate_missing = false;  // the peer asked for ours, and there was none
};

}  // namespace smtptape
