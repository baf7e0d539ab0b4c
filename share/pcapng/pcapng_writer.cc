#include "share/pcapng/pcapng_writer.h"

#include <algorithm>

#include "base/visible_text.h"

namespace smtptape {

namespace {

enum Block : std::uint32_t {
  kInterface = 1,
  kStatistics = 5,
  kPacket = 6,
  kSection = 0x0A0D0D0A,
};
constexpr std::uint32_t kByteOrder = 0x1A2B3C4D;
constexpr std::uint16_t kRawIp = 101;  // LINKTYPE_RAW: packets begin with their IP header
constexpr std::uint32_t kLongest = 65536;

// Options of any block, of a section, an interface, a packet, and of statistics.
constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kApplication = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kInterfaceDescription = 3;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kPacketDrops = 4;
constexpr std::uint16_t kStartTime = 2;
constexpr std::uint16_t kEndTime = 3;
constexpr std::uint16_t kReceived = 4;
constexpr std::uint16_t kDropped = 5;

template <class Number>
void append_number(std::string& out, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
}

void pad(std::string& out) {
  constexpr std::size_t kAlignment = 4;
  out.append((kAlignment - out.size() % kAlignment) % kAlignment, '\0');
}

std::string cut_back(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  constexpr std::string_view kMore = "…";
  std::size_t size = most - kMore.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  return text.substr(0, size).append(kMore);
}

}  // namespace

void PcapngWriter::begin_section(std::string_view application, std::string_view comment) {
  begin_block(kSection);
  append_number(block_, kByteOrder);
  append_number<std::uint16_t>(block_, 1);  // version 1.0
  append_number<std::uint16_t>(block_, 0);
  append_number<std::uint64_t>(block_, ~std::uint64_t{0});  // how long it is, is not said
  append_comment(comment);
  append_option(kApplication, application);
  append_option(kEndOfOptions, {});
  end_block();
}

std::uint32_t PcapngWriter::add_interface(std::string_view name, std::string_view description) {
  constexpr char kNanoseconds = 9;
  begin_block(kInterface);
  append_number(block_, kRawIp);
  append_number<std::uint16_t>(block_, 0);
  append_number(block_, kLongest);
  append_option(kInterfaceName, cut_back(visible(name), kMostComment));
  append_option(kInterfaceDescription, cut_back(visible(description), kMostComment));
  append_option(kTimeResolution, std::string_view(&kNanoseconds, 1));
  append_option(kEndOfOptions, {});
  end_block();
  return interfaces_++;
}

void PcapngWriter::add_packet(const PcapngPacket& packet) {
  constexpr std::uint32_t kInbound = 1, kOutbound = 2;
  const auto size = static_cast<std::uint32_t>(packet.bytes.size());
  begin_block(kPacket);
  append_number(block_, packet.interface);
  append_time(packet.at);
  append_number(block_, size);
  append_number(block_, size);
  block_ += packet.bytes;
  pad(block_);
  for (const std::string& comment : packet.comments)
    append_comment(comment);
  std::string flags;
  append_number(flags, packet.outbound ? kOutbound : kInbound);
  append_option(kPacketFlags, flags);
  if (packet.dropped > 0) append_figure(kPacketDrops, packet.dropped);
  append_option(kEndOfOptions, {});
  end_block();
}

void PcapngWriter::add_statistics(std::uint32_t interface, const PcapngStatistics& statistics) {
  const auto append_moment = [this](std::uint16_t code, std::int64_t at) {
    append_number<std::uint16_t>(block_, code);
    append_number<std::uint16_t>(block_, sizeof at);
    append_time(at);
  };
  begin_block(kStatistics);
  append_number(block_, interface);
  append_time(statistics.last);
  append_moment(kStartTime, statistics.first);
  append_moment(kEndTime, statistics.last);
  append_figure(kReceived, statistics.packets);
  append_figure(kDropped, statistics.dropped);
  append_option(kEndOfOptions, {});
  end_block();
}

void PcapngWriter::begin_block(std::uint32_t type) {
  block_.clear();
  append_number(block_, type);
  append_number<std::uint32_t>(block_, 0);
}

// The upper half first, whatever the order of bytes.
void PcapngWriter::append_time(std::int64_t at) {
  constexpr unsigned kHalf = 32;
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(at, 0));
  append_number(block_, static_cast<std::uint32_t>(time >> kHalf));
  append_number(block_, static_cast<std::uint32_t>(time));
}

void PcapngWriter::append_option(std::uint16_t code, std::string_view value) {
  append_number(block_, code);
  append_number(block_, static_cast<std::uint16_t>(value.size()));
  block_ += value;
  pad(block_);
}

void PcapngWriter::append_comment(std::string_view text) {
  append_option(kComment, cut_back(visible(text), kMostComment));
}

void PcapngWriter::append_figure(std::uint16_t code, std::uint64_t value) {
  append_number(block_, code);
  append_number<std::uint16_t>(block_, sizeof value);
  append_number(block_, value);
}

// The length stands at both ends.
void PcapngWriter::end_block() {
  const auto size = static_cast<std::uint32_t>(block_.size() + sizeof(std::uint32_t));
  append_number(block_, size);
  std::string length;
  append_number(length, size);
  block_.replace(sizeof(std::uint32_t), length.size(), length);
  out_.write(block_);
}

}  // namespace smtptape
