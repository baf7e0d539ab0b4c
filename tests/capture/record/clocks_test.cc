#include "capture/record/clocks.h"

#include <chrono>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kDay = 24 * 60 * kMinute;
constexpr std::int64_t kBegin = 1'785'877'200 * kSecond;

TEST(ThisMoment, SteadyTimeIsThatOfTheSteadyClock) {
  const auto before = std::chrono::steady_clock::now();
  const auto between = steady_time_point(this_moment().steady);
  EXPECT_LE(before, between);
  EXPECT_LE(between, std::chrono::steady_clock::now());
}

class PatientClockTest : public testing::Test {
 protected:
  // The real time that is believed after so much time, on a machine whose clock was set by so much;
  // as the difference from the true one.
  std::int64_t error_after(std::int64_t passed, std::int64_t set_by) {
    return clock_.time({passed, kBegin + passed + set_by}) - (kBegin + passed);
  }
  PatientClock clock_;
};

TEST_F(PatientClockTest, FollowsAClockThatGoesRight) {
  EXPECT_EQ(error_after(0, 0), 0);
  EXPECT_EQ(error_after(kDay, 0), 0);
  EXPECT_EQ(error_after(2 * kDay, kSecond / 2), kSecond / 2) << "corrected little by little";
}

// The clock of a machine that starts is no better than one that is set while it runs.
TEST(PatientClock, DoesNotBelieveALeapAheadOfWhatIsKnownAtTheStart) {
  PatientClock clock(kBegin);
  constexpr std::int64_t kMonth = 30 * kDay;
  EXPECT_EQ(clock.time({0, kBegin + kMonth}), kBegin);
  EXPECT_EQ(clock.time({30 * kMinute, kBegin + kMonth + 30 * kMinute}), kBegin + 30 * kMinute);
  EXPECT_EQ(clock.time({61 * kMinute, kBegin + kMonth + 61 * kMinute}),
            kBegin + kMonth + 61 * kMinute)
      << "it has stood by it";
  PatientClock behind(kBegin);
  EXPECT_EQ(behind.time({0, kBegin - kMonth}), kBegin - kMonth) << "which deletes nothing";
}

TEST_F(PatientClockTest, BelievesAClockThatIsSetBackAtOnce) {
  EXPECT_EQ(error_after(0, 0), 0);
  EXPECT_EQ(error_after(kMinute, -kDay), -kDay);
}

TEST_F(PatientClockTest, BelievesALeapAheadOnlyWhenItLasts) {
  EXPECT_EQ(error_after(0, 0), 0);
  EXPECT_EQ(error_after(kMinute, 365 * kDay), 0);
  EXPECT_EQ(error_after(60 * kMinute, 365 * kDay), 0);
  EXPECT_EQ(error_after(61 * kMinute, 365 * kDay), 365 * kDay);
}

TEST_F(PatientClockTest, ALeapThatIsTakenBackCountsForNothing) {
  EXPECT_EQ(error_after(0, 0), 0);
  EXPECT_EQ(error_after(kMinute, 365 * kDay), 0);
  EXPECT_EQ(error_after(50 * kMinute, 0), 0);
  EXPECT_EQ(error_after(61 * kMinute, 365 * kDay), 0) << "the hour begins anew";
}

TEST_F(PatientClockTest, EachLeapHasAnHourOfItsOwn) {
  EXPECT_EQ(error_after(0, 0), 0);
  EXPECT_EQ(error_after(kMinute, 120 * kMinute), 0);
  EXPECT_EQ(error_after(60 * kMinute, 365 * kDay), 0);
  EXPECT_EQ(error_after(61 * kMinute, 365 * kDay), 0);
  EXPECT_EQ(error_after(62 * kMinute, 120 * kMinute), 0);
  EXPECT_EQ(error_after(122 * kMinute, 120 * kMinute), 120 * kMinute);
}

}  // namespace
}  // namespace smtptape
