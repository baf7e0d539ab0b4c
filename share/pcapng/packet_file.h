// What the connections of one file share: where their packets go, which interface is whose, what
// is missing in front of a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "share/pcapng/pcapng_writer.h"
#include "share/pcapng/tcp_ends.h"

namespace smtptape {

class PacketFile {
 public:
  static constexpr std::size_t kMostHeld = 32 << 20;  // bytes of comments that wait for a packet
  static constexpr std::size_t kMostPorts = 32;       // that are named
  static constexpr std::size_t kMostInterfaces = 1024;
  static constexpr std::size_t kMostGaps = 10'000;  // of an interface, that wait

  // `out` outlives it.  Nothing is written before the first packet.
  PacketFile(ByteSink& out, std::string application);

  // What comes next is of this event; its interface.
  std::uint32_t turn_to(const Event& event);
  void add(const Gap& gap);
  void write(PcapngPacket packet);
  // Statistics of each interface.
  void finish();

  // A comment that waits; false: there is no room.
  [[nodiscard]] bool hold(std::size_t bytes);
  void give_back(std::size_t bytes) { held_ -= bytes; }

  TcpEndsChooser ends;
  std::uint64_t connections = 0;
  std::set<std::uint16_t> ports;  // that dissectors don't take for SMTP by themselves
  [[nodiscard]] std::uint64_t packets() const { return packets_; }

 private:
  struct Missing {
    Id128 capture;
    std::uint64_t after = 0;  // sequence
    std::uint64_t events = 0;
    std::string what;
  };
  struct Interface {
    std::uint32_t number = 0;
    PcapngStatistics statistics;
    std::vector<Missing> missing;  // in front of what comes
    std::uint64_t more = 0;        // events of gaps for which there was no room
  };

  Interface& interface_of(const Origin* origin);
  void take_missing(Interface& interface, PcapngPacket& packet);

  PcapngWriter writer_;
  std::string application_;
  std::map<std::string, Interface, std::less<>> interfaces_;  // by source
  std::vector<Interface*> by_number_;
  Id128 capture_;
  std::uint64_t sequence_ = 0;
  std::uint64_t packets_ = 0;
  std::size_t held_ = 0;
  bool begun_ = false;
};

}  // namespace smtptape
