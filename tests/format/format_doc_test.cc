// docs/format.md and the code say the same: its constants, and every byte of its worked example.
#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/io.h"
#include "format/limits.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"
#include "format/wire/wire.h"
#include "tests/support/example_tape.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using testing::example_frames;
using testing::example_tape_without_schema;
using testing::message_of_section;
using testing::records_of;

const std::vector<std::string>& document() {
  static const std::vector<std::string> kLines =
      testing::read_lines(SMTPTAPE_SOURCE_DIR "/docs/format.md");
  return kLines;
}

std::uint64_t number(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  EXPECT_TRUE(error == std::errc{} && end == text.data() + text.size()) << text;
  return value;
}

// Bytes written as "00 1a  2b".
std::string from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) < text.size(); at += 2) {
    bytes.push_back(static_cast<char>(number("0x" + std::string(text.substr(at, 2)))));
  }
  return bytes;
}

// The bytes of the fenced block of that name; each line begins with its offset.
std::string hex_block(std::string_view name) {
  std::string bytes;
  bool inside = false;
  for (const std::string& line : document()) {
    if (inside && line == "```") return bytes;
    if (inside) {
      EXPECT_EQ(number("0x" + line.substr(0, 4)), bytes.size()) << line;
      bytes += from_hex(line.substr(4));
    }
    if (line == "```" + std::string(name)) inside = true;
  }
  ADD_FAILURE() << "no block " << name;
  return {};
}

using Row = std::vector<std::string>;

Row cells_of(std::string_view line) {
  Row cells;
  line.remove_prefix(1);
  for (std::size_t bar = 0; (bar = line.find('|')) != std::string_view::npos;) {
    std::string_view cell = line.substr(0, bar);
    cell.remove_prefix(std::min(cell.find_first_not_of(" `"), cell.size()));
    cell = cell.substr(0, cell.find_last_not_of(" `") + 1);
    cells.emplace_back(cell);
    line.remove_prefix(bar + 1);
  }
  return cells;
}

// The rows of every table below the heading whose first line begins like this.
std::vector<Row> rows_of(std::string_view heading, std::string_view first_line) {
  std::vector<Row> rows;
  bool below = false;
  bool inside = false;
  for (const std::string& line : document()) {
    if (line.starts_with('#')) below = line == heading;
    if (!line.starts_with('|')) {
      inside = false;
    } else if (below && line.starts_with(first_line)) {
      inside = true;
    } else if (inside && !line.starts_with("| ---")) {
      rows.push_back(cells_of(line));
    }
  }
  EXPECT_FALSE(rows.empty()) << heading;
  return rows;
}

void expect_constants(std::string_view heading,
                      std::string_view first_line,
                      const std::map<std::string, std::string>& code) {
  std::map<std::string, std::string> told;
  for (const Row& row : rows_of(heading, first_line)) {
    told[row[0]] = row[1].starts_with("0x") ? std::to_string(number(row[1])) : row[1];
  }
  EXPECT_EQ(told, code);
}

void expect_bytes(std::string_view heading, std::string_view block) {
  for (const Row& row : rows_of(heading, "| at | bytes | what |")) {
    const std::string bytes = from_hex(row[1]);
    EXPECT_EQ(block.substr(number(row[0]), bytes.size()), bytes) << row[0] << " " << row[2];
  }
}

TEST(FormatDocument, NamesTheConstantsOfASection) {
  expect_constants("## 3. Sections",
                   "| constant | value |",
                   {{"kSkippableMagic", std::to_string(kSkippableMagic)},
                    {"kZstdMagic", std::to_string(kZstdMagic)},
                    {"kSectionMagic", std::string(kSectionMagic)},
                    {"kTrailerMagic", std::string(kTrailerMagic)},
                    {"kFormatVersion", std::to_string(kFormatVersion)},
                    {"kFrameHeaderBytes", std::to_string(kFrameHeaderBytes)},
                    {"kSectionStart", std::to_string(kSectionStart)},
                    {"kTrailerBytes", std::to_string(kTrailerBytes)}});
}

TEST(FormatDocument, NamesTheLimits) {
  expect_constants("## 8. Limits",
                   "| constant | bytes",
                   {{"kDefaultMaxFrame", std::to_string(kDefaultMaxFrame)},
                    {"kLargestMaxFrame", std::to_string(kLargestMaxFrame)},
                    {"kDefaultBatchBytes", std::to_string(kDefaultBatchBytes)},
                    {"kMostBatchEvents", std::to_string(kMostBatchEvents)},
                    {"kMostGroupEvents", std::to_string(kMostGroupEvents)},
                    {"kDefaultGroupBytes", std::to_string(kDefaultGroupBytes)},
                    {"kDefaultRecordingGroupBytes", std::to_string(kDefaultRecordingGroupBytes)},
                    {"kMostGroups", std::to_string(kMostGroups)},
                    {"kMostOrigins", std::to_string(kMostOrigins)},
                    {"kMostGroupGaps", std::to_string(kMostGroupGaps)},
                    {"kMostFooterGaps", std::to_string(kMostFooterGaps)},
                    {"kMostFooterNotes", std::to_string(kMostFooterNotes)},
                    {"kMostDetailBytes", std::to_string(kMostDetailBytes)},
                    {"kMostIndexedKeys", std::to_string(kMostIndexedKeys)},
                    {"kMostSessionRows", std::to_string(kMostSessionRows)},
                    {"kMostDialogues", std::to_string(kMostDialogues)},
                    {"kMostListedValues", std::to_string(kMostListedValues)},
                    {"kMostListedBytes", std::to_string(kMostListedBytes)},
                    {"kMostSummaryValues", std::to_string(kMostSummaryValues)},
                    {"kMostSummaryBytes", std::to_string(kMostSummaryBytes)},
                    {"kMostGroupListedBytes", std::to_string(kMostGroupListedBytes)},
                    {"kMostGroupIdBytes", std::to_string(kMostGroupIdBytes)},
                    {"kMostGroupListed", std::to_string(kMostGroupListed)},
                    {"kMostGroupHashed", std::to_string(kMostGroupHashed)},
                    {"kMostFiltered", std::to_string(kMostFiltered)},
                    {"kMostFooterSummaryBytes", std::to_string(kMostFooterSummaryBytes)},
                    {"kMostFooterGroupBytes", std::to_string(kMostFooterGroupBytes)},
                    {"kMostSessionHashes", std::to_string(kMostSessionHashes)},
                    {"kMostRowsMessage", std::to_string(kMostRowsMessage)},
                    {"kMostBatchBytes", std::to_string(kMostBatchBytes)},
                    {"kMostGroupColumnBytes", std::to_string(kMostGroupColumnBytes)},
                    {"kGroupMetaRoom", std::to_string(kGroupMetaRoom)},
                    {"kMostBatchRecords", std::to_string(kMostBatchRecords)},
                    {"kMostLooseRecords", std::to_string(kMostLooseRecords)},
                    {"kMostGroupOrigins", std::to_string(kMostGroupOrigins)},
                    {"kMostFooterOrigins", std::to_string(kMostFooterOrigins)},
                    {"kMostSearchedSection", std::to_string(kMostSearchedSection)},
                    {"kMostSectionMessage", std::to_string(kMostSectionMessage)},
                    {"kMostSectionBytes", std::to_string(kMostSectionBytes)},
                    {"kMostHeldBytes", std::to_string(kMostHeldBytes)},
                    {"kMostBackBytes", std::to_string(kMostBackBytes)},
                    {"kMostSearchBytes", std::to_string(kMostSearchBytes)},
                    {"kMostRowsBytes", std::to_string(kMostRowsBytes)},
                    {"kMostWindowLog", std::to_string(kMostWindowLog)}});
}

TEST(FormatDocument, ItsTapeReadsAsTheFramesThatItShows) {
  const std::string tape = hex_block("tape");
  StringSource source(tape);
  TapeReader reader(source, "the example");
  std::vector<std::string> frames;
  std::vector<std::uint64_t> sequences;
  for (EventBatch batch; reader.next(batch);) {
    for (const Event& event : batch.events) {
      append_frame(frames.emplace_back(), event);
      sequences.push_back(event.sequence);
      EXPECT_EQ(event.received - to_unix_nanos(event.when).value_or(0), 500'000);
      EXPECT_EQ(event.origin->source, "mta1");
    }
  }
  EXPECT_EQ(frames, example_frames());
  EXPECT_THAT(sequences, ::testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(reader.end(), TapeEnd::Sealed);
  EXPECT_TRUE(reader.damage().empty());
  for (const std::string& frame : frames) {
    EXPECT_THAT(document(), ::testing::Contains(frame));
  }
}

TEST(FormatDocument, SaysWhereThePartsOfItsTapeAre) {
  const std::string tape = hex_block("tape");
  std::vector<std::string> told;
  for (const Row& row : rows_of("### The file", "| offset | size | what |"))
    told.push_back(std::to_string(number(row[0])) + "+" + row[1]);
  const auto part = [](std::uint64_t offset, std::uint64_t size) {
    return std::to_string(offset) + "+" + std::to_string(size);
  };
  StringSource source(tape);
  TapeReader reader(source, "the example");
  for (EventBatch batch; reader.next(batch);) {
  }
  const GroupIndex& group = reader.footer().value().groups.front();
  const std::uint64_t index = group.offset + group.bytes;
  const FooterPlace footer = parse_trailer(tape).value();
  EXPECT_THAT(told,
              ::testing::ElementsAre(part(0, group.offset),
                                     part(group.offset, group.bytes),
                                     part(index, footer.offset - index),
                                     part(footer.offset, footer.bytes),
                                     part(tape.size() - kTrailerBytes, kTrailerBytes)));
  expect_bytes("### The file", tape);
}

TEST(FormatDocument, ShowsTheRecordsOfItsTapeAsTheyAreWrittenToday) {
  const std::string records = hex_block("records");
  EXPECT_EQ(records, records_of(hex_block("tape")));
  EXPECT_EQ(records, records_of(example_tape_without_schema(Layout::Interleaved)));
  expect_bytes("### The records", records);
  std::uint64_t end = 0;
  for (const Row& row : rows_of("### The records", "| offset | size | kind | what |")) {
    EXPECT_EQ(number(row[0]), end);
    end += number(row[1]);
    // A record's kind is the first number behind the framing of its segments and the root pointer.
    const std::size_t segments = load_u32(records.data() + number(row[0])) + 1;
    const std::size_t start = number(row[0]) + (4 + 4 * segments + 7) / 8 * 8;
    EXPECT_EQ(records[start + 8], static_cast<char>(number(row[2]))) << row[3];
  }
  EXPECT_EQ(end, records.size());
}

TEST(FormatDocument, ShowsTheIndexOfItsTape) {
  const std::string tape = hex_block("tape");
  const std::string index = hex_block("index");
  const Row place = rows_of("### The file", "| offset | size | what |").at(2);
  EXPECT_EQ(index, message_of_section(tape, number(place[0])));
  expect_bytes("### The index", index);
}

TEST(FormatDocument, ItsChecksumRuleGivesTheBatchsChecksum) {
  std::string records = hex_block("records");
  constexpr std::size_t kChecksumAt = 0x60;
  const std::uint64_t checksum = load_u64(records.data() + kChecksumAt);
  records.replace(kChecksumAt, 8, 8, '\0');
  EXPECT_EQ(hash64(records), checksum);
}

}  // namespace
}  // namespace smtptape
