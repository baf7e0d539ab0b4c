#include "replay/controls.h"

#include <gtest/gtest.h>

namespace smtptape {
namespace {

using Next = Controls::Next;

TEST(Controls, PlayUntilAKeyIsPressed) {
  Controls controls(1.0);
  EXPECT_EQ(controls.next(), Next::AtItsTime);
  EXPECT_EQ(controls.status(), "");
  controls.press("x\t\x01");
  EXPECT_EQ(controls.next(), Next::AtItsTime);
  EXPECT_FALSE(controls.quits());
}

TEST(Controls, SpacePausesAndGoesOn) {
  Controls controls(1.0);
  controls.press(" ");
  EXPECT_EQ(controls.next(), Next::Held);
  EXPECT_EQ(controls.status().substr(0, 6), "paused");
  controls.press(" ");
  EXPECT_EQ(controls.next(), Next::AtItsTime);
  EXPECT_EQ(controls.status(), "");
}

TEST(Controls, ADotShowsOneEventAndPauses) {
  Controls controls(1.0);
  controls.press(".");
  EXPECT_EQ(controls.next(), Next::AtOnce);
  controls.show(false, "a");
  EXPECT_EQ(controls.next(), Next::Held);
  controls.press(".");
  controls.show(false, "b");
  EXPECT_EQ(controls.next(), Next::Held);
}

TEST(Controls, PlusAndMinusChangeTheSpeed) {
  Controls controls(1.0);
  controls.press("++");
  EXPECT_EQ(controls.speed(), 4.0);
  controls.press("---");
  EXPECT_EQ(controls.speed(), 0.5);
  EXPECT_EQ(controls.status(), "speed 0.5");
  EXPECT_EQ(controls.next(), Next::AtItsTime);
}

TEST(Controls, SpeedHasEnds) {
  Controls controls(1.0);
  controls.press("++++++++++");
  EXPECT_EQ(controls.speed(), Controls::kFastest);
  controls.press("+");
  EXPECT_EQ(controls.speed(), std::nullopt);
  EXPECT_EQ(controls.status(), "full speed");
  controls.press("+");
  EXPECT_EQ(controls.speed(), std::nullopt);
  controls.press("-");
  EXPECT_EQ(controls.speed(), Controls::kFastest);
  controls.press(std::string(100, '-'));
  EXPECT_EQ(controls.speed(), Controls::kSlowest);
}

TEST(Controls, GoSlowerThanTheSlowestWhenToldSo) {
  Controls controls(0.001);
  controls.press("-");
  EXPECT_EQ(controls.speed(), 0.001);
  controls.press("+");
  EXPECT_EQ(controls.speed(), 0.002);
}

TEST(Controls, NGoesToTheNextSession) {
  Controls controls(1.0);
  controls.press("n");
  EXPECT_EQ(controls.next(), Next::AtOnce);
  controls.show(false, "of the old one");
  EXPECT_EQ(controls.next(), Next::AtOnce);
  controls.show(true, "begins");
  EXPECT_EQ(controls.next(), Next::AtItsTime);
}

TEST(Controls, NStaysPaused) {
  Controls controls(1.0);
  controls.press(" n");
  EXPECT_EQ(controls.next(), Next::AtOnce);
  controls.show(true, "begins");
  EXPECT_EQ(controls.next(), Next::Held);
}

TEST(Controls, ASlashGoesToATextAndPausesThere) {
  Controls controls(1.0);
  controls.press("/");
  EXPECT_EQ(controls.next(), Next::Held);  // while it is typed
  controls.press("4.7.x\x7f");
  controls.press("28");
  EXPECT_EQ(controls.status(), "/4.7.28");
  controls.press("\n");
  EXPECT_EQ(controls.next(), Next::AtOnce);
  EXPECT_EQ(controls.wanted(), "4.7.28");
  controls.show(true, "250 ok");
  EXPECT_EQ(controls.next(), Next::AtOnce);
  controls.show(false, "421-4.7.28 slow down");
  EXPECT_EQ(controls.next(), Next::Held);
  EXPECT_EQ(controls.wanted(), std::nullopt);
}

TEST(Controls, TextIsFoundWhateverItsCase) {
  Controls controls(1.0);
  controls.press("/closed\r");
  controls.show(false, "=== Closed");
  EXPECT_EQ(controls.next(), Next::Held);
}

TEST(Controls, ASearchIsRepeated) {
  Controls controls(1.0);
  controls.press("/\n");
  EXPECT_EQ(controls.next(), Next::AtItsTime);  // there was none
  controls.press("/quit\n");
  controls.show(false, "QUIT");
  controls.press("/\n");
  EXPECT_EQ(controls.wanted(), "quit");
}

TEST(Controls, ASearchIsGivenUp) {
  for (const char* const keys : {"/quit\x1b", "/\x7f", "/q\x7f\x7f"}) {
    Controls controls(1.0);
    controls.press(keys);
    EXPECT_EQ(controls.next(), Next::AtItsTime) << keys;
    EXPECT_FALSE(controls.quits()) << keys;
  }
  Controls controls(1.0);
  controls.press("/quit\n");
  controls.press(" ");
  EXPECT_EQ(controls.next(), Next::Held);
  EXPECT_EQ(controls.wanted(), std::nullopt);
}

TEST(Controls, ABackspaceTakesAWholeCharacter) {
  Controls controls(1.0);
  controls.press("/a\xc3\xa9\x7f");
  EXPECT_EQ(controls.status(), "/a");
}

TEST(Controls, TypedTextHasABound) {
  Controls controls(1.0);
  controls.press("/" + std::string(100'000, 'a'));
  EXPECT_EQ(controls.status().size(), 1 + Controls::kMostSearched);
}

TEST(Controls, ArrowsMeanNothing) {
  Controls controls(1.0);
  controls.press("\x1b[C\x1bOq\x1b[1;5q");
  EXPECT_FALSE(controls.quits());
  EXPECT_EQ(controls.next(), Next::AtItsTime);
}

TEST(Controls, QQuits) {
  Controls controls(1.0);
  controls.press("q");
  EXPECT_TRUE(controls.quits());
}

TEST(Controls, AreTold) {
  Controls controls(1.0);
  controls.press("?");
  EXPECT_EQ(controls.status(), Controls::kKeys);
  controls.press("x");
  EXPECT_EQ(controls.status(), "");
}

}  // namespace
}  // namespace smtptape
