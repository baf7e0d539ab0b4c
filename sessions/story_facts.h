// What of a story is told in a word, wherever it is listed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sessions/story.h"

namespace smtptape {

// The longest that the server took for a reply, ns; nullopt: it gave none.
[[nodiscard]] std::optional<std::int64_t> slowest_reply(const Story& story);

// What went wrong, in the words of whoever said it, a line; empty: nothing.
[[nodiscard]] std::string trouble_of(const Story& story);

}  // namespace smtptape
