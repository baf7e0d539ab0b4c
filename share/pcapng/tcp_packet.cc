#include "share/pcapng/tcp_packet.h"

#include <algorithm>

namespace smtptape {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kHops = 64;
constexpr std::uint16_t kWindow = 0xFFFF;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kTcpHeader = 20;
// Of SYN: the longest segment, and a window times 2^14, so that whole mails are in flight.
constexpr std::string_view kSynOptions("\x02\x04\x80\x00\x01\x03\x03\x0e", 8);

// In the order of the network.
void append_u16(std::string& out, std::size_t value) {
  out.push_back(static_cast<char>(static_cast<unsigned char>(value >> 8U)));
  out.push_back(static_cast<char>(static_cast<unsigned char>(value)));
}
void append_u32(std::string& out, std::uint32_t value) {
  append_u16(out, value >> 16U);
  append_u16(out, value & 0xFFFFU);
}
void put_u16(std::string& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<char>(static_cast<unsigned char>(value >> 8U));
  out[at + 1] = static_cast<char>(static_cast<unsigned char>(value));
}

// RFC 1071.
std::uint16_t checksum(std::string_view bytes, std::uint64_t sum = 0) {
  const auto byte = [bytes](std::size_t at) -> std::uint64_t {
    return static_cast<unsigned char>(bytes[at]);
  };
  std::size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2)
    sum += byte(at) << 8U | byte(at + 1);
  if (at < bytes.size()) sum += byte(at) << 8U;
  while (sum > 0xFFFF)
    sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

void append_address(std::string& out, const IpAddress& address) {
  const std::size_t size = address.bits() / 8;
  for (std::size_t i = 0; i < size; ++i)
    out.push_back(static_cast<char>(address.bytes[i]));
}

bool is_syn(TcpFlags flags) {
  return flags == TcpFlags::Syn || flags == TcpFlags::SynAck;
}

std::string segment(const TcpEnd& from, const TcpEnd& to, TcpFlags flags, std::string_view text) {
  constexpr std::size_t kChecksumAt = 16;
  const std::string_view options = is_syn(flags) ? kSynOptions : std::string_view();
  std::string tcp;
  tcp.reserve(kTcpHeader + options.size() + text.size());
  append_u16(tcp, from.port);
  append_u16(tcp, to.port);
  append_u32(tcp, from.next);
  append_u32(tcp, flags == TcpFlags::Syn ? 0 : to.next);
  append_u16(tcp, (kTcpHeader + options.size()) / 4 << 12U | static_cast<std::size_t>(flags));
  append_u16(tcp, kWindow);
  append_u32(tcp, 0);  // checksum, and no urgent data
  tcp.append(options).append(text);
  std::string pseudo;  // header: what the checksum is of, too
  append_address(pseudo, from.address);
  append_address(pseudo, to.address);
  append_u32(pseudo, static_cast<std::uint32_t>(tcp.size()));
  append_u32(pseudo, kTcp);
  const auto before = static_cast<std::uint16_t>(~checksum(pseudo));
  put_u16(tcp, kChecksumAt, checksum(tcp, before));
  return tcp;
}

void append_ipv4_header(std::string& out, const TcpEnd& from, const TcpEnd& to, std::size_t size) {
  constexpr std::size_t kChecksumAt = 10;
  append_u16(out, 0x4500);
  append_u16(out, kIpv4Header + size);
  append_u32(out, 0x4000);  // it is not cut to pieces
  append_u16(out, std::size_t{kHops} << 8U | kTcp);
  append_u16(out, 0);
  append_address(out, from.address);
  append_address(out, to.address);
  put_u16(out, kChecksumAt, checksum(out));
}

void append_ipv6_header(std::string& out, const TcpEnd& from, const TcpEnd& to, std::size_t size) {
  append_u32(out, 0x60000000);
  append_u16(out, size);
  append_u16(out, std::size_t{kTcp} << 8U | kHops);
  append_address(out, from.address);
  append_address(out, to.address);
}

}  // namespace

std::string tcp_packet(TcpEnd& from, const TcpEnd& to, TcpFlags flags, std::string_view text) {
  const std::string tcp = segment(from, to, flags, text);
  std::string packet;
  if (from.address.family == IpAddress::Family::V4) {
    append_ipv4_header(packet, from, to, tcp.size());
  } else {
    append_ipv6_header(packet, from, to, tcp.size());
  }
  packet += tcp;
  from.next += static_cast<std::uint32_t>(text.size());
  if (is_syn(flags) || flags == TcpFlags::FinAck) ++from.next;
  return packet;
}

}  // namespace smtptape
