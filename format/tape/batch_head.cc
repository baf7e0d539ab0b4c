#include "format/tape/batch_head.h"

#include <cstring>

#include <capnp/any.h>

#include "base/hash.h"
#include "format/tape/aligned_bytes.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"

namespace smtptape {

namespace {

constexpr std::size_t kFraming = 8;  // of a message with one segment

void store_big_endian(std::uint64_t value, std::uint8_t* to) {
  for (std::size_t i = 8; i-- > 0; value >>= 8)
    to[i] = static_cast<std::uint8_t>(value);
}

std::uint64_t load_big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i)
    value = value << 8 | bytes[i];
  return value;
}

BatchHead head_of(tape::BatchHeader::Reader from) {
  BatchHead head;
  store_big_endian(from.getTapeIdHigh(), head.tape_id.bytes.data());
  store_big_endian(from.getTapeIdLow(), head.tape_id.bytes.data() + 8);
  head.flags = {from.getIncompatible(), from.getCompatible()};
  head.checksum = from.getChecksum();
  head.body_bytes = from.getBodyBytes();
  head.number = from.getNumber();
  head.group = from.getGroup();
  head.events = from.getEventCount();
  head.part = from.getPart();
  return head;
}

}  // namespace

std::optional<BatchHead> parse_batch_head(std::string_view bytes) {
  if (bytes.size() < 2 * kFraming || load_u32(bytes.data()) != 0) return {};
  const std::size_t size = kFraming + std::size_t{8} * load_u32(bytes.data() + 4);
  if (size == kFraming || size > bytes.size()) return {};
  try {
    return reading_message("reading a batch header", [&]() -> std::optional<BatchHead> {
      capnp::FlatArrayMessageReader reader(as_words(bytes.substr(0, size)),
                                           reader_options(bytes.size()));
      const auto record = reader.getRoot<tape::Record>();
      if (record.getKind() != static_cast<std::uint16_t>(RecordKind::Batch)) return {};
      if (!record.hasBatch()) return {};
      return head_of(record.getBatch());
    });
  } catch (const Error&) {
    return {};
  }
}

std::string batch_head_message(const BatchHead& head,
                               std::uint64_t first_sequence,
                               const std::vector<std::string_view>& body) {
  capnp::MallocMessageBuilder message(kMostHeadWords);
  auto root = message.initRoot<tape::Record>();
  root.setKind(static_cast<std::uint16_t>(RecordKind::Batch));
  auto to = root.initBatch();
  to.setTapeIdHigh(load_big_endian(head.tape_id.bytes.data()));
  to.setTapeIdLow(load_big_endian(head.tape_id.bytes.data() + 8));
  to.setBodyBytes(head.body_bytes);
  to.setFirstSequence(first_sequence);
  to.setIncompatible(head.flags.incompatible);
  to.setCompatible(head.flags.compatible);
  to.setNumber(head.number);
  to.setGroup(head.group);
  to.setEventCount(head.events);
  to.setPart(head.part);
  std::string bytes;
  append_message(bytes, message);
  Hasher hasher;
  hasher.add(bytes);
  for (const std::string_view piece : body)
    hasher.add(piece);
  to.setChecksum(hasher.value());
  bytes.clear();
  append_message(bytes, message);
  return bytes;
}

// It covers the header with the checksum's own field zero, and the body.
bool is_checksum_good(std::string_view head, std::uint64_t checksum, std::string_view body) {
  AlignedBytes zeroed(head);
  capnp::FlatArrayMessageReader reader(as_words(zeroed.view()), reader_options(head.size()));
  const auto batch = reader.getRoot<tape::Record>().getBatch();
  const auto data = capnp::AnyStruct::Reader(batch).getDataSection();
  if (data.size() < sizeof(checksum)) return false;
  const auto at = reinterpret_cast<const char*>(data.begin()) - zeroed.view().data();
  std::memset(zeroed.data() + at, 0, sizeof(checksum));
  Hasher hasher;
  hasher.add(zeroed.view());
  hasher.add(body);
  return hasher.value() == checksum;
}

}  // namespace smtptape
