// Events of many sessions to their stories; when one is complete, gathered_sessions.h says.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "sessions/gathered_sessions.h"
#include "sessions/story_builder.h"

namespace smtptape {

class Stories : public GatheredSessions<StoryBuilder> {
 public:
  enum class Details : bool {
    LeaveOut,  // exchanges and spans: where only figures are wanted
    Keep,
  };
  explicit Stories(Until until, std::size_t most_open = kMostOpen)
      : Stories(until, Details::Keep, most_open) {}
  Stories(Until until, Details details, std::size_t most_open = kMostOpen)
      : GatheredSessions(
            until,
            [details](std::string id) {
              ReplyWatcher* const watcher = details == Details::Keep ? nullptr : &nobody();
              return StoryBuilder(std::move(id), watcher);
            },
            most_open) {}

 private:
  // Watches nothing.
  static ReplyWatcher& nobody();
};

}  // namespace smtptape
