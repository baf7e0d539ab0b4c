// Statistics on a narrow terminal.
#include "replay/stats_text.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sessions/stories.h"
#include "tests/sessions/told_events.h"

namespace smtptape {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StatsText : public ::testing::Test {
 protected:
  StatsText() : statistics_({{StatsKey::MxHost}, 0, true, false}, Providers()) {
    ToldEvents told;
    told.meta += R"(,"mx_host":"a-long-name.of-a-host.example.")";
    told.tell("begin", "connected");
    told.wait(20);
    told.tell("S 220 hi", "C EHLO me", "S 250 hi", "closed");
    Stories stories(Stories::Until::End);
    EXPECT_TRUE(stories.add(told.batch()).empty());
    for (const Story& story : stories.finish())
      statistics_.add(summary_of(story), story);
  }
  [[nodiscard]] std::string phases_on(std::size_t columns) const {
    StatsView view;
    view.columns = {StatsColumn::Phases};
    view.room = {columns, true};
    const std::string text = text_of(statistics_, view);
    return text.substr(text.find("to within 3%\n") + 13);
  }

  Statistics statistics_;
};

TEST_F(StatsText, LeavesOutWhatANarrowTerminalHasNoRoomFor) {
  EXPECT_THAT(
      phases_on(100),
      AllOf(HasSubstr("CONNECTIONS"), HasSubstr("P50"), HasSubstr("P90"), HasSubstr("P99")));
  for (const std::size_t columns : {40U, 30U}) {
    const std::string text = phases_on(columns);
    EXPECT_THAT(text, AllOf(HasSubstr("P99"), Not(HasSubstr("CONNECTIONS"))));
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t end = text.find('\n', from);
      EXPECT_LT(width_of(text.substr(from, end - from)), columns) << text;
      from = end + 1;
    }
  }
}

}  // namespace
}  // namespace smtptape
