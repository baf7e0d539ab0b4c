// A file of packets in the pcapng format (draft-ietf-opsawg-pcapng), as Wireshark and tshark read
// it: one section, an interface for each recorder, times in nanoseconds.  Knows nothing of mail.
//
// Written as it comes; in memory is one block.  Comments are valid UTF-8 and bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"

namespace smtptape {

struct PcapngPacket {
  std::uint32_t interface = 0;
  std::int64_t at = 0;  // ns since 1970
  bool outbound = false;
  std::string_view bytes;             // from the IP header on
  std::vector<std::string> comments;  // in front of it, in their order
  std::uint64_t dropped = 0;          // events that are missing before it
};

struct PcapngStatistics {
  std::int64_t first = 0;  // ns since 1970
  std::int64_t last = 0;
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;
};

class PcapngWriter {
 public:
  static constexpr std::size_t kMostComment = 4096;  // bytes of each; what follows is cut off

  // `out` outlives it.
  explicit PcapngWriter(ByteSink& out) : out_(out) {}

  void begin_section(std::string_view application, std::string_view comment);
  // Its number, from 0 on.
  [[nodiscard]] std::uint32_t add_interface(std::string_view name, std::string_view description);
  void add_packet(const PcapngPacket& packet);
  // At the end.
  void add_statistics(std::uint32_t interface, const PcapngStatistics& statistics);

 private:
  void begin_block(std::uint32_t type);
  void append_time(std::int64_t at);
  void append_option(std::uint16_t code, std::string_view value);
  void append_comment(std::string_view text);
  void append_figure(std::uint16_t code, std::uint64_t value);
  void end_block();

  ByteSink& out_;
  std::string block_;
  std::uint32_t interfaces_ = 0;
};

}  // namespace smtptape
