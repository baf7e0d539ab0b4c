#include "base/net/tls_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <boost/asio/error.hpp>

#include "base/error.h"
#include "base/net/tls_impl.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace smtptape {

using boost::system::error_code;
using Next = TlsSession::Step::Next;

namespace {

// What happened on the socket below TLS.
struct Wire {
  int socket = -1;
  int error = 0;  // errno
  bool ended = false;
  std::array<unsigned char, 2> beginning{};  // of what the peer sends
  std::size_t begun = 0;

  void note(const char* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size && begun < beginning.size(); ++i)
      beginning[begun++] = static_cast<unsigned char>(bytes[i]);
  }
  // A record: its type, then the 3 that stands for every version of TLS.
  [[nodiscard]] bool may_be_tls() const {
    constexpr unsigned char kFirstType = 20;
    constexpr unsigned char kLastType = 24;
    if (begun > 0 && (beginning[0] < kFirstType || beginning[0] > kLastType)) return false;
    return begun < 2 || beginning[1] == 3;
  }
};

// ---- a socket as OpenSSL sees it: without SIGPIPE, and with our notes ----

Wire& wire_of(BIO* bio) {
  return *static_cast<Wire*>(BIO_get_data(bio));
}

bool try_again_later(int error) {
  return error == EAGAIN || error == EINTR;
}

int wire_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  Wire& wire = wire_of(bio);
  const ssize_t got = ::recv(wire.socket, to, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (got > 0) wire.note(to, static_cast<std::size_t>(got));
  if (got == 0) wire.ended = true;
  if (got < 0 && try_again_later(errno)) {
    BIO_set_retry_read(bio);
  } else if (got < 0) {
    wire.error = errno;
  }
  return static_cast<int>(got);
}

int wire_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  Wire& wire = wire_of(bio);
  const ssize_t sent =
      ::send(wire.socket, from, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && try_again_later(errno)) {
    BIO_set_retry_write(bio);
  } else if (sent < 0) {
    wire.error = errno;
  }
  return static_cast<int>(sent);
}

long wire_control(BIO* bio, int what, long /*number*/, void* /*pointer*/) {
  if (what == BIO_CTRL_FLUSH) return 1;
  if (what == BIO_CTRL_EOF) return wire_of(bio).ended ? 1 : 0;
  return 0;
}

const BIO_METHOD* wire_method() {
  static const OpensslPtr<BIO_METHOD> method = [] {
    OpensslPtr<BIO_METHOD> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire"));
    SMTPTAPE_CHECK(made && BIO_meth_set_read(made.get(), wire_read) == 1 &&
                   BIO_meth_set_write(made.get(), wire_write) == 1 &&
                   BIO_meth_set_ctrl(made.get(), wire_control) == 1);
    return made;
  }();
  return method.get();
}

void must(bool worked) {
  if (!worked) throw Error("beginning TLS: " + take_openssl_reason());
}

// Names go into the greeting, too; addresses may not.  The dot at the end of a name and the zone of
// an address are for those who look for the host, and stand in no certificate.
void expect_peer(SSL* ssl, std::string host) {
  if (host.ends_with('.')) host.pop_back();
  host.resize(std::min(host.find('%'), host.size()));
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const bool is_address = inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                          inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_address) {
    must(X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1);
  } else {
    must(X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1);
    must(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1);
  }
}

}  // namespace

struct TlsSession::Impl {
  // What the last call of OpenSSL, which has not succeeded, means.
  [[nodiscard]] Step step_after(int result);
  [[nodiscard]] error_code reason_of(int kind);

  std::shared_ptr<const TlsContext> context;
  TlsSessionNotes notes;
  Wire wire;
  OpensslPtr<SSL> ssl;  // last: goes before what it points at
  bool begun = false;   // the handshake is done
  error_code failed;
};

TlsSession::Step TlsSession::Impl::step_after(int result) {
  const int kind = SSL_get_error(ssl.get(), result);
  if (kind == SSL_ERROR_WANT_READ) return {Next::WaitToRead, {}, 0};
  if (kind == SSL_ERROR_WANT_WRITE) return {Next::WaitToWrite, {}, 0};
  failed = reason_of(kind);
  return {Next::Failed, failed, 0};
}

error_code TlsSession::Impl::reason_of(int kind) {
  const std::string reason = ERR_peek_error() == 0 ? "" : take_openssl_reason();
  if (notes.untrusted) return make_error_code(TlsErrc::Untrusted);
  if (!begun && !wire.may_be_tls()) return make_error_code(TlsErrc::NotTls);
  if (wire.error != 0) return {wire.error, boost::system::system_category()};
  if (wire.ended || kind == SSL_ERROR_ZERO_RETURN) return boost::asio::error::eof;
  notes.trouble.why = reason.empty() ? "no reason given" : reason;
  return make_error_code(TlsErrc::Failed);
}

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context,
                       const std::string& host,
                       int socket)
    : impl_(std::make_unique<Impl>()) {
  impl_->context = std::move(context);
  impl_->notes.context = &impl_->context->impl();
  impl_->wire.socket = socket;
  ERR_clear_error();
  impl_->ssl.reset(SSL_new(impl_->context->impl().context.get()));
  SSL* const ssl = impl_->ssl.get();
  must(ssl != nullptr);
  BIO* const bio = BIO_new(wire_method());
  must(bio != nullptr);
  BIO_set_data(bio, &impl_->wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  attach_notes(ssl, impl_->notes);
  expect_peer(ssl, host);
  SSL_set_connect_state(ssl);
}

TlsSession::~TlsSession() = default;

TlsSession::Step TlsSession::shake_hands() {
  if (impl_->failed) return {Next::Failed, impl_->failed, 0};
  ERR_clear_error();
  const int result = SSL_do_handshake(impl_->ssl.get());
  if (result != 1) return impl_->step_after(result);
  impl_->begun = true;
  return {};
}

// A record has at most 16 KiB; of what lies there as many as fit are taken at once.
TlsSession::Step TlsSession::read(std::span<char> into) {
  if (impl_->failed) return {Next::Failed, impl_->failed, 0};
  Step step;
  while (step.size < into.size()) {
    ERR_clear_error();
    const std::span<char> rest = into.subspan(step.size);
    std::size_t got = 0;
    const int result = SSL_read_ex(impl_->ssl.get(), rest.data(), rest.size(), &got);
    if (result == 1) {
      step.size += got;
      continue;
    }
    const Step stopped = impl_->step_after(result);
    if (step.size == 0) step = stopped;  // else the next call says it
    break;
  }
  return step;
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
  if (impl_->failed) return {Next::Failed, impl_->failed, 0};
  ERR_clear_error();
  Step step;
  const int result = SSL_write_ex(impl_->ssl.get(), bytes.data(), bytes.size(), &step.size);
  if (result == 1) return step;
  step = impl_->step_after(result);
  if (step.next != Next::Failed || impl_->wire.error == 0) return step;
  // The peer is gone.  What it has sent before can still be read, and may say why.
  impl_->failed = {};
  impl_->wire.error = 0;
  ERR_clear_error();
  char first = 0;
  std::size_t there = 0;
  const int peeked = SSL_peek_ex(impl_->ssl.get(), &first, 1, &there);
  if (peeked == 1) return step;
  const Step reading = impl_->step_after(peeked);
  if (reading.error.category() == tls_category()) step.error = reading.error;
  return step;
}

void TlsSession::say_goodbye() {
  if (!impl_->begun || impl_->failed) return;
  ERR_clear_error();
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

const TlsTrouble& TlsSession::trouble() const {
  return impl_->notes.trouble;
}

}  // namespace smtptape
