#include "base/time_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'795'000'000 * kSecond;

TEST(TimeSpec, ReadsTimesWithAnOffset) {
  EXPECT_EQ(parse_time_spec("1970-01-01T00:00:01Z", kNow, "--since"), kSecond);
  EXPECT_EQ(parse_time_spec("1970-01-01T01:00:00+01:00", kNow, "--since"), 0);
  EXPECT_EQ(parse_time_spec("-2h", kNow, "--since"), kNow - 7200 * kSecond);
}

TEST(TimeSpec, RefusesWhatTapesCannotSay) {
  for (const char* const time : {"3025-01-01T00:00:00Z", "3025-01-01T00:00:00", "9999-12-31"}) {
    EXPECT_THAT([&] { static_cast<void>(parse_time_spec(time, kNow, "--since")); },
                ThrowsMessage<UsageError>(HasSubstr("is not a time")))
        << time;
  }
}

TEST(Duration, NeedsAUnitWhereItDecidesWhatIsDeleted) {
  EXPECT_EQ(parse_duration("90", "--last"), 90s);
  EXPECT_EQ(parse_duration_with_unit("14d", "--max-age"), 14 * 24h);
  EXPECT_EQ(parse_duration_with_unit("0", "--max-age"), 0s);
  EXPECT_THAT([] { static_cast<void>(parse_duration_with_unit("14", "--max-age")); },
              ThrowsMessage<UsageError>("--max-age: \"14\" has no unit; give 14d, 14h or 14s"));
  EXPECT_THROW(static_cast<void>(parse_duration_with_unit("", "--max-age")), UsageError);
}

}  // namespace
}  // namespace smtptape
