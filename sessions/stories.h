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
  explicit Stories(Until until, std::size_t most_open = kMostOpen)
      : GatheredSessions(
            until, [](std::string id) { return StoryBuilder(std::move(id)); }, most_open) {}
};

}  // namespace smtptape
