// TLS on one socket, as a client.  Nothing here waits: each call does what can be done at once and
// says what the socket must be ready for before the call is made again, with the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "base/net/tls.h"

namespace smtptape {

class TlsSession {
 public:
  struct Step {
    enum class Next : std::uint8_t {
      Done,
      WaitToRead,
      WaitToWrite,
      Failed,  // `error`: of tls_category(), of the system, or eof
    };
    Next next = Next::Done;
    boost::system::error_code error;
    std::size_t size = 0;  // Done: bytes
  };

  // `host` is a name or an address: who the peer should be.  The socket outlives the session.
  TlsSession(std::shared_ptr<const TlsContext> context, const std::string& host, int socket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // First, until it is done.
  [[nodiscard]] Step shake_hands();
  // As much as there is and fits.  An end without close_notify is eof, like one with it.
  [[nodiscard]] Step read(std::span<char> into);
  // A part of them is a success, too.  After a failure what came before it can still be read.
  [[nodiscard]] Step write(std::string_view bytes);
  // Tells the peer that no more comes, as far as the socket takes it at once.
  void say_goodbye();

  // After Failed with an error of tls_category().
  [[nodiscard]] const TlsTrouble& trouble() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
