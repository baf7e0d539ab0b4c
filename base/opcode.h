// What a WebSocket frame carries: the numbers of RFC 6455, which tapes store as well.
#pragma once

#include <cstdint>

namespace smtptape {

enum class Opcode : std::uint8_t {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
};

}  // namespace smtptape
