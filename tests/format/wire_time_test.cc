#include <gtest/gtest.h>

#include "format/wire/wire.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

TEST(WireTime, ReadsAndWritesAsChronoDoes) {
  for (const auto& row : testing::read_table("kcli/when.tsv", testing::Header::No)) {
    const auto time = parse_wire_time(testing::unquote(row.at(0)));
    if (row.at(1).starts_with("ERR")) {
      EXPECT_FALSE(time) << row[0];
      continue;
    }
    ASSERT_TRUE(time) << row[0];
    std::string wire;
    append_wire_time(wire, *time);
    EXPECT_EQ(wire, testing::unquote(row.at(1)));
    std::string shown;
    append_kcli_time(shown, *time);
    EXPECT_EQ(shown, row.at(2));
  }
}

TEST(WireTime, RefusesWhatIsNoTime) {
  for (const char* const bad : {"",
                                "2026-08-04",
                                "2026-08-04T13:41:30",
                                "2026-02-29T00:00:00Z",
                                "2026-13-01T00:00:00Z",
                                "2026-08-04T13:41:61Z",
                                "2026-08-04T13:41:30.Z",
                                "2026-08-04T13:41:30Zx",
                                "26-08-04T13:41:30Z",
                                "2026-08-04T13:60:30Z",
                                "2026-08-04T13:41:30+2:00"}) {
    EXPECT_FALSE(parse_wire_time(bad)) << bad;
  }
}

TEST(WireTime, CivilDatesGoBothWays) {
  for (std::int64_t day = -800'000; day < 3'000'000; day += 97) {
    EXPECT_EQ(days_from_civil(civil_from_days(day)), day);
  }
  EXPECT_EQ(civil_from_days(0), (CivilDate{1970, 1, 1}));
  EXPECT_EQ(civil_from_days(11'016), (CivilDate{2000, 2, 29}));
}

TEST(Elapsed, IsExactOverTheWholeRange) {
  const Elapsed wide = elapsed_between({-8'000'000'000'000, 1}, {8'000'000'000'000, 0});
  EXPECT_EQ(wide, (Elapsed{false, 15'999'999'999'999, 999'999'999}));
  EXPECT_EQ(elapsed_between({5, 0}, {4, 999'999'999}), (Elapsed{true, 0, 1}));
}

}  // namespace
}  // namespace smtptape
