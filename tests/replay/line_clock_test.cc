#include "replay/line_clock.h"

#include <cstdlib>
#include <ctime>
#include <string>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

class LineClockTest : public ::testing::Test {
 protected:
  LineClockTest() { set_zone("UTC0"); }
  ~LineClockTest() override { set_zone(nullptr); }
  static void set_zone(const char* zone) {
    zone == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", zone, 1);
    ::tzset();
  }
  std::string shown(WallTime when, std::string_view text) {
    Event event;
    event.when = when;
    std::string out;
    clock_.append(out, event, text);
    return out;
  }

  LineClock clock_;
};

TEST_F(LineClockTest, StandsBeforeEachLine) {
  EXPECT_EQ(shown({3723, 45'678'901}, "a\nb\n"), "01:02:03.045 a\n01:02:03.045 b\n");
  EXPECT_EQ(shown({3723, 999'999'999}, "c\n"), "01:02:03.999 c\n");
  EXPECT_EQ(shown({3724, 0}, "\n"), "01:02:04.000 \n");
  EXPECT_EQ(shown({3724, 0}, ""), "");
}

TEST_F(LineClockTest, IsLocal) {
  set_zone("EAST-2");
  EXPECT_EQ(shown({0, 0}, "a\n"), "02:00:00.000 a\n");
}

TEST_F(LineClockTest, KnowsLeapSeconds) {
  EXPECT_EQ(shown({86'399, 1'500'000'000}, "a\n"), "23:59:60.500 a\n");
  EXPECT_EQ(shown({86'399, 500'000'000}, "a\n"), "23:59:59.500 a\n");
}

TEST_F(LineClockTest, OfWhatTellsNoTimeItIsWhenItCame) {
  Verbatim verbatim;
  verbatim.when_known = false;
  Event event;
  event.verbatim = &verbatim;
  event.received = 5'250'000'000;
  std::string out;
  clock_.append(out, event, "x\n");
  EXPECT_EQ(out, "00:00:05.250 x\n");
}

}  // namespace
}  // namespace smtptape
