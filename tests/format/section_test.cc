// What stands in the sections of a tape: the index with its session rows, the footer.
#include "format/tape/section.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/session_rows.h"
#include "tests/format/made_tape.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

TEST(SessionRows, ComeBackAsTheyWere) {
  GroupIndex index;
  index.first_sequence = 100;
  index.first_received = -5;
  SessionRows rows;
  rows.properties = {{"tenant", {"\"a\"", "\"b\"", "\"c\""}}, {"recipient", {}}};
  for (std::uint32_t i = 0; i < 3; ++i) {
    SessionRow& row = rows.rows.emplace_back();
    row.id = std::string(i, 'x');
    row.first_sequence = 100 + i;
    row.last_sequence = 1'000'000'000'000 + i;
    row.first_received = -5 + std::int64_t{i};
    row.last_received = 7 + std::int64_t{i};
    row.bytes_written = std::uint64_t{1} << (40 + i);
    row.last_reply = 250;
    row.tls = i == 1;
    row.properties.resize(2);
    row.properties[0].values =
        i == 0 ? std::vector<std::uint32_t>{0, 1} : std::vector<std::uint32_t>{2, 0};
    row.properties[1].absent = true;
    if (i == 2) row.properties[1].hashes = {7, 8};
  }
  index.rows = compress_whole(to_message(rows, index));
  const SessionRows back = read_rows(index);
  ASSERT_EQ(back.rows.size(), 3U);
  EXPECT_EQ(back.properties[0].values, rows.properties[0].values);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.rows[i].id, rows.rows[i].id);
    EXPECT_EQ(back.rows[i].first_sequence, rows.rows[i].first_sequence);
    EXPECT_EQ(back.rows[i].last_sequence, rows.rows[i].last_sequence);
    EXPECT_EQ(back.rows[i].first_received, rows.rows[i].first_received);
    EXPECT_EQ(back.rows[i].last_received, rows.rows[i].last_received);
    EXPECT_EQ(back.rows[i].bytes_written, rows.rows[i].bytes_written);
    EXPECT_EQ(back.rows[i].last_reply, 250);
    EXPECT_EQ(back.rows[i].tls, rows.rows[i].tls);
    EXPECT_EQ(back.rows[i].properties[0].values, rows.rows[i].properties[0].values);
    EXPECT_TRUE(back.rows[i].properties[1].absent);
    EXPECT_EQ(back.rows[i].properties[1].hashes, rows.rows[i].properties[1].hashes);
  }
}

TEST(SessionRows, TheIndexHasARowForEachSession) {
  const Made made = make_tape(testing::read_lines(testing::golden_path("feeds/basic/raw.jsonl")),
                              Layout::Interleaved,
                              sizes(256 * kKi, 1024 * kKi));
  const ReadBack got = read_back(made.bytes);
  ASSERT_EQ(got.indexes.size(), 1U);
  const SessionRows directory = read_rows(got.indexes[0]);
  const std::vector<SessionRow>& rows = directory.rows;
  std::uint64_t events = 0;
  for (const SessionRow& row : rows) {
    events += row.events;
    EXPECT_EQ(row.properties.size(), 2U);
    EXPECT_TRUE(row.opened);
  }
  EXPECT_EQ(events, made.frames.size());
  EXPECT_EQ(rows.size(), got.indexes[0].sessions);
  EXPECT_EQ(got.footer->session_hashes.size(), rows.size());
}

TEST(Section, RoundTripsAndRefusesEveryFlippedBit) {
  const Id128 id = random_id();
  const std::string frame = footer_frame(id, {1, 2}, std::string(24, 'm'), 1234);
  const auto place = parse_trailer(frame);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->offset, 1234U);
  EXPECT_EQ(place->bytes, frame.size());
  const auto section = parse_section(frame);
  ASSERT_TRUE(section);
  EXPECT_EQ(section->message(), std::string(24, 'm'));
  EXPECT_EQ(section->flags.compatible, 2U);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string changed = frame;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(parse_section(changed)) << bit;
  }
}

}  // namespace
}  // namespace smtptape
