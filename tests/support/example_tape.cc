#include "tests/support/example_tape.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "tape.capnp.h"

#include "base/error.h"
#include "base/io.h"
#include "format/limits.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"

namespace smtptape::testing {

namespace {

constexpr std::int64_t kStart = 1'785'851'690'120'000'000;  // 2026-08-04T13:54:50.120Z
constexpr std::int64_t kMillisecond = 1'000'000;

Id128 counted_id(std::uint8_t first) {
  Id128 id;
  for (std::uint8_t& byte : id.bytes)
    byte = first++;
  return id;
}

TapeHeader example_header(Layout layout) {
  TapeHeader header;
  header.tape_id = counted_id(0x10);
  header.origin = {counted_id(0xa0), "mta1", 1, false};
  header.layout = layout;
  header.writer = "smtptape";
  header.url = "http://127.0.0.1:8000";
  header.request = "{}";
  header.clock = {kStart, 0, 0};
  header.first_sequence = 1;
  return header;
}

std::size_t section_size(std::string_view tape) {
  return load_u32(tape.data() + 4) + kFrameHeaderBytes;
}

// The header's section with an empty schema.
std::string without_schema(std::string_view frame) {
  const auto section = parse_section(frame);
  SMTPTAPE_CHECK(section.has_value());
  const std::string old_message = section->message();
  capnp::FlatArrayMessageReader reader(as_words(old_message));
  capnp::MallocMessageBuilder shortened;
  shortened.setRoot(reader.getRoot<tape::TapeHeader>());
  shortened.getRoot<tape::TapeHeader>().disownSchema();
  capnp::MallocMessageBuilder compact;  // a copy has no hole where the schema was
  compact.setRoot(shortened.getRoot<tape::TapeHeader>().asReader());
  std::string message;
  append_message(message, compact);
  return section_frame(SectionKind::Header, section->tape_id, section->flags, message);
}

}  // namespace

const std::vector<std::string>& example_frames() {
  static const std::vector<std::string> kFrames{
      R"({"conn_meta":{"egress_pool":"pool-a","id":"s-1"},"payload":"BeginSession",)"
      R"("when":"2026-08-04T13:54:50.120Z"})",
      R"({"conn_meta":{"egress_pool":"pool-a","id":"s-1"},"payload":{"Read":"220 mx1 ESMTP\r\n"},)"
      R"("when":"2026-08-04T13:54:50.121Z"})",
      R"({"conn_meta":{"egress_pool":"pool-a","id":"s-1","tenant":"acme"},)"
      R"("payload":{"Write":"MAIL FROM:<a@b.example>\r\n"},"when":"2026-08-04T13:54:50.124Z"})",
  };
  return kFrames;
}

std::string example_tape(Layout layout) {
  StringSink sink;
  TapeOptions options;
  options.indexed_keys = {"tenant"};
  TapeWriter writer(sink, example_header(layout), options);
  WireDecoder decoder;
  EventBatch batch;
  for (const std::string& frame : example_frames()) {
    Event& event = decoder.decode(frame, Opcode::Text, batch);
    event.sequence = batch.events.size();
    event.received = to_unix_nanos(event.when).value_or(0) + kMillisecond / 2;
    writer.add(event);
  }
  Ledger ledger;
  ledger.received = batch.events.size();
  writer.seal(ledger, kStart + 1000 * kMillisecond);
  return sink.text();
}

std::string example_tape_without_schema(Layout layout) {
  const std::string tape = example_tape(layout);
  const std::size_t header_size = section_size(tape);
  const std::string header = without_schema(std::string_view(tape).substr(0, header_size));
  StringSource source(tape);
  TapeReader reader(source, "example");
  for (EventBatch batch; reader.next(batch);) {
  }
  SMTPTAPE_CHECK(reader.footer() && reader.indexes().size() == 1);
  const Id128 id = reader.header()->tape_id;
  GroupIndex index = reader.indexes().front();
  TapeFooter footer = *reader.footer();
  // Everything behind the header moves towards the start.
  const std::string group = tape.substr(index.offset, index.bytes);
  index.offset = header.size();
  footer.groups.front().offset = header.size();
  std::string out = header + group + section_frame(SectionKind::Index, id, {}, to_message(index));
  return out + footer_frame(id, {}, to_message(footer), out.size());
}

std::string message_of_section(std::string_view tape, std::size_t offset) {
  const std::string_view frame = tape.substr(offset);
  const auto section = parse_section(frame.substr(0, section_size(frame)));
  SMTPTAPE_CHECK(section.has_value());
  return section->message();
}

std::string records_of(std::string_view tape) {
  std::string records;
  while (!tape.empty()) {
    const std::size_t size = whole_frame_size(tape);
    SMTPTAPE_CHECK(size > 0);
    if (load_u32(tape.data()) == kZstdMagic) {
      records += decompress_whole(tape.substr(0, size), kMostBatchBytes);
    }
    tape.remove_prefix(size);
  }
  return records;
}

}  // namespace smtptape::testing
