// Old readers and new files, new readers and old files.
#include <string>
#include <vector>

#include <capnp/schema-loader.h>
#include <capnp/schema-parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/filesystem.h>

#include "future.capnp.h"

#include "base/error.h"
#include "base/hash.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/support/example_tape.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- a writer from the future ---

constexpr std::uint16_t kNewRecordKind = 77;
constexpr std::uint8_t kNewEventKind = 9;

std::string serialized(capnp::MessageBuilder& message) {
  std::string out;
  append_message(out, message);
  return out;
}

// A record as the future writes it: one more column, and an event of a kind that is new.
std::string modernized(capnp::FlatArrayMessageReader& old) {
  capnp::MallocMessageBuilder message;
  message.setRoot(old.getRoot<future::Record>());
  auto record = message.getRoot<future::Record>();
  if (record.getKind() == static_cast<std::uint16_t>(RecordKind::Events)) {
    auto events = record.getEvents();
    auto surprise = events.initSurprise().initU8(events.getCount());
    for (unsigned i = 0; i < surprise.size(); ++i)
      surprise.set(i, 1);
    auto kinds = events.getKind();
    kinds.set(kinds.size() - 1, kNewEventKind);
  }
  return serialized(message);
}

std::string new_record() {
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<future::Record>();
  record.setKind(kNewRecordKind);
  record.setSurprise(as_data("something that nobody knows yet"));
  return serialized(message);
}

// `header` with the body that belongs to it, its checksum made anew.
std::string batch(tape::BatchHeader::Reader header, const std::string& body) {
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<tape::Record>();
  record.setKind(static_cast<std::uint16_t>(RecordKind::Batch));
  record.setBatch(header);
  record.getBatch().setBodyBytes(body.size());
  record.getBatch().setChecksum(0);
  record.getBatch().setChecksum(hash64(serialized(message) + body));
  return serialized(message) + body;
}

std::string modernized_records(const std::string& records) {
  std::string out;
  std::string body;
  auto left = as_words(records);
  std::optional<capnp::FlatArrayMessageReader> header;
  const auto end_batch = [&] {
    if (header) out += batch(header->getRoot<tape::Record>().getBatch(), body + new_record());
    body.clear();
  };
  while (left.size() > 0) {
    capnp::FlatArrayMessageReader message(left);
    if (message.getRoot<tape::Record>().getKind() ==
        static_cast<std::uint16_t>(RecordKind::Batch)) {
      end_batch();
      header.emplace(left);
    } else {
      body += modernized(message);
    }
    left = {message.getEnd(), left.end()};
  }
  end_batch();
  return out;
}

// A tape of one group as the future would have written it.
std::string modernized_tape(const std::string& old, const FlagWords& flags) {
  const auto section_at = [&old](std::size_t at) {
    const std::size_t bytes = load_u32(old.data() + at + 4) + kFrameHeaderBytes;
    return old.substr(at, bytes);
  };
  const std::string header = section_at(0);
  const auto old_header = parse_section(header);
  const Id128 id = old_header->tape_id;
  std::string out = section_frame(SectionKind::Header, id, flags, old_header->message());
  const std::size_t group_at = out.size();
  const std::size_t group_bytes = whole_frame_size(std::string_view(old).substr(header.size()));
  Compressor compressor(3, 18);
  const std::string records =
      decompress_whole(std::string_view(old).substr(header.size(), group_bytes), 1 << 20);
  compressor.add(modernized_records(records), out);
  compressor.end(out);
  const std::string old_index = section_at(header.size() + group_bytes);
  GroupIndex index = read_index_message(parse_section(old_index)->message());
  index.bytes = out.size() - group_at;
  index.hash = hash64(std::string_view(out).substr(group_at));
  out += section_frame(SectionKind::Index, id, flags, to_message(index));
  TapeFooter footer = read_footer_message(
      parse_section(section_at(header.size() + group_bytes + old_index.size()))->message());
  index.rows.clear();
  footer.groups = {index};
  return out + footer_frame(id, flags, to_message(footer), out.size());
}

struct Got {
  std::vector<std::string> frames;
  std::vector<EventKind> newer_kinds;
  std::vector<std::string> foreign;
  std::vector<std::string> notes;
  std::size_t damage = 0;
};

Got read(const std::string& bytes) {
  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  Got got;
  EventBatch batch;
  while (reader.next(batch)) {
    for (const Event& event : batch.events) {
      append_frame(got.frames.emplace_back(), event);
      if (event.verbatim != nullptr) got.newer_kinds.push_back(event.verbatim->newer_kind);
    }
    for (const std::string_view record : batch.foreign)
      got.foreign.emplace_back(record);
    for (const Note& note : batch.notes)
      got.notes.push_back(note.key);
  }
  got.damage = reader.damage().size();
  return got;
}

std::string copied(const std::string& bytes) {
  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  EventBatch batch;
  StringSink sink;
  std::optional<TapeWriter> writer;
  while (reader.next(batch)) {
    if (!writer) writer.emplace(sink, *reader.header(), TapeOptions{});
    for (const Event& event : batch.events)
      writer->add(event);
    Ledger ledger;
    writer->add_beside_events(batch, ledger);
  }
  writer->seal({}, 0);
  return sink.text();
}

TEST(Evolution, AFutureTapeIsReadWhereItCanBeUnderstood) {
  const Got got = read(modernized_tape(testing::example_tape(Layout::Interleaved), {0, 2}));
  EXPECT_EQ(got.damage, 0U);
  ASSERT_EQ(got.frames.size(), testing::example_frames().size());
  EXPECT_EQ(got.frames[0], testing::example_frames()[0]);
  EXPECT_EQ(got.frames[1], testing::example_frames()[1]);
  EXPECT_EQ(got.frames[2], "MAIL FROM:<a@b.example>\r\n") << "the text that the payload has for it";
  EXPECT_THAT(got.newer_kinds, ElementsAre(EventKind{kNewEventKind}));
  EXPECT_THAT(got.foreign, ElementsAre(new_record()));
}

TEST(Evolution, WhatIsUnknownSurvivesACopyOrIsSaidToBeMissing) {
  const std::string future = modernized_tape(testing::example_tape(Layout::Interleaved), {});
  const Got got = read(copied(copied(future)));
  EXPECT_EQ(got.frames, read(future).frames);
  EXPECT_THAT(got.newer_kinds, ElementsAre(EventKind{kNewEventKind}));
  EXPECT_THAT(got.foreign, ElementsAre(new_record()));
  EXPECT_THAT(got.notes, ElementsAre(kNewerColumns));
}

TEST(Evolution, AnIncompatibleFlagIsRefusedWithTheReason) {
  const std::string future = modernized_tape(testing::example_tape(Layout::Interleaved), {4, 0});
  try {
    (void)read(future);
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("newer"));
  }
}

// --- the schema ---

// All structs of a schema file, the file's node included.
std::vector<capnp::Schema> nodes_of(const capnp::ParsedSchema& file) {
  std::vector<capnp::Schema> nodes;
  for (const auto nested : file.getAllNested())
    nodes.push_back(nested);
  return nodes;
}

// Cap'n Proto's own judge of whether one schema may follow another.
TEST(Evolution, TheSchemaMayFollowEachOneThatWasReleased) {
  const auto disk = kj::newDiskFilesystem();
  const auto parse = [&disk](capnp::SchemaParser& parser, const std::string& path) {
    return parser.parseFromDirectory(
        disk->getRoot(), disk->getCurrentPath().evalNative(path), nullptr);
  };
  const std::string now = std::string(SMTPTAPE_SOURCE_DIR) + "/format/tape/tape.capnp";
  const std::string released = testing::golden_path("tapes/version-1.capnp").string();
  capnp::SchemaParser old_parser;
  capnp::SchemaParser new_parser;
  capnp::SchemaLoader judge;
  for (const auto& node : nodes_of(parse(old_parser, released)))
    judge.load(node.getProto());
  std::size_t compared = 0;
  for (const auto& node : nodes_of(parse(new_parser, now))) {
    EXPECT_NO_THROW(judge.load(node.getProto())) << node.getShortDisplayName().cStr();
    ++compared;
  }
  EXPECT_GE(compared, nodes_of(parse(old_parser, released)).size()) << "a struct is gone";
}

// --- a tape that was written long ago ---

TEST(Evolution, TapesOfVersion1StayReadable) {
  for (const char* const name : {"tapes/version-1-recorded.tape", "tapes/version-1-written.tape"}) {
    const Got got = read(testing::read_file(testing::golden_path(name)));
    EXPECT_EQ(got.damage, 0U) << name;
    EXPECT_EQ(got.frames, testing::read_lines(testing::golden_path("tapes/version-1.jsonl")))
        << name;
  }
}

// The first tape from which something was left out.
TEST(Evolution, ATapeOfWhichSomethingWasLeftOutKeepsItsMarks) {
  const std::string bytes = testing::read_file(testing::golden_path("tapes/version-1-levels.tape"));
  const Got got = read(bytes);
  EXPECT_EQ(got.damage, 0U);
  EXPECT_EQ(got.frames, testing::read_lines(testing::golden_path("tapes/version-1-levels.jsonl")));
  EXPECT_THAT(got.notes, ElementsAre(kBodiesNote, kSecretsNote));

  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  std::vector<std::uint64_t> missing;
  std::vector<std::uint64_t> masked;  // sequences
  for (EventBatch batch; reader.next(batch);) {
    for (const Event& event : batch.events) {
      if (event.trimmed) missing.push_back(bytes_not_recorded(event));
      if (event.masked) masked.push_back(event.sequence);
    }
  }
  EXPECT_THAT(missing, ElementsAre(21, 700));
  EXPECT_THAT(masked, ElementsAre(6, 7, 10, 27));
}

}  // namespace
}  // namespace smtptape
