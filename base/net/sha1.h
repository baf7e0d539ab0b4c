// SHA-1 and base64, as the WebSocket handshake wants them (RFC 6455, 4.2.2).  The hash proves that
// the peer speaks WebSocket, nothing else: it is not there for security.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace smtptape {

[[nodiscard]] std::array<std::uint8_t, 20> sha1(std::string_view bytes);
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace smtptape
