// Looking up the addresses of a host, for coroutines on the network thread: c-ares asks, over
// sockets and a timer of the io_context, so that a name server that hangs costs neither a thread
// nor anybody's time but that of those who wait for it.
//
// As the machine is set up: /etc/hosts, the order and the name servers of /etc/nsswitch.conf and
// /etc/resolv.conf, all read anew for each look-up; localhost is this machine.  Of the services of
// the C library only files and DNS are known.
//
// At one time each host is looked up once, for all on the io_context who ask.  A look-up ends when
// nobody waits for it any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace smtptape {

struct LookupAnswer {
  // In the order in which they should be tried (RFC 6724); the port is 0.
  std::vector<boost::asio::ip::tcp::endpoint> addresses;
  // Without addresses: is the name to blame, or was there nobody to ask; and in the words of the C
  // library.
  bool name_is_unknown = false;
  std::string why;
};

// When c-ares says this, and has no addresses; and when nobody has said anything.
[[nodiscard]] LookupAnswer answer_of_status(int ares_status);
[[nodiscard]] LookupAnswer no_answer();

// The host as an address, which needs nobody; IPv6 with or without a zone.
[[nodiscard]] std::vector<boost::asio::ip::tcp::endpoint> addresses_written_out(
    const std::string& host);

// One who asks.  Not thread-safe.
class Lookup {
 public:
  Lookup(const boost::asio::any_io_executor& executor, const std::string& host);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // False when cancel() came before the answer.
  boost::asio::awaitable<bool> wait();
  void cancel();
  // After wait() has said true.
  [[nodiscard]] const LookupAnswer& answer() const;

  // One look-up of a host, shared.
  class Query;

 private:
  std::shared_ptr<Query> query_;
  std::shared_ptr<boost::asio::steady_timer> come_;  // cancelled when the answer is there
  bool cancelled_ = false;
};

// For tests: other places to ask, for what is looked up on this context from now on.
struct LookupPlaces {
  std::string name_servers;     // "127.0.0.1:5353,…"; empty: as the machine is set up
  bool hosts_of_tests = false;  // the file that CARES_HOSTS names, instead of /etc/hosts
};
void look_up_at(boost::asio::execution_context& context, LookupPlaces places);

// For those who have nothing else to do, once at their start: waits, but so long at most.
[[nodiscard]] LookupAnswer look_up_now(const std::string& host,
                                       std::chrono::milliseconds within,
                                       const LookupPlaces& places = {});

}  // namespace smtptape
