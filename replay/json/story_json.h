// A story as JSON: what `smtptape show --json` prints.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "sessions/story.h"

namespace smtptape {

inline constexpr std::string_view kStorySchema = "smtptape.show/1";

[[nodiscard]] boost::json::object json_of(const Story& story);
// The same as a line, with its end.
[[nodiscard]] std::string json_line(const Story& story);

}  // namespace smtptape
