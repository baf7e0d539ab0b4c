// Which tapes of a directory are a row, and which of them comes next.
#include "store/find/watched_directory.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "store/follow/followed_row.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<NumberedTape> row(const std::vector<std::pair<std::uint64_t, std::string>>& tapes) {
  std::vector<NumberedTape> out;
  for (const auto& [number, start] : tapes)
    out.push_back({{"m", number, start}, std::to_string(number)});
  return out;
}

TEST(TapeRow, BeginsWithItsLowestAndGoesOnWithTheNext) {
  const auto tapes = row({{4, "a"}, {5, "b"}, {8, "c"}});
  EXPECT_FALSE(next_of_row({}, std::nullopt));
  const auto first = next_of_row(tapes, std::nullopt);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->tape.name.number, 4U);
  EXPECT_EQ(first->missing, 0U);
  const auto second = next_of_row(tapes, first->tape.name);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->tape.name.number, 5U);
  EXPECT_EQ(second->missing, 0U);
  const auto third = next_of_row(tapes, second->tape.name);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->tape.name.number, 8U);
  EXPECT_EQ(third->missing, 2U);
  EXPECT_FALSE(next_of_row(tapes, third->tape.name));
}

TEST(TapeRow, BeginsAnewAfterEverythingWasDeleted) {
  const TapeName last{"m", 40, "20260804T210000Z"};
  EXPECT_FALSE(next_of_row(row({{40, "20260804T210000Z"}}), last));
  EXPECT_FALSE(next_of_row(row({{39, "20260804T200000Z"}, {40, "20260804T210000Z"}}), last));
  const auto anew = next_of_row(row({{1, "20260805T000000Z"}, {2, "20260805T010000Z"}}), last);
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->tape.name.number, 1U);
  EXPECT_EQ(anew->missing, 0U);
}

TEST(TapeRow, AHoleIsLookedAtTwice) {
  const TemporaryDirectory directory;
  const auto write = [&directory](std::uint64_t number) {
    const TapeName name{"m", number, "20260804T210000Z"};
    testing::write_file(directory / to_file_name(name), "");
    return name;
  };
  const TapeName first = write(1);
  write(3);
  WatchedDirectory watched(directory.path());
  EXPECT_THAT(watched.listing({})->rows.at("m"), SizeIs(2));
  write(2);
  const auto next = watched.next("m", first, {});  // content with what was listed before
  ASSERT_TRUE(next);
  EXPECT_EQ(next->tape.name.number, 2U);
  EXPECT_EQ(next->missing, 0U);
}

TEST(TapeRow, AListingHoldsTapesAndNothingElse) {
  const TemporaryDirectory directory;
  for (const char* const name : {"m-00000002-20260804T210000Z.tape",
                                 "m-00000001-20260804T210000Z.tape",
                                 "n-m-00000001-20260804T210000Z.tape",
                                 "extract.tape",
                                 "m.lock",
                                 "m-00000003-20260804T210000Z.tape.partial-1"}) {
    testing::write_file(directory / name, "");
  }
  fs::create_directory(directory / "m-00000004-20260804T210000Z.tape");
  fs::create_symlink(directory / "extract.tape", directory / "m-00000005-20260804T210000Z.tape");
  const TapeListing listing = list_rows(directory.path());
  ASSERT_THAT(listing.rows, SizeIs(2));
  EXPECT_THAT(listing.rows.at("n-m"), SizeIs(1));
  const auto& m = listing.rows.at("m");
  ASSERT_THAT(m, SizeIs(2));
  EXPECT_EQ(m.front().name.number, 1U);
  EXPECT_THAT(listing.others, ElementsAre(fs::path(directory / "extract.tape")));
  EXPECT_THROW(static_cast<void>(list_rows(directory / "nothing")), Error);
}

}  // namespace
}  // namespace smtptape
