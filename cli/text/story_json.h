// A story as JSON: what `smtptape show --json` prints.
#pragma once

#include <string>

#include "sessions/story.h"

namespace smtptape {

inline constexpr std::string_view kStorySchema = "smtptape.show/1";

// One line, with its end.
[[nodiscard]] std::string json_line(const Story& story);

}  // namespace smtptape
