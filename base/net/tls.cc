#include "base/net/tls.h"

#include <sys/stat.h>

#include <algorithm>
#include <new>
#include <utility>

#include <boost/algorithm/string/predicate.hpp>

#include "base/error.h"
#include "base/net/system_trust.h"
#include "base/net/tls_impl.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace smtptape {

namespace {

constexpr std::size_t kHexDigits = 2 * std::tuple_size_v<Fingerprint>;
// One recv() takes several records of 16 KiB.
constexpr std::size_t kTlsReadBuffer = 128 << 10;
constexpr std::array<unsigned char, 9> kOnlyHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Not the time for half measures: these fail when memory or OpenSSL itself is at its end.
void must(bool worked) {
  if (!worked) throw Error("setting up TLS: " + take_openssl_reason());
}

OpensslPtr<BIO> reader_of(const PemText& pem) {
  OpensslPtr<BIO> bio(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

[[noreturn]] void refuse(const PemText& pem, const std::string& why) {
  ERR_clear_error();
  throw UsageError(pem.name + ": " + why);
}

// All of the certificates; that there is text between them is usual.
std::vector<OpensslPtr<X509>> read_certificates(const PemText& pem) {
  const OpensslPtr<BIO> bio = reader_of(pem);
  std::vector<OpensslPtr<X509>> all;
  while (X509* const next = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr))
    all.emplace_back(next);
  // The end of the file is an error like any other to OpenSSL.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) refuse(pem, "a certificate in it cannot be read: " + take_openssl_reason());
  if (all.empty()) refuse(pem, "holds no certificate in PEM form");
  ERR_clear_error();
  return all;
}

int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

OpensslPtr<EVP_PKEY> read_key(const PemText& pem) {
  const OpensslPtr<BIO> bio = reader_of(pem);
  bool asked = false;
  OpensslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
  if (asked) refuse(pem, "the key has a passphrase; write it without one");
  if (!key) refuse(pem, "holds no private key in PEM form");
  return key;
}

void trust_only(SSL_CTX* context, const PemText& pem) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const OpensslPtr<X509>& certificate : read_certificates(pem))
    must(X509_STORE_add_cert(store, certificate.get()) == 1);
  // Also what is no CA, and what an unknown CA has signed: whoever put it there trusts it.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

// What can't be read is trusted as little as what is not there.
void trust_system(SSL_CTX* context) {
  const TrustPlaces places = trust_places();
  if (!places.file.empty()) SSL_CTX_load_verify_file(context, places.file.c_str());
  if (!places.directory.empty()) SSL_CTX_load_verify_dir(context, places.directory.c_str());
  ERR_clear_error();
}

void present(SSL_CTX* context, const PemText& certificate_pem, const PemText& key_pem) {
  std::vector<OpensslPtr<X509>> chain = read_certificates(certificate_pem);
  const OpensslPtr<EVP_PKEY> key = read_key(key_pem);
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    refuse(certificate_pem, "the certificate cannot be used: " + take_openssl_reason());
  }
  for (std::size_t i = 1; i < chain.size(); ++i)
    must(SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1);
  const bool fits = X509_check_private_key(chain.front().get(), key.get()) == 1;
  if (!fits) refuse(key_pem, "the key is not that of the certificate in " + certificate_pem.name);
  must(SSL_CTX_use_PrivateKey(context, key.get()) == 1);
}

// ---- callbacks ----

int notes_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

TlsSessionNotes& notes_of(const SSL* ssl) {
  return *static_cast<TlsSessionNotes*>(SSL_get_ex_data(ssl, notes_index()));
}

// Instead of OpenSSL's own verification, which it may call.
int verify(X509_STORE_CTX* chain, void* /*unused*/) {
  const void* const ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
  TlsSessionNotes& notes = notes_of(static_cast<const SSL*>(ssl));
  Fingerprint seen{};
  unsigned size = 0;
  X509* const shown = X509_STORE_CTX_get0_cert(chain);
  if (X509_digest(shown, EVP_sha256(), seen.data(), &size) != 1) return 0;
  bool trusted = false;
  if (notes.context->fingerprint) {
    trusted = *notes.context->fingerprint == seen;
    notes.trouble.why = "it is not the certificate that was expected";
    notes.trouble.expected = show_fingerprint(*notes.context->fingerprint);
    X509_STORE_CTX_set_error(chain, trusted ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  } else {
    trusted = X509_verify_cert(chain) == 1;
    const int error = X509_STORE_CTX_get_error(chain);
    notes.trouble.why = X509_verify_cert_error_string(error);
    notes.trouble.self_signed = error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
  }
  notes.untrusted = !trusted;
  notes.trouble.fingerprint = show_fingerprint(seen);
  return trusted ? 1 : 0;
}

// Called when the peer asks for a certificate and we have none.
int note_missing_certificate(SSL* ssl, X509** /*certificate*/, EVP_PKEY** /*key*/) {
  notes_of(ssl).trouble.certificate_missing = true;
  return 0;
}

class TlsCategory : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<TlsErrc>(value)) {
      case TlsErrc::Untrusted: return "the certificate is not trusted";
      case TlsErrc::NotTls: return "the peer does not speak TLS";
      case TlsErrc::Failed: break;
    }
    return "TLS failed";
  }
};

}  // namespace

std::string take_openssl_reason() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

void attach_notes(SSL* ssl, TlsSessionNotes& notes) {
  must(SSL_set_ex_data(ssl, notes_index(), &notes) == 1);
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
    if (!boost::iequals(text.substr(0, equals), "sha256 fingerprint")) return std::nullopt;
    text.remove_prefix(equals + 1);
  }
  const bool colons = text.size() == kHexDigits + kHexDigits / 2 - 1;
  if (!colons && text.size() != kHexDigits) return std::nullopt;
  const std::size_t step = colons ? 3 : 2;
  Fingerprint fingerprint{};
  for (std::size_t i = 0; i < fingerprint.size(); ++i) {
    const std::optional<unsigned> high = hex_value(text[i * step]);
    const std::optional<unsigned> low = hex_value(text[i * step + 1]);
    if (!high || !low || (colons && i > 0 && text[i * step - 1] != ':')) return std::nullopt;
    fingerprint[i] = static_cast<unsigned char>(*high << 4U | *low);
  }
  return fingerprint;
}

std::string show_fingerprint(const Fingerprint& fingerprint) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const unsigned char byte : fingerprint) {
    if (!text.empty()) text += ':';
    text.append({kHex[byte >> 4U], kHex[byte & 0xFU]});
  }
  return text;
}

SystemTrust system_trust_now() {
  SystemTrust now{trust_places(), {}};
  std::size_t i = 0;
  for (const auto& place : {now.places.file, now.places.directory}) {
    struct stat status {};
    if (!place.empty() && ::stat(place.c_str(), &status) == 0) {
      now.changed[i] = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    }
    ++i;
  }
  return now;
}

TlsContext::TlsContext(const TlsSettings& settings) : impl_(std::make_unique<Impl>()) {
  impl_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = impl_->context.get();
  must(context != nullptr && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  // kumod ends its connections without a close_notify.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kTlsReadBuffer);
  must(SSL_CTX_set_alpn_protos(context, kOnlyHttp11.data(), kOnlyHttp11.size()) == 0);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
  SSL_CTX_set_client_cert_cb(context, note_missing_certificate);

  impl_->fingerprint = settings.fingerprint;
  if (settings.trusted) {
    trust_only(context, *settings.trusted);
  } else if (!settings.fingerprint) {
    trust_system(context);
  }
  if (settings.certificate && settings.key) {
    present(context, *settings.certificate, *settings.key);
  }
}

TlsContext::~TlsContext() = default;

const boost::system::error_category& tls_category() {
  static const TlsCategory category;
  return category;
}

boost::system::error_code make_error_code(TlsErrc error) {
  return {static_cast<int>(error), tls_category()};
}

}  // namespace smtptape
