#include "replay/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace smtptape {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct HostAndPort {
  std::string host;
  std::string port;
};

// The brackets of an IPv6 address are left out.
HostAndPort split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool plain = host.find_first_of(":[]") == std::string::npos;
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool number = port.find_first_not_of("0123456789") == std::string::npos;
  const bool good_port = !port.empty() && port.size() <= 5 && number && std::stoi(port) <= 65'535;
  if (host.empty() || !(bracketed || plain) || !good_port) {
    throw UsageError("--listen " + address + ": want ADDRESS:PORT, as in 127.0.0.1:8001 or " +
                     "[::1]:8001");
  }
  return {host, port};
}

Addresses look_up(const std::string& address) {
  const HostAndPort wanted = split(address);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(wanted.host.c_str(), wanted.port.c_str(), &hints, &found);
  if (status != 0) throw Error("looking up " + wanted.host + ": " + ::gai_strerror(status));
  return {found, &::freeaddrinfo};
}

const in_addr& v4(const sockaddr& address) {
  return reinterpret_cast<const sockaddr_in&>(address).sin_addr;
}

const in6_addr& v6(const sockaddr& address) {
  return reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
}

bool is_loopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) return ntohl(v4(address).s_addr) >> 24 == 127;
  return address.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6(address));
}

// Where this machine reaches what listens there: nobody can connect to "any address".
std::string url_host(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET) {
    if (v4(address).s_addr == INADDR_ANY) return "127.0.0.1";
    ::inet_ntop(AF_INET, &v4(address), text.data(), text.size());
    return text.data();
  }
  if (IN6_IS_ADDR_UNSPECIFIED(&v6(address))) return "[::1]";
  ::inet_ntop(AF_INET6, &v6(address), text.data(), text.size());
  return "[" + std::string(text.data()) + "]";
}

std::uint16_t port_of(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    throw system_error("asking for the port", errno);
  }
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

UniqueFd listening_socket(const addrinfo& at, const std::string& address) {
  UniqueFd socket(::socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), at.ai_addr, at.ai_addrlen) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    throw system_error("listening on " + address, errno);
  }
  return socket;
}

}  // namespace

Listener listen_on(const std::string& address, Reach reach) {
  const Addresses found = look_up(address);
  const addrinfo& at = *found;
  if (reach == Reach::Loopback && !is_loopback(*at.ai_addr)) {
    throw UsageError("--listen " + address + ": others than this machine could connect, and what " +
                     "is served holds passwords and messages; say --public if that is meant");
  }
  Listener listener;
  listener.socket = listening_socket(at, address);
  listener.host = url_host(*at.ai_addr);
  listener.port = port_of(listener.socket.get());
  return listener;
}

}  // namespace smtptape
