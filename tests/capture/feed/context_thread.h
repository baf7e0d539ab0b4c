// An io_context on a thread of its own, as a recorder has one; and a bare client that waits for
// nothing without a bound.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"

namespace smtptape::testing {

inline constexpr std::chrono::seconds kPatience{20};

class ContextThread {
 public:
  ~ContextThread() { finish(); }

  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  void start() {
    running_ = std::async(std::launch::async, [this] { context_.run(); });
  }
  void post(std::function<void()> work) { boost::asio::post(context_, std::move(work)); }
  // Whether it ends by itself: no task is left.
  [[nodiscard]] bool ends() {
    return running_.valid() && running_.wait_for(kPatience) == std::future_status::ready;
  }
  // After this nothing runs any more; what was made on the context may go, before the context.
  void finish() {
    context_.stop();
    if (running_.valid()) running_.wait();
  }

 private:
  boost::asio::io_context context_{1};
  std::future<void> running_;  // the last member: it waits for the thread
};

class BareClient {
 public:
  BareClient(const sockaddr* address, socklen_t size)
      : socket_(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{kPatience.count(), 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(socket_.get(), address, size) != 0) throw system_error("connecting", errno);
  }

  // False when the other side takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() { ::shutdown(socket_.get(), SHUT_WR); }
  // Everything until the other side ends.
  std::string read_all() {
    std::string all;
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) ADD_FAILURE() << "no end: " << errno;
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
};

}  // namespace smtptape::testing
