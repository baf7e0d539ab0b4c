#include "base/net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/net/lookup.h"

namespace smtptape {
namespace {

struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};

// The brackets of an IPv6 address are left out.
HostAndPort split(const std::string& address, std::string_view option) {
  const std::size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool plain = host.find_first_of(":[]") == std::string::npos;
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool number = port.find_first_not_of("0123456789") == std::string::npos;
  const bool good_port = !port.empty() && port.size() <= 5 && number && std::stoi(port) <= 65'535;
  if (host.empty() || !(bracketed || plain) || !good_port) {
    throw UsageError(std::string(option) + " " + address +
                     ": want ADDRESS:PORT, as in 127.0.0.1:8001 or " + "[::1]:8001");
  }
  return {host, static_cast<std::uint16_t>(std::stoi(port))};
}

// In the order in which they should be tried; one at least.
std::vector<boost::asio::ip::tcp::endpoint> look_up(const std::string& host) {
  constexpr std::chrono::milliseconds kMostWait{5'000};
  std::vector<boost::asio::ip::tcp::endpoint> written = addresses_written_out(host);
  if (!written.empty()) return written;
  LookupAnswer answer = look_up_now(host, kMostWait);
  if (answer.addresses.empty()) throw Error("looking up " + host + ": " + answer.why);
  return std::move(answer.addresses);
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

const sockaddr& generic(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr&>(address);
}

}  // namespace

ListenAddress parse_listen_address(const std::string& text, std::string_view option) {
  const HostAndPort wanted = split(text, option);
  boost::asio::ip::tcp::endpoint endpoint = look_up(wanted.host).front();
  endpoint.port(wanted.port);
  ListenAddress at;
  at.text = text;
  at.size = static_cast<socklen_t>(endpoint.size());
  std::memcpy(&at.address, endpoint.data(), at.size);
  at.loopback = is_loopback(generic(at.address));
  return at;
}

Listener listen_on(const ListenAddress& at) {
  const sockaddr& address = generic(at.address);
  UniqueFd socket(::socket(address.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), &address, at.size) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    throw system_error("listening on " + at.text, errno);
  }
  Listener listener;
  listener.host = url_host(address);
  listener.port = port_of(socket.get());
  listener.socket = std::move(socket);
  return listener;
}

}  // namespace smtptape
