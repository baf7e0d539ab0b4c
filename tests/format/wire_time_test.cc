#include <array>
#include <cstdio>
#include <random>
#include <string>

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

std::string time_written_slowly(WallTime time) {
  const bool leap = time.nanos >= kNanosPerSecond;
  const std::int64_t second = (time.seconds % 86'400 + 86'400) % 86'400;
  const CivilDate date = civil_from_days((time.seconds - second) / 86'400);
  std::array<char, 80> text{};
  std::snprintf(text.data(),
                text.size(),
                "%s%04lld-%02u-%02uT%02lld:%02lld:%02lld.%09u",
                date.year < 0      ? "-"
                : date.year > 9999 ? "+"
                                   : "",
                static_cast<long long>(date.year < 0 ? -date.year : date.year),
                date.month,
                date.day,
                static_cast<long long>(second / 3600),
                static_cast<long long>(second / 60 % 60),
                static_cast<long long>(second % 60 + (leap ? 1 : 0)),
                leap ? time.nanos - kNanosPerSecond : time.nanos);
  std::string out = text.data();
  if (out.ends_with("000000000")) return out.substr(0, out.size() - 10) + "Z";
  while (out.ends_with("000"))
    out.resize(out.size() - 3);
  return out + "Z";
}

// Times of one minute follow each other, and minutes in any order.
TEST(WireTime, EqualsWhatIsWrittenFieldByField) {
  std::minstd_rand random(3);
  for (int round = 0; round < 20'000; ++round) {
    const auto far = static_cast<std::int64_t>(random()) * (random() % 2 == 0 ? 4000 : -4000);
    WallTime time{round % 7 == 0 ? far : static_cast<std::int64_t>(random() % 200) - 100, 0};
    time.nanos = static_cast<std::uint32_t>(random() % 1000 * 1'000'000);
    if (round % 3 == 0) time.nanos += static_cast<std::uint32_t>(random() % 1000 * 1000);
    if (round % 9 == 0) time.nanos += static_cast<std::uint32_t>(random() % 1000);
    if (round % 11 == 0) time.nanos += kNanosPerSecond;
    std::string out;
    append_wire_time(out, time);
    ASSERT_EQ(out, time_written_slowly(time));
    std::string shown;
    append_kcli_time(shown, time);
    out.back() = ' ';
    out[out.find('T')] = ' ';
    ASSERT_EQ(shown, out + "UTC");
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
  // About as many nanoseconds as 64 bits hold.
  EXPECT_EQ(elapsed_between({0, 0}, {18'446'744'073, 709'551'615}),
            (Elapsed{false, 18'446'744'073, 709'551'615}));
  EXPECT_EQ(elapsed_between({18'446'744'073, 709'551'616}, {0, 0}),
            (Elapsed{true, 18'446'744'073, 709'551'616}));
}

}  // namespace
}  // namespace smtptape
