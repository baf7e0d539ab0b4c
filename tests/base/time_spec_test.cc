#include "base/time_spec.h"

#include <cstdlib>
#include <ctime>
#include <limits>
#include <optional>
#include <string>

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

// The zone of this process, until it ends.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* const before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    if (before_) {
      ::setenv("TZ", before_->c_str(), 1);
    } else {
      ::unsetenv("TZ");
    }
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  std::optional<std::string> before_;
};
// As tzdata has it, which need not be there.
constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

std::int64_t utc(const char* time) {
  return parse_time_spec(time, kNow, "a test");
}

TEST(TimeSpec, TakesBothHoursWhereTheClockGoesBack) {
  const Zone zone(kBerlin);
  const char* const twice = "2026-10-25 02:30";
  EXPECT_EQ(parse_time_spec(twice, kNow, "--since", Twice::First), utc("2026-10-25T00:30:00Z"));
  EXPECT_EQ(parse_time_spec(twice, kNow, "--until", Twice::Last), utc("2026-10-25T01:30:00Z"));
  for (const Twice which : {Twice::First, Twice::Last}) {
    EXPECT_EQ(parse_time_spec("2026-10-25 01:59:59", kNow, "x", which),
              utc("2026-10-24T23:59:59Z"));
    EXPECT_EQ(parse_time_spec("2026-10-25 03:00", kNow, "x", which), utc("2026-10-25T02:00:00Z"));
    EXPECT_EQ(parse_time_spec("2026-07-01", kNow, "x", which), utc("2026-06-30T22:00:00Z"));
    EXPECT_EQ(parse_time_spec("2026-12-31T23:59:60", kNow, "x", which),
              utc("2026-12-31T23:00:00Z"));
  }
}

TEST(TimeSpec, RefusesALocalTimeThatTheClockLeavesOut) {
  const Zone zone(kBerlin);
  for (const char* const time : {"2026-03-29 02:00", "2026-03-29T02:59:59.9"})
    EXPECT_THAT([&] { static_cast<void>(parse_time_spec(time, kNow, "--since")); },
                ThrowsMessage<UsageError>(HasSubstr("does not exist here")));
  EXPECT_EQ(utc("2026-03-29 01:59:59"), utc("2026-03-29T00:59:59Z"));
  EXPECT_EQ(utc("2026-03-29 03:00"), utc("2026-03-29T01:00:00Z"));
  // A day begins then a little later: here the clock goes from 0 to 1.
  const Zone brazil("BRT3BRST,M11.1.0/0,M2.3.0/0");
  EXPECT_EQ(utc("2026-11-01"), utc("2026-11-01T03:00:00Z"));
}

TEST(TimeSpec, RefusesAZoneThatNobodyKnows) {
  for (const char* const name :
       {"Nowhere", "Europe/Nowhere", ":Nowhere", "E1", "<x", "/etc/passwd"}) {
    const Zone zone(name);
    EXPECT_THAT([&] { static_cast<void>(parse_time_spec("22:00", kNow, "--since")); },
                ThrowsMessage<UsageError>(HasSubstr("is no time zone")))
        << name;
    EXPECT_EQ(utc("1970-01-01T00:00:01Z"), kSecond) << "which needs none";
    EXPECT_EQ(utc("-2h"), kNow - 7200 * kSecond);
  }
  for (const char* const name : {"", "UTC", "UTC0", "<+03>-3", kBerlin}) {
    const Zone zone(name);
    EXPECT_NO_THROW(static_cast<void>(parse_time_spec("22:00", kNow, "--since"))) << name;
  }
}

TEST(TimeSpec, RefusesNumbersThatTapesCannotHold) {
  EXPECT_EQ(utc("@9223372036.854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(utc("@-1.25"), -kSecond * 5 / 4);
  EXPECT_EQ(utc("@-9223372036"), -9'223'372'036 * kSecond);
  for (const char* const time :
       {"@9223372037", "@9999999999", "@-9223372037", "@1795298400000", "@999999999999999999"})
    EXPECT_THAT([&] { static_cast<void>(utc(time)); },
                ThrowsMessage<UsageError>(HasSubstr("is not a time that tapes can hold")))
        << time;
  for (const char* const time : {"@",
                                 "@-",
                                 "@1.",
                                 "@9999999999999999999",
                                 "@1e9",
                                 "-99999999999d",
                                 "1970-01-01T00:00:00+99:00",
                                 "1970-01-01T00:00:00+01:60"})
    EXPECT_THROW(static_cast<void>(utc(time)), UsageError) << time;
}

TEST(Duration, IsRefusedWhereItIsLongerThanTimeItself) {
  for (const char* const time : {"99999999999d",
                                 "9223372036854775807s",
                                 "99999999999999999999d",
                                 "2562047h2562047h2562047h"})
    EXPECT_THROW(static_cast<void>(parse_duration_with_unit(time, "--max-age")), UsageError)
        << time;
  EXPECT_EQ(parse_duration("20000d", "--max-age"), 20000 * 24h);
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
