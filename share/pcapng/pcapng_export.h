// Sessions as a file of packets (pcapng): each connection is TCP with the dialogue in it, so that
// Wireshark and tshark show it.
//
//     PcapngExport packets(out, "smtptape 0.1.0");
//     while (source.next(batch))
//       packets.add(batch);
//     const PcapngTotals totals = packets.finish();
//
// Written as it comes.  Packets of a connection stand in the order of the dialogue; some are
// earlier than those in front of them: what begins or ends a connection is known only later.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/event.h"

namespace smtptape {

struct PcapngTotals {
  std::uint64_t sessions = 0;     // with packets
  std::uint64_t unconnected = 0;  // without any: nothing was tried, or it was not recorded
  std::uint64_t connections = 0;
  std::uint64_t packets = 0;
  std::vector<std::uint16_t> ports;  // the first few that dissectors have to be told of
};

class PcapngExport {
 public:
  // `out` outlives it.
  PcapngExport(ByteSink& out, std::string application);
  ~PcapngExport();
  PcapngExport(const PcapngExport&) = delete;
  PcapngExport& operator=(const PcapngExport&) = delete;

  // What several recorders have of a session is told of each: to be called before any event.
  void tell_recorders_apart();
  void add(const EventBatch& batch);
  // To be called once, after all the events.
  PcapngTotals finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
