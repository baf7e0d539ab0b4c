// What systemd would be to a service: a socket that hears what it tells.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/io.h"
#include "base/service_manager.h"

namespace smtptape {

// The socket that systemd would listen on; a name with @ is abstract.
class FakeServiceManager {
 public:
  explicit FakeServiceManager(std::string name)
      : name_(std::move(name)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name_.size() >= sizeof address.sun_path) throw std::runtime_error("name too long");
    std::memcpy(address.sun_path, name_.data(), name_.size());
    const bool is_abstract = name_.starts_with('@');
    if (is_abstract) address.sun_path[0] = '\0';
    const std::size_t size =
        offsetof(::sockaddr_un, sun_path) + name_.size() + (is_abstract ? 0 : 1);
    const ::timeval most_wait{10, 0};
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &most_wait, sizeof most_wait) != 0 ||
        ::bind(socket_.get(),
               reinterpret_cast<const ::sockaddr*>(&address),
               static_cast<::socklen_t>(size)) != 0) {
      throw std::runtime_error("no socket for a fake manager");
    }
  }

  [[nodiscard]] ServiceManager::Environment environment() const { return {name_, "", ""}; }

  // The next datagram, waited for with a bound.
  [[nodiscard]] std::string heard() const { return receive(0); }
  // What stands there now.
  [[nodiscard]] std::string heard_at_once() const { return receive(MSG_DONTWAIT); }

 private:
  [[nodiscard]] std::string receive(int flags) const {
    std::array<char, 8192> bytes{};
    const ::ssize_t size = ::recv(socket_.get(), bytes.data(), bytes.size(), flags);
    if (size < 0) return "(nothing)";
    return {bytes.data(), static_cast<std::size_t>(size)};
  }

  std::string name_;
  UniqueFd socket_;
};

}  // namespace smtptape
