// A reader of pcapng that shares no line with the writer: blocks, then packets, then streams.  What
// does not follow the formats to the letter throws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "format/wire/json.h"

namespace smtptape::testing {

struct ReadPacket {
  std::uint32_t interface = 0;
  std::uint64_t at = 0;  // ns
  std::vector<std::string> comments;
  std::uint64_t dropped = 0;
  std::uint32_t flags = 0;
  std::string from;  // "192.0.2.1 25" in hexadecimal digits of the address
  std::string to;
  std::uint16_t from_port = 0;
  std::uint16_t to_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;
  std::uint8_t tcp_flags = 0;
  std::string text;
};

struct ReadInterface {
  std::string name;
  bool has_statistics = false;
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;
};

// One connection, as it went on the wire.
struct ReadStream {
  std::uint32_t interface = 0;
  bool begins = false;  // with a handshake
  std::string client;   // ends, as in a packet
  std::string server;
  std::uint16_t server_port = 0;
  std::string written;
  std::string read;
  std::uint64_t written_missing = 0;  // bytes
  bool finished = false;
  bool reset = false;
  std::vector<std::string> comments;
  std::size_t packets = 0;
};

class ReadPcapng {
 public:
  explicit ReadPcapng(std::string_view file) {
    while (!file.empty()) {
      const auto type = number<std::uint32_t>(file, 0);
      const auto size = number<std::uint32_t>(file, 4);
      require(size >= 12 && size % 4 == 0 && size <= file.size(), "a block's length");
      require(number<std::uint32_t>(file, size - 4) == size, "the length at a block's end");
      most_block = std::max<std::size_t>(most_block, size);
      take(type, file.substr(8, size - 12));
      file.remove_prefix(size);
    }
    follow();
  }

  std::string application;
  std::string comment;
  std::vector<ReadInterface> interfaces;
  std::vector<ReadPacket> packets;
  std::vector<ReadStream> streams;
  std::size_t most_block = 0;

 private:
  static void require(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("pcapng: ") + what);
  }
  static std::uint8_t byte(std::string_view bytes, std::size_t at) {
    require(at < bytes.size(), "cut off");
    return static_cast<std::uint8_t>(bytes[at]);
  }
  template <class Number>
  static Number number(std::string_view bytes, std::size_t at) {
    Number value = 0;
    for (std::size_t i = sizeof value; i > 0; --i)
      value =
          static_cast<Number>((static_cast<std::uint64_t>(value) << 8U) | byte(bytes, at + i - 1));
    return value;
  }
  static std::uint32_t network(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8U | byte(bytes, at + i);
    return value;
  }
  static std::uint64_t time(std::string_view bytes, std::size_t at) {
    return std::uint64_t{number<std::uint32_t>(bytes, at)} << 32U |
           number<std::uint32_t>(bytes, at + 4);
  }

  using Options = std::vector<std::pair<std::uint16_t, std::string>>;
  static Options options(std::string_view bytes) {
    Options all;
    for (;;) {
      const auto code = number<std::uint16_t>(bytes, 0);
      const auto size = number<std::uint16_t>(bytes, 2);
      const std::size_t padded = (std::size_t{size} + 3) / 4 * 4;
      require(4 + padded <= bytes.size(), "an option's length");
      if (code == 0) {
        require(size == 0 && bytes.size() == 4, "the end of options");
        return all;
      }
      all.emplace_back(code, bytes.substr(4, size));
      if (code == 1) require(is_utf8(all.back().second), "a comment's UTF-8");
      bytes.remove_prefix(4 + padded);
    }
  }

  void take(std::uint32_t type, std::string_view body) {
    switch (type) {
      case 0x0A0D0D0A: return take_section(body);
      case 1: return take_interface(body);
      case 5: return take_statistics(body);
      case 6: return take_packet(body);
      default: require(false, "a block of another type");
    }
  }

  void take_section(std::string_view body) {
    require(application.empty() && packets.empty(), "one section");
    require(number<std::uint32_t>(body, 0) == 0x1A2B3C4D, "the order of bytes");
    require(number<std::uint16_t>(body, 4) == 1 && number<std::uint16_t>(body, 6) == 0, "1.0");
    for (const auto& [code, value] : options(body.substr(16))) {
      if (code == 1) comment = value;
      if (code == 4) application = value;
      require(code != 2 && code != 3, "nothing of the machine");
    }
  }

  void take_interface(std::string_view body) {
    require(number<std::uint16_t>(body, 0) == 101, "raw IP");
    ReadInterface& interface = interfaces.emplace_back();
    bool nanoseconds = false;
    for (const auto& [code, value] : options(body.substr(8))) {
      if (code == 2) interface.name = value;
      if (code == 9) nanoseconds = value == "\x09";
    }
    require(nanoseconds, "nanoseconds");
  }

  void take_statistics(std::string_view body) {
    ReadInterface& interface = interfaces.at(number<std::uint32_t>(body, 0));
    require(!interface.has_statistics, "statistics once");
    interface.has_statistics = true;
    for (const auto& [code, value] : options(body.substr(12))) {
      if (code == 4) interface.packets = number<std::uint64_t>(value, 0);
      if (code == 5) interface.dropped = number<std::uint64_t>(value, 0);
    }
  }

  void take_packet(std::string_view body) {
    ReadPacket packet;
    packet.interface = number<std::uint32_t>(body, 0);
    require(packet.interface < interfaces.size(), "an interface that is there");
    packet.at = time(body, 4);
    const auto size = number<std::uint32_t>(body, 12);
    require(number<std::uint32_t>(body, 16) == size, "a whole packet");
    require(20 + std::size_t{size} <= body.size(), "a packet's length");
    for (const auto& [code, value] : options(body.substr(20 + (std::size_t{size} + 3) / 4 * 4))) {
      if (code == 1) packet.comments.push_back(value);
      if (code == 2) packet.flags = number<std::uint32_t>(value, 0);
      if (code == 4) packet.dropped = number<std::uint64_t>(value, 0);
    }
    take_ip(body.substr(20, size), packet);
    packets.push_back(std::move(packet));
  }

  static std::uint16_t sum(std::string_view bytes, std::uint32_t before = 0) {
    std::uint64_t all = before;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      all += std::uint64_t{byte(bytes, i)} << (i % 2 == 0 ? 8U : 0U);
    while (all >> 16U != 0)
      all = (all & 0xFFFFU) + (all >> 16U);
    return static_cast<std::uint16_t>(all);
  }

  static void take_ip(std::string_view ip, ReadPacket& packet) {
    const bool v4 = byte(ip, 0) == 0x45;
    require(v4 || byte(ip, 0) >> 4U == 6, "IPv4 or IPv6");
    require(ip.size() <= 65535, "what IP can carry");
    const std::size_t header = v4 ? 20 : 40;
    require(network(ip, v4 ? 2 : 4, 2) == ip.size() - (v4 ? 0 : 40), "a length of IP");
    require(byte(ip, v4 ? 9 : 6) == 6, "TCP");
    if (v4) require(sum(ip.substr(0, 20)) == 0xFFFF, "a checksum of IPv4");
    const std::string_view addresses = v4 ? ip.substr(12, 8) : ip.substr(8, 32);
    const std::string_view tcp = ip.substr(header);
    const std::uint32_t pseudo = sum(addresses) + 6 + static_cast<std::uint32_t>(tcp.size());
    require(sum(tcp, pseudo) == 0xFFFF, "a checksum of TCP");
    packet.from_port = static_cast<std::uint16_t>(network(tcp, 0, 2));
    packet.to_port = static_cast<std::uint16_t>(network(tcp, 2, 2));
    packet.from = end(addresses.substr(0, addresses.size() / 2), packet.from_port);
    packet.to = end(addresses.substr(addresses.size() / 2), packet.to_port);
    packet.sequence = network(tcp, 4, 4);
    packet.acknowledged = network(tcp, 8, 4);
    packet.tcp_flags = byte(tcp, 13);
    packet.text = tcp.substr(std::size_t{byte(tcp, 12)} >> 4U << 2U);
  }

  static std::string end(std::string_view address, std::uint16_t port) {
    std::string text;
    for (std::size_t i = 0; i < address.size(); ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      text.push_back(kDigits[byte(address, i) >> 4U]);
      text.push_back(kDigits[byte(address, i) & 15U]);
    }
    return text + " " + std::to_string(port);
  }

  // ---- streams ----

  struct Open {
    std::size_t stream = 0;
    std::map<std::string, std::uint32_t> next;  // number of what each end sends
  };

  void follow() {
    std::map<std::string, Open> open;
    for (const ReadPacket& packet : packets) {
      const bool outbound = packet.flags == 2;
      require(outbound || packet.flags == 1, "a direction");
      const std::string client = outbound ? packet.from : packet.to;
      const std::string server = outbound ? packet.to : packet.from;
      const bool syn = (packet.tcp_flags & 2U) != 0;
      const std::string key = client + ">" + server;
      if ((syn && outbound) || !open.contains(key)) {
        open[key] = {streams.size(), {}};
        ReadStream& made = streams.emplace_back();
        made.interface = packet.interface;
        made.begins = syn;
        made.client = client;
        made.server = server;
        made.server_port = outbound ? packet.to_port : packet.from_port;
      }
      Open& stream = open[key];
      take(packet, outbound, stream, streams[stream.stream]);
    }
  }

  static void take(const ReadPacket& packet, bool outbound, Open& open, ReadStream& stream) {
    const auto known = open.next.find(packet.from);
    if (known != open.next.end()) {
      const std::uint32_t missing = packet.sequence - known->second;
      require(missing < (1U << 31U), "numbers that go on");
      require(outbound || missing == 0, "nothing of what is read is missing");
      stream.written_missing += missing;
    }
    const auto other = open.next.find(packet.to);
    if ((packet.tcp_flags & 16U) != 0 && other != open.next.end()) {
      const std::uint32_t missing = packet.acknowledged - other->second;
      require(missing < (1U << 31U) && (!outbound || missing == 0), "all is acknowledged");
      stream.written_missing += missing;
      other->second = packet.acknowledged;
    }
    (outbound ? stream.written : stream.read) += packet.text;
    const bool one_more = (packet.tcp_flags & 3U) != 0;  // SYN and FIN count
    open.next[packet.from] =
        packet.sequence + static_cast<std::uint32_t>(packet.text.size()) + (one_more ? 1 : 0);
    stream.finished = stream.finished || (packet.tcp_flags & 1U) != 0;
    stream.reset = stream.reset || (packet.tcp_flags & 4U) != 0;
    stream.comments.insert(stream.comments.end(), packet.comments.begin(), packet.comments.end());
    ++stream.packets;
  }
};

}  // namespace smtptape::testing
