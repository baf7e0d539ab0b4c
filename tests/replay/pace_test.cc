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
  Pace pace(PaceOptions{});
  EXPECT_EQ(pace.due(0, kStart), kStart);
  EXPECT_EQ(pace.due(3600 * kSecond, kStart + seconds(1)), kStart + seconds(1));
}

TEST(Pace, StartsWithTheFirstEventAndKeepsDistances) {
  Pace pace({1.0, {}});
  EXPECT_EQ(pace.due(100 * kSecond, kStart), kStart);
  EXPECT_EQ(pace.due(103 * kSecond, kStart + milliseconds(5)), kStart + seconds(3));
  EXPECT_EQ(pace.due(110 * kSecond, kStart + hours(1)), kStart + seconds(10));
}

TEST(Pace, IsFasterOrSlowerByItsFactor) {
  Pace fast({4.0, {}});
  Pace slow({0.5, {}});
  static_cast<void>(fast.due(0, kStart));
  static_cast<void>(slow.due(0, kStart));
  EXPECT_EQ(fast.due(8 * kSecond, kStart), kStart + seconds(2));
  EXPECT_EQ(slow.due(8 * kSecond, kStart), kStart + seconds(16));
}

TEST(Pace, DoesNotWaitForTimesThatGoBack) {
  Pace pace({1.0, {}});
  static_cast<void>(pace.due(100 * kSecond, kStart));
  EXPECT_EQ(pace.due(50 * kSecond, kStart), kStart);
}

TEST(Pace, DoesNotWaitTwiceForTheSameTime) {
  Pace pace({1.0, {}});
  static_cast<void>(pace.due(0, kStart));
  EXPECT_EQ(pace.due(10 * kSecond, kStart), kStart + seconds(10));
  EXPECT_EQ(pace.due(5 * kSecond, kStart), kStart + seconds(10));
  EXPECT_EQ(pace.due(10 * kSecond, kStart), kStart + seconds(10));
  EXPECT_EQ(pace.due(11 * kSecond, kStart), kStart + seconds(11));
}

TEST(Pace, ManyPausesAreAsLongAsOne) {
  Pace pace({4.0, {}});
  Pace::Clock::time_point last = pace.due(0, kStart);
  for (int i = 1; i <= 100'000; ++i)
    last = pace.due(i * 8'000'001LL, kStart);
  const auto wanted = kStart + std::chrono::nanoseconds(100'000 * 2'000'000LL + 25'000);
  EXPECT_LT(std::chrono::abs(last - wanted), milliseconds(1));
}

TEST(Pace, ShortensPauses) {
  Pace pace({2.0, seconds(3)});
  static_cast<void>(pace.due(0, kStart));
  EXPECT_EQ(pace.due(4 * kSecond, kStart), kStart + seconds(2));
  EXPECT_EQ(pace.due(3604 * kSecond, kStart), kStart + seconds(5));
  EXPECT_EQ(pace.due(3606 * kSecond, kStart), kStart + seconds(6));
}

TEST(Pace, ChangesItsSpeedWithinAPause) {
  Pace pace({1.0, {}});
  static_cast<void>(pace.due(0, kStart));
  EXPECT_EQ(pace.due(10 * kSecond, kStart), kStart + seconds(10));
  pace.set_speed(2.0, kStart + seconds(4));  // six seconds of the recording are left
  EXPECT_EQ(pace.due_again(kStart), kStart + seconds(7));
  pace.set_speed(0.5, kStart + seconds(6));
  EXPECT_EQ(pace.due_again(kStart), kStart + seconds(10));
  EXPECT_EQ(pace.due(11 * kSecond, kStart), kStart + seconds(12));
}

TEST(Pace, ChangesItsSpeedWithinAShortenedPause) {
  Pace pace({1.0, seconds(4)});
  static_cast<void>(pace.due(0, kStart));
  EXPECT_EQ(pace.due(3600 * kSecond, kStart), kStart + seconds(4));
  pace.set_speed(2.0, kStart + seconds(2));
  EXPECT_EQ(pace.due_again(kStart), kStart + seconds(3));
}

TEST(Pace, TakesItsTimeAfterFullSpeed) {
  Pace pace(PaceOptions{});
  static_cast<void>(pace.due(0, kStart));
  static_cast<void>(pace.due(100 * kSecond, kStart + seconds(1)));
  pace.set_speed(1.0, kStart + seconds(1));
  EXPECT_EQ(pace.due(102 * kSecond, kStart + seconds(1)), kStart + seconds(3));
  pace.set_speed(std::nullopt, kStart + seconds(2));
  EXPECT_EQ(pace.due_again(kStart + seconds(2)), kStart + seconds(2));
}

TEST(Pace, IsHeldUp) {
  Pace pace({1.0, {}});
  static_cast<void>(pace.due(0, kStart));
  static_cast<void>(pace.due(10 * kSecond, kStart));
  pace.delay(seconds(30));
  EXPECT_EQ(pace.due_again(kStart), kStart + seconds(40));
  EXPECT_EQ(pace.due(11 * kSecond, kStart), kStart + seconds(41));
}

TEST(Pace, BeginsAnew) {
  Pace pace({1.0, {}});
  static_cast<void>(pace.due(100 * kSecond, kStart));
  pace.restart();
  EXPECT_EQ(pace.due(0, kStart + seconds(1)), kStart + seconds(1));
  EXPECT_EQ(pace.due(kSecond, kStart + seconds(1)), kStart + seconds(2));
}

TEST(Pace, ShortensNoPausesWhereThereAreNone) {
  EXPECT_EQ(parse_pace("2", "1500ms").idle_limit, milliseconds(1500));
  EXPECT_EQ(parse_pace(std::nullopt, std::nullopt).speed, std::nullopt);
  EXPECT_THROW(static_cast<void>(parse_pace(std::nullopt, "2s")), UsageError);
  EXPECT_THROW(static_cast<void>(parse_pace("max", "2s")), UsageError);
  EXPECT_THROW(static_cast<void>(parse_pace("1", "soon")), UsageError);
}

TEST(Pace, OutlivesAbsurdTimes) {
  Pace pace({1e-300, {}});
  static_cast<void>(pace.due(std::numeric_limits<std::int64_t>::min(), kStart));
  EXPECT_GT(pace.due(std::numeric_limits<std::int64_t>::max(), kStart), kStart + hours(24));
}

}  // namespace
}  // namespace smtptape
