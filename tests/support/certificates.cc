#include "tests/support/certificates.h"

#include <memory>
#include <stdexcept>

#include "base/net/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace smtptape {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class Type>
using Ptr = std::unique_ptr<Type, Free>;

void must(bool worked) {
  if (!worked) throw std::runtime_error("making a certificate failed");
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Ptr<BIO> reader(const std::string& text) {
  return Ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

void set_dates(X509* certificate, bool expired) {
  constexpr long kDay = 24L * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -kDay : kDay);
}

void set_name(X509* certificate, const std::string& common_name) {
  X509_NAME* const name = X509_get_subject_name(certificate);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(common_name.c_str());
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, -1, -1, 0) == 1);
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Ptr<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string fingerprint_of(X509* certificate) {
  Fingerprint digest{};
  unsigned size = 0;
  must(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1);
  return show_fingerprint(digest);
}

Identity make(const Identity* issuer, const CertificateWish& wish) {
  static long serial = 1;
  const Ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const Ptr<X509> certificate(X509_new());
  must(key && certificate);
  X509* const made = certificate.get();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
  set_dates(made, wish.expired);
  set_name(made, wish.common_name);
  must(X509_set_pubkey(made, key.get()) == 1);
  add_extension(made, NID_subject_alt_name, wish.names);
  if (wish.is_ca) add_extension(made, NID_basic_constraints, "critical,CA:TRUE");

  if (issuer == nullptr) {
    must(X509_set_issuer_name(made, X509_get_subject_name(made)) == 1);
    must(X509_sign(made, key.get(), EVP_sha256()) > 0);
  } else {
    const Ptr<X509> above(
        PEM_read_bio_X509(reader(issuer->certificate).get(), nullptr, nullptr, nullptr));
    const Ptr<EVP_PKEY> signer(
        PEM_read_bio_PrivateKey(reader(issuer->key).get(), nullptr, nullptr, nullptr));
    must(above && signer);
    must(X509_set_issuer_name(made, X509_get_subject_name(above.get())) == 1);
    must(X509_sign(made, signer.get(), EVP_sha256()) > 0);
  }

  Identity identity;
  const Ptr<BIO> certificate_text(BIO_new(BIO_s_mem()));
  const Ptr<BIO> key_text(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(certificate_text.get(), made) == 1);
  must(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
       1);
  identity.certificate = text_of(certificate_text.get());
  identity.key = text_of(key_text.get());
  identity.fingerprint = fingerprint_of(made);
  return identity;
}

}  // namespace

Identity self_signed(const CertificateWish& wish) {
  return make(nullptr, wish);
}

Identity signed_by(const Identity& issuer, const CertificateWish& wish) {
  return make(&issuer, wish);
}

}  // namespace smtptape
