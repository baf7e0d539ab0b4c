// Which captures of a source follow each other.
#include "store/merge/capture_rows.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

Id128 id_of(std::uint8_t number) {
  Id128 id;
  id.bytes[0] = number;
  return id;
}

// An extract of some tapes of a capture: nobody knows where these were.
TapeFile extract_of(std::uint8_t capture, std::uint64_t first, std::uint64_t last) {
  TapeFile file;
  file.origins = {{id_of(capture), "mta", first, false}, {id_of(capture), "mta", last, false}};
  return file;
}

TEST(CaptureRows, FollowByTheNumbersWhereTheseFitOneRow) {
  const CaptureRows rows({extract_of(1, 1, 3), extract_of(2, 4, 5)});
  EXPECT_EQ(rows.sources().size(), 1U);
  EXPECT_EQ(rows.row_of(id_of(1)), rows.row_of(id_of(2)));
}

TEST(CaptureRows, FollowNeitherOfTwo) {
  const CaptureRows rows({extract_of(1, 1, 3), extract_of(2, 2, 4), extract_of(3, 5, 5)});
  EXPECT_EQ(rows.sources().size(), 3U);
  EXPECT_NE(rows.row_of(id_of(1)), rows.row_of(id_of(2))) << "their numbers meet";
  EXPECT_NE(rows.row_of(id_of(3)), rows.row_of(id_of(1)));
  EXPECT_NE(rows.row_of(id_of(3)), rows.row_of(id_of(2)));
}

TEST(CaptureRows, OfImportsAreRowsOfTheirOwn) {
  TapeFile imported = extract_of(2, 4, 4);
  for (Origin& origin : imported.origins)
    origin.imported = true;
  const CaptureRows rows({extract_of(1, 1, 3), imported, extract_of(3, 5, 5)});
  EXPECT_EQ(rows.sources().size(), 2U);
  EXPECT_EQ(rows.row_of(id_of(1)), rows.row_of(id_of(3)));
  EXPECT_EQ(rows.row_of(id_of(9)), std::nullopt);
}

}  // namespace
}  // namespace smtptape
