// Looking up the addresses of a host, on a thread of its own that nobody waits for once we stopped:
// the C library's lookup can take half a minute and can't be interrupted.
//
// A Lookup is shared by the thread that makes it and the coroutine that waits.  Either may be the
// last to leave.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/io.h"

struct addrinfo;

namespace smtptape {

// Whether this answer of getaddrinfo() is about the name: asking again will not help.  Otherwise
// the trouble is with whoever was asked.
[[nodiscard]] bool is_about_the_name(int getaddrinfo_status);

class Lookup {
 public:
  Lookup(std::string host, std::uint16_t port);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // True when the host is an address, which needs no waiting.
  [[nodiscard]] bool try_as_address() { return look_up(true) == 0; }

  void run();
  // A descriptor of the caller's own, readable once run() has ended.
  [[nodiscard]] int wake_descriptor() const;
  [[nodiscard]] bool finished() const { return finished_.load(std::memory_order_acquire); }

  // After run() or a successful try_as_address().
  [[nodiscard]] std::vector<boost::asio::ip::tcp::endpoint> addresses() const;
  // Without addresses: is the name to blame, and in the words of the C library.
  [[nodiscard]] bool name_is_unknown() const;
  [[nodiscard]] std::string why() const;

 private:
  int look_up(bool only_as_address);

  std::string host_;
  std::string port_;
  UniqueFd event_;
  int status_ = 0;
  int system_error_ = 0;
  addrinfo* found_ = nullptr;
  std::atomic<bool> finished_ = false;
};

}  // namespace smtptape
