#include "share/pcapng/packet_file.h"

#include <algorithm>
#include <utility>

#include "sessions/gathered_sessions.h"

namespace smtptape {

namespace {

constexpr std::string_view kAbout =
    "SMTP sessions as KumoMTA reported them while they went on, put into packets.  The dialogues "
    "are the decrypted ones, also behind STARTTLS, whose command stands behind its reply so that "
    "no "
    "TLS is expected.  Times of commands and replies are real; handshakes, acknowledgements and "
    "the "
    "ends of connections are made up, as are addresses of 192.0.2.0/24, 198.51.100.0/24 and "
    "2001:db8::/32 where a comment says so.  What was not recorded is missing in the numbers of "
    "bytes, or in the number of dropped packets.";

}  // namespace

PacketFile::PacketFile(ByteSink& out, std::string application)
    : writer_(out), application_(std::move(application)) {
}

std::uint32_t PacketFile::turn_to(const Event& event) {
  capture_ = event.origin == nullptr ? Id128() : event.origin->capture;
  sequence_ = event.sequence;
  return interface_of(event.origin).number;
}

// Of very many recorders the later ones share the last one's.
PacketFile::Interface& PacketFile::interface_of(const Origin* origin) {
  const std::string_view source = origin == nullptr ? std::string_view() : origin->source;
  const auto known = interfaces_.find(source);
  if (known != interfaces_.end()) return known->second;
  if (interfaces_.size() >= kMostInterfaces) return *by_number_.back();
  if (!std::exchange(begun_, true)) writer_.begin_section(application_, kAbout);
  Interface& made = interfaces_[std::string(source)];
  made.number = writer_.add_interface(source.empty() ? "smtptape" : source,
                                      "what the recorder of this name saw");
  by_number_.push_back(&made);
  return made;
}

void PacketFile::add(const Gap& gap) {
  Interface& interface = interface_of(gap.origin);
  const std::uint64_t events = gap.count.value_or(0);
  interface.statistics.dropped += events;
  if (interface.missing.size() >= kMostGaps) {
    interface.more += events;
    return;
  }
  const Id128 capture = gap.origin == nullptr ? Id128() : gap.origin->capture;
  interface.missing.push_back({capture, gap.after_sequence, events, words_of(gap)});
}

void PacketFile::take_missing(Interface& interface, PcapngPacket& packet) {
  constexpr std::size_t kMostTold = 4;
  packet.dropped += std::exchange(interface.more, 0);
  std::size_t told = 0;
  std::erase_if(interface.missing, [&](const Missing& missing) {
    if (missing.capture == capture_ && missing.after >= sequence_) return false;
    packet.dropped += missing.events;
    if (told++ < kMostTold) packet.comments.push_back("missing before it: " + missing.what);
    return true;
  });
}

void PacketFile::write(PcapngPacket packet) {
  Interface& interface = *by_number_[packet.interface];
  if (!interface.missing.empty() || interface.more > 0) take_missing(interface, packet);
  PcapngStatistics& statistics = interface.statistics;
  if (statistics.packets++ == 0) statistics.first = statistics.last = packet.at;
  statistics.first = std::min(statistics.first, packet.at);
  statistics.last = std::max(statistics.last, packet.at);
  ++packets_;
  writer_.add_packet(packet);
}

void PacketFile::finish() {
  for (const Interface* const interface : by_number_)
    writer_.add_statistics(interface->number, interface->statistics);
}

bool PacketFile::hold(std::size_t bytes) {
  if (held_ + bytes > kMostHeld) return false;
  held_ += bytes;
  return true;
}

}  // namespace smtptape
