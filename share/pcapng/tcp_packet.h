// Packets of TCP over IPv4 and IPv6, with their checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "filters/ip.h"

namespace smtptape {

struct TcpEnd {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t next = 0;  // number of the byte that it sends next
};

enum class TcpFlags : std::uint8_t {
  Syn = 0x02,
  SynAck = 0x12,
  Ack = 0x10,
  Data = 0x18,  // PSH, ACK
  FinAck = 0x11,
  RstAck = 0x14,
};

// Bytes of text in a packet: with its headers it stays far below what IP can carry.
inline constexpr std::size_t kMostSegment = 32768;

// From the IP header on; both ends have addresses of one family.  `text` is at most kMostSegment.
// The sender's number goes on behind it, and behind SYN and FIN.
[[nodiscard]] std::string tcp_packet(TcpEnd& from,
                                     const TcpEnd& to,
                                     TcpFlags flags,
                                     std::string_view text = {});

}  // namespace smtptape
