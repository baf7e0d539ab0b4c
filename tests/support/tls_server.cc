#include "tests/support/tls_server.h"

#include <fcntl.h>
#include <poll.h>

#include <csignal>
#include <stdexcept>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace smtptape {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <class Type>
using Ptr = std::unique_ptr<Type, Free>;

void must(bool worked) {
  if (!worked) throw std::runtime_error("setting up the test's TLS server failed");
}

Ptr<BIO> reader(const std::string& text) {
  return Ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Ptr<X509> certificate_of(const std::string& pem) {
  return Ptr<X509>(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
}

int alpn_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Notes what is offered; like kumod it chooses nothing.
int note_alpn(SSL* ssl,
              const unsigned char** /*out*/,
              unsigned char* /*out_size*/,
              const unsigned char* in,
              unsigned in_size,
              void* /*unused*/) {
  auto& text = *static_cast<std::string*>(SSL_get_ex_data(ssl, alpn_index()));
  for (unsigned at = 0; at < in_size; at += in[at] + 1U) {
    if (!text.empty()) text += ',';
    text.append(reinterpret_cast<const char*>(in + at + 1), in[at]);
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

struct TlsServer::Impl {
  Ptr<SSL_CTX> context;
};

TlsServer::TlsServer(const TlsServerSettings& settings) : impl_(std::make_unique<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's sockets know no MSG_NOSIGNAL
  impl_->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = impl_->context.get();
  must(context != nullptr);
  if (settings.only_old) {
    SSL_CTX_set_security_level(context, 0);
    must(SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1);
    must(SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION) == 1);
  }
  if (settings.only_12) must(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1);
  const Ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(reader(settings.identity.key).get(), nullptr, nullptr, nullptr));
  must(SSL_CTX_use_certificate(context, certificate_of(settings.identity.certificate).get()) == 1);
  must(SSL_CTX_use_PrivateKey(context, key.get()) == 1);
  SSL_CTX_set_alpn_select_cb(context, note_alpn, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (settings.client_ca.empty()) return;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  must(X509_STORE_add_cert(store, certificate_of(settings.client_ca).get()) == 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

TlsServer::~TlsServer() = default;

struct TlsPeer::Impl {
  // Waits for what this result wants; false when it is a failure.
  bool wait_after(int result) {
    const int kind = SSL_get_error(ssl.get(), result);
    ERR_clear_error();
    if (kind == SSL_ERROR_WANT_READ) await(POLLIN);
    if (kind == SSL_ERROR_WANT_WRITE) await(POLLOUT);
    return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
  }

  std::function<void(short)> await;
  std::string alpn;
  Ptr<SSL> ssl;
};

TlsPeer::TlsPeer(const TlsServer& server, int socket, std::function<void(short)> await)
    : impl_(std::make_unique<Impl>()) {
  must(::fcntl(socket, F_SETFL, O_NONBLOCK) == 0);
  impl_->await = std::move(await);
  impl_->ssl.reset(SSL_new(server.impl().context.get()));
  must(SSL_set_fd(impl_->ssl.get(), socket) == 1);
  must(SSL_set_ex_data(impl_->ssl.get(), alpn_index(), &impl_->alpn) == 1);
}

TlsPeer::~TlsPeer() = default;

bool TlsPeer::shake_hands() {
  for (;;) {
    const int result = SSL_accept(impl_->ssl.get());
    if (result == 1) return true;
    if (!impl_->wait_after(result)) return false;
  }
}

std::string TlsPeer::greeting() const {
  SSL* const ssl = impl_->ssl.get();
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const Ptr<X509> client(SSL_get1_peer_certificate(ssl));
  std::string text = std::string(SSL_get_version(ssl)) + " sni=" + (name == nullptr ? "" : name) +
                     " alpn=" + impl_->alpn + " client=";
  if (!client) return text;
  std::string common_name(256, '\0');
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(client.get()),
                                             NID_commonName,
                                             common_name.data(),
                                             static_cast<int>(common_name.size()));
  return text + common_name.substr(0, static_cast<std::size_t>(std::max(size, 0)));
}

std::size_t TlsPeer::read(std::span<char> into) {
  for (;;) {
    std::size_t size = 0;
    const int result = SSL_read_ex(impl_->ssl.get(), into.data(), into.size(), &size);
    if (result == 1) return size;
    if (!impl_->wait_after(result)) return 0;
  }
}

bool TlsPeer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t size = 0;
    const int result = SSL_write_ex(impl_->ssl.get(), bytes.data(), bytes.size(), &size);
    if (result == 1) {
      bytes.remove_prefix(size);
    } else if (!impl_->wait_after(result)) {
      return false;
    }
  }
  return true;
}

void TlsPeer::say_goodbye() {
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

}  // namespace smtptape
