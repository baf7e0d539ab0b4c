// The two ends of a connection: the addresses and ports that the metadata has, and made-up ones
// where it has none.
//
// Each connection has a pair of its own among those that are open, and among all that came lately
// if its beginning was not seen: else two dialogues would be one stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "share/pcapng/tcp_packet.h"

namespace smtptape {

struct TcpEnds {
  TcpEnd client;
  TcpEnd server;
  std::string made_up;  // in words, what of it stands for something else; empty: nothing
};

class TcpEndsChooser {
 public:
  static constexpr std::size_t kMostRecent = 100'000;

  // Values of `source_address` and `mx_address`.  `begins`: its handshake is there.
  [[nodiscard]] TcpEnds open(std::string_view source, std::string_view mx, bool begins);
  void close(const TcpEnds& ends);

 private:
  [[nodiscard]] bool is_free(const TcpEnds& ends, bool begins) const;
  std::uint16_t next_port();

  std::map<std::string, bool, std::less<>> recent_;  // whether it is open
  std::deque<std::string> order_;
  std::uint16_t port_ = 0;
  std::uint32_t number_ = 0;
};

// 25 where none is said.
[[nodiscard]] std::uint16_t smtp_port_of(std::string_view mx_address);

}  // namespace smtptape
