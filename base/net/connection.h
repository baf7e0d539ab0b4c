// One TCP connection for coroutines on the network thread: resolved and connected, read and
// written, with every wait bounded by a deadline and ended at once by stop().
//
// After start_tls() the same calls carry TLS; who calls them sees no difference but in errors.
//
// Not thread-safe.  A Connection outlives the coroutines it runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/net/tls.h"

namespace smtptape {

// `error`: timed_out when the deadline passed, operation_aborted after stop(), eof at the end, of
// tls_category() when TLS fails.
struct Transfer {
  boost::system::error_code error;
  std::size_t size = 0;
};

struct ConnectOutcome {
  enum class Kind : std::uint8_t {
    Connected,
    NameNotFound,  // there is no such name
    LookupFailed,  // nobody could be asked: another time it may work
    Failed,
  };
  Kind kind = Kind::Connected;
  boost::system::error_code error;  // Failed: of the last address
  std::string why;                  // of the lookup, in the words of the C library
};

// What one of `addresses_left` attempts may take of the time that is left for all of them.
[[nodiscard]] std::chrono::milliseconds connect_share(std::chrono::milliseconds time_left,
                                                      std::size_t addresses_left);

// A peer that vanished is noticed after so long, whether anything is under way or not.
inline constexpr std::chrono::seconds kVanishedWithin{30};

class Connection {
 public:
  explicit Connection(const boost::asio::any_io_executor& executor);
  explicit Connection(boost::asio::ip::tcp::socket accepted);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Tries all addresses of the host, in order.  The deadline is left as it was at the end.
  boost::asio::awaitable<ConnectOutcome> connect(std::string host,
                                                 std::uint16_t port,
                                                 std::chrono::milliseconds within);
  // Once, after connect(), within its deadline.  `host` is who the peer should be.
  boost::asio::awaitable<Transfer> start_tls(std::shared_ptr<const TlsContext> context,
                                             std::string host);
  // After an error of tls_category().
  [[nodiscard]] TlsTrouble tls_trouble() const;
  boost::asio::awaitable<Transfer> read_some(std::span<char> into);
  // The same for a stream of small writes, where to be woken for each costs more than all that is
  // done with it: after a read it waits until `enough` bytes are there, the peer has ended, or the
  // next whole multiple of `within` on the clock, so that all who wait so are woken together.
  boost::asio::awaitable<Transfer> read_gathered(std::span<char> into,
                                                 int enough,
                                                 std::chrono::milliseconds within);
  // All of the bytes, unless there is an error.
  boost::asio::awaitable<Transfer> write(std::string_view bytes);
  // What the socket takes without waiting.
  [[nodiscard]] std::size_t write_now(std::string_view bytes);
  // Ends the sending side and reads what still comes until the peer ends too, so that nothing we
  // sent is lost in a reset.
  boost::asio::awaitable<void> finish(std::chrono::milliseconds within);
  // Nothing is read or written any more.  A peer with TLS is told, but not waited for.
  void close();

  // For all waits from now on.
  void expires_after(std::chrono::milliseconds time);
  void expires_never();
  [[nodiscard]] boost::asio::any_io_executor executor() const;
  // Now and for ever: every wait ends with operation_aborted.
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace smtptape
