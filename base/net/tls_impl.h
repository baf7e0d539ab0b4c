// What base/net/tls.cc makes and base/net/tls_session.cc uses: OpenSSL's own types.
#pragma once

#include <memory>
#include <optional>

#include "base/net/tls.h"

#include <openssl/ssl.h>

namespace smtptape {

struct OpensslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class Type>
using OpensslPtr = std::unique_ptr<Type, OpensslFree>;

struct TlsContext::Impl {
  OpensslPtr<SSL_CTX> context;
  std::optional<Fingerprint> fingerprint;
};

// The trouble of the connection that a session is about; see tls_session.cc.
struct TlsSessionNotes {
  const TlsContext::Impl* context = nullptr;
  bool untrusted = false;
  TlsTrouble trouble;
};

// Of the first error that OpenSSL has noted, in its words; forgets all of them.
[[nodiscard]] std::string take_openssl_reason();

// Where a session hangs its notes on its SSL; the context's callbacks write into them.
void attach_notes(SSL* ssl, TlsSessionNotes& notes);

}  // namespace smtptape
