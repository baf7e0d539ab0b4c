// A TCP socket that listens: made from "127.0.0.1:8001", "[::1]:0" or "localhost:8001".
//
// First the address is looked up (base/net/lookup.h, for a few seconds at most), so that the caller
// can refuse one that others reach before anything listens there.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/io.h"

namespace smtptape {

struct ListenAddress {
  std::string text;  // as it was given
  sockaddr_storage address{};
  socklen_t size = 0;
  bool loopback = false;  // only this machine can connect
};

// `option` is named when this is no address (UsageError); throws Error when the host is unknown.
[[nodiscard]] ListenAddress parse_listen_address(const std::string& text, std::string_view option);

struct Listener {
  UniqueFd socket;   // does not block
  std::string host;  // as it stands in a URL: where this machine reaches it
  std::uint16_t port = 0;
};

// Throws Error when it can't listen there.
[[nodiscard]] Listener listen_on(const ListenAddress& at);

}  // namespace smtptape
