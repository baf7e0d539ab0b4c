// What a person may want to do next with a session: command lines, ready to be copied.
#pragma once

#include <string>
#include <vector>

#include "sessions/story.h"

namespace smtptape {

// `tapes`: that were read.
[[nodiscard]] std::string next_steps(const Story& story, const std::vector<std::string>& tapes);
// Of several sessions, of which `id` is one.
[[nodiscard]] std::string how_to_choose(const std::string& id,
                                        const std::vector<std::string>& tapes);

}  // namespace smtptape
