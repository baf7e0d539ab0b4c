// $BROWSER is taken apart as other programs do, and no shell sees it.
#include "cli/run/browser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Browser, IsOneOfSeveralCommands) {
  EXPECT_THAT(browser_commands("firefox:w3m -T text/html %s:x-www --url=%s", "file:///a"),
              ElementsAre(ElementsAre("firefox", "file:///a"),
                          ElementsAre("w3m", "-T", "text/html", "file:///a"),
                          ElementsAre("x-www", "--url=file:///a")));
  EXPECT_THAT(browser_commands("::  :", "file:///a"), IsEmpty());
}

TEST(Browser, GetsAnAddressThatIsOneWord) {
  EXPECT_THAT(browser_commands("a;b $(c)", "file:///%20"),
              ElementsAre(ElementsAre("a;b", "$(c)", "file:///%20")));
}

}  // namespace
}  // namespace smtptape
