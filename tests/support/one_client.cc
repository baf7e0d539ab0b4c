#include "tests/support/one_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

#include "base/net/upgrade.h"

namespace smtptape {

LoopbackListener listen_on_loopback() {
  LoopbackListener listener{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.socket.get(), any, size) != 0 || ::listen(listener.socket.get(), 1) != 0 ||
      ::getsockname(listener.socket.get(), any, &size) != 0) {
    throw std::runtime_error("no socket to listen on");
  }
  listener.port = ntohs(address.sin_port);
  return listener;
}

UniqueFd accept_subscriber(const LoopbackListener& listener) {
  UniqueFd client(::accept(listener.socket.get(), nullptr, nullptr));
  if (!client) return client;
  const int yes = 1;
  ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::read(client.get(), buffer, sizeof(buffer));
    if (got <= 0) return {};
    request.append(buffer, static_cast<std::size_t>(got));
  }
  constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
  const std::size_t at = request.find(kKey) + kKey.size();
  const std::string key = request.substr(at, request.find("\r\n", at) - at);
  write_all(client.get(),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-accept: " +
                websocket_accept(key) + "\r\n\r\n",
            "client");
  // The request comes as one small frame, and nothing after it.
  if (::read(client.get(), buffer, sizeof(buffer)) <= 0) return {};
  return client;
}

std::string lag_notice(std::uint64_t missed) {
  return R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":"Tracer )"
         "Lagged behind and missed " +
         std::to_string(missed) + R"( events"}},"when":"2026-08-04T13:54:50.123Z"})";
}

}  // namespace smtptape
