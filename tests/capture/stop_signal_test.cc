#include "capture/stop_signal.h"

#include <csignal>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

TEST(StopSignal, StaysRequested) {
  const StopSignal stop;
  EXPECT_FALSE(stop.requested());
  stop.request();
  EXPECT_TRUE(stop.requested());
  EXPECT_TRUE(stop.requested());
}

TEST(StopOnSignals, RequestsTheStopAtTheFirstSignal) {
  for (const int number : {SIGINT, SIGTERM}) {
    const StopSignal stop;
    const StopOnSignals on_signals(stop);
    ASSERT_EQ(std::raise(number), 0);
    EXPECT_TRUE(stop.requested());
  }
}

TEST(StopOnSignals, TheSameSignalTwiceInAMomentIsOneWish) {
  const StopSignal stop;
  const StopOnSignals on_signals(stop);
  std::raise(SIGTERM);
  std::raise(SIGTERM);  // as timeout(1) does
  EXPECT_TRUE(stop.requested());
}

void raise_twice(int first, int second) {
  const StopSignal stop;
  const StopOnSignals on_signals(stop);
  std::raise(first);
  std::raise(second);
}

TEST(StopOnSignalsDeathTest, EndsAtOnceAtTheSecond) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(raise_twice(SIGINT, SIGTERM), testing::ExitedWithCode(128 + SIGTERM), "");
  EXPECT_EXIT(raise_twice(SIGTERM, SIGINT), testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace smtptape
