#include "replay/pace.h"

#include <chrono>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Pace::Clock::time_point kStart{hours(5)};

TEST(Pace, ReadsSpeeds) {
  EXPECT_EQ(parse_speed("max"), std::nullopt);
  EXPECT_EQ(parse_speed("1"), 1.0);
  EXPECT_EQ(parse_speed("0.25"), 0.25);
  EXPECT_EQ(parse_speed("1e3"), 1000.0);
}

TEST(Pace, RefusesWhatIsNoSpeed) {
  for (const char* const text : {"", "0", "-1", "fast", "1x", " 1", "nan", "inf", "1e999", "MAX"})
    EXPECT_THROW(static_cast<void>(parse_speed(text)), UsageError) << text;
}

TEST(Pace, NeverWaitsAtFullSpeed) {
  Pace pace(std::nullopt);
  EXPECT_EQ(pace.due(0, kStart), kStart);
  EXPECT_EQ(pace.due(3600 * kSecond, kStart + seconds(1)), kStart + seconds(1));
}

TEST(Pace, StartsWithTheFirstEventAndKeepsDistances) {
  Pace pace(1.0);
  EXPECT_EQ(pace.due(100 * kSecond, kStart), kStart);
  EXPECT_EQ(pace.due(103 * kSecond, kStart + milliseconds(5)), kStart + seconds(3));
  EXPECT_EQ(pace.due(110 * kSecond, kStart + hours(1)), kStart + seconds(10));
}

TEST(Pace, IsFasterOrSlowerByItsFactor) {
  Pace fast(4.0);
  Pace slow(0.5);
  static_cast<void>(fast.due(0, kStart));
  static_cast<void>(slow.due(0, kStart));
  EXPECT_EQ(fast.due(8 * kSecond, kStart), kStart + seconds(2));
  EXPECT_EQ(slow.due(8 * kSecond, kStart), kStart + seconds(16));
}

TEST(Pace, DoesNotWaitForTimesThatGoBack) {
  Pace pace(1.0);
  static_cast<void>(pace.due(100 * kSecond, kStart));
  EXPECT_EQ(pace.due(50 * kSecond, kStart), kStart);
}

TEST(Pace, OutlivesAbsurdTimes) {
  Pace pace(1e-300);
  static_cast<void>(pace.due(std::numeric_limits<std::int64_t>::min(), kStart));
  EXPECT_GT(pace.due(std::numeric_limits<std::int64_t>::max(), kStart), kStart + hours(24));
}

}  // namespace
}  // namespace smtptape
