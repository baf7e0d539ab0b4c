#include "share/pcapng/tcp_ends.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace smtptape {

namespace {

using Family = IpAddress::Family;

constexpr std::uint16_t kSmtp = 25;
constexpr std::uint16_t kFirstPort = 49152;  // of those that are for nothing else

// Of networks that are for documentation (RFC 5737, 3849).
IpAddress stand_in(Family family, bool server) {
  const std::string_view text = family == Family::V4 ? (server ? "198.51.100.1" : "192.0.2.1")
                                                     : (server ? "2001:db8:1::1" : "2001:db8::1");
  return *parse_ip(text);
}

// "1.2.3.4:25", "[::1]:25"; 0: none is said.
std::uint16_t port_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || parse_ip(text)) return 0;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return read.ec == std::errc() ? port : 0;
}

// ::ffff:a.b.c.d
IpAddress mapped(const IpAddress& v4) {
  constexpr std::size_t kPrefix = 12;
  IpAddress v6;
  v6.family = Family::V6;
  v6.bytes[kPrefix - 2] = v6.bytes[kPrefix - 1] = 0xFF;
  std::copy_n(v4.bytes.begin(), 4, v6.bytes.begin() + kPrefix);
  return v6;
}

void say(std::string& made_up, std::string_view what) {
  made_up.append(made_up.empty() ? "" : ", ").append(what);
}

std::string key_of(const TcpEnds& ends) {
  return to_text(ends.client.address) + ":" + std::to_string(ends.client.port) + ">" +
         to_text(ends.server.address) + ":" + std::to_string(ends.server.port);
}

}  // namespace

std::uint16_t smtp_port_of(std::string_view mx_address) {
  const std::uint16_t port = port_of(mx_address);
  return port == 0 ? kSmtp : port;
}

TcpEnds TcpEndsChooser::open(std::string_view source, std::string_view mx, bool begins) {
  const std::optional<IpAddress> client = parse_endpoint_ip(source);
  const std::optional<IpAddress> server = parse_endpoint_ip(mx);
  const Family family = server ? server->family : client ? client->family : Family::V4;
  TcpEnds ends;
  ends.client.address = client.value_or(stand_in(family, false));
  ends.server.address = server.value_or(stand_in(family, true));
  if (!client) say(ends.made_up, "our address");
  if (!server) say(ends.made_up, "the server's address");
  if (ends.client.address.family != ends.server.address.family) {
    for (TcpEnd* const end : {&ends.client, &ends.server})
      if (end->address.family == Family::V4) end->address = mapped(end->address);
    say(ends.made_up, "IPv6 around an IPv4 address, as one end has the other kind");
  }
  ends.server.port = smtp_port_of(mx);
  ends.client.port = client ? port_of(source) : 0;
  if (ends.client.port == 0 || !is_free(ends, begins)) {
    do
      ends.client.port = next_port();
    while (!is_free(ends, begins) && order_.size() < kMostRecent);
    say(ends.made_up, "our port");
  }
  // Any number will do that differs from connection to connection.
  constexpr std::uint32_t kSpread = 2654435761U;
  ends.client.next = ++number_ * kSpread;
  ends.server.next = ~ends.client.next;
  std::string key = key_of(ends);
  if (recent_.insert_or_assign(key, true).second) order_.push_back(std::move(key));
  if (order_.size() > kMostRecent) {
    recent_.erase(order_.front());
    order_.pop_front();
  }
  return ends;
}

void TcpEndsChooser::close(const TcpEnds& ends) {
  const auto known = recent_.find(key_of(ends));
  if (known != recent_.end()) known->second = false;
}

bool TcpEndsChooser::is_free(const TcpEnds& ends, bool begins) const {
  const auto known = recent_.find(key_of(ends));
  return known == recent_.end() || (begins && !known->second);
}

std::uint16_t TcpEndsChooser::next_port() {
  port_ =
      port_ < kFirstPort || port_ == 0xFFFF ? kFirstPort : static_cast<std::uint16_t>(port_ + 1);
  return port_;
}

}  // namespace smtptape
