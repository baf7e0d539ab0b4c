// A story in words, for a person: what `smtptape show` prints.  Nothing in it moves a cursor or
// forges a line, whatever a server said.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/story.h"

namespace smtptape {

// Facts, attempts, time, messages and exchanges, and what is missing.
[[nodiscard]] std::string text_of(const Story& story);
// The whole of it in one line, with its end.
[[nodiscard]] std::string line_of(const Story& story);

// "0.26 ms", "85 ms", "5.1 s", "12 min 3 s"
[[nodiscard]] std::string show_span(std::int64_t nanos);
// "5 delivered, 2 bounced"; "none" of nothing.
[[nodiscard]] std::string text_of(const OutcomeCounts& counts);
// What the story has not seen, or can't be sure of: a sentence each.
[[nodiscard]] std::vector<std::string> doubts_of(const Story& story);
// Why a connection was not encrypted, or how it was; of one that was never made, empty.
[[nodiscard]] std::string text_of_tls(const Attempt& attempt);

}  // namespace smtptape
