// The server's side of TLS on a socket, for FakeKumod.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/certificates.h"

namespace smtptape {

struct TlsServerSettings {
  Identity identity;
  std::string
      client_ca;  // PEM: who must have signed the client's certificate; empty: none is asked
  bool only_old = false;  // TLS 1.1 and below
  bool only_12 = false;
};

class TlsServer {
 public:
  explicit TlsServer(const TlsServerSettings& settings);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// One connection.  `await` waits until poll() reports these events for the socket, or throws.
class TlsPeer {
 public:
  TlsPeer(const TlsServer& server, int socket, std::function<void(short)> await);
  ~TlsPeer();
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  // False: there is no TLS with this client.
  [[nodiscard]] bool shake_hands();
  // "TLSv1.3 sni=localhost alpn=http/1.1 client=NAME"
  [[nodiscard]] std::string greeting() const;
  // 0: the client has ended.
  [[nodiscard]] std::size_t read(std::span<char> into);
  // False: the client is gone.
  [[nodiscard]] bool write(std::string_view bytes);
  void say_goodbye();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
