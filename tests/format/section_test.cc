// What stands in the sections of a tape: the index with its session rows, the footer.
#include "format/tape/section.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/messages.h"
#include "format/tape/session_rows.h"
#include "tests/format/made_tape.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

TEST(SessionRows, TheIndexHasARowForEachSession) {
  const Made made = make_tape(testing::read_lines(testing::golden_path("feeds/basic/raw.jsonl")),
                              Layout::Interleaved,
                              sizes(256 * kKi, 1024 * kKi));
  const ReadBack got = read_back(made.bytes);
  ASSERT_EQ(got.indexes.size(), 1U);
  const SessionRows directory = read_rows(got.indexes[0]);
  EXPECT_EQ(directory.properties.size(), 2U);
  for (const SessionRow& row : directory.rows)
    EXPECT_TRUE(row.opened);
  EXPECT_EQ(directory.rows.size(), got.indexes[0].sessions);
  EXPECT_EQ(got.footer->session_hashes.size(), directory.rows.size());
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
