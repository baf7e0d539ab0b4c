// Options in a line that somebody types while the program runs: as on a command line, and with the
// quotes of a shell.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options/options.h"

namespace smtptape {

// Blanks between words; '…', "…" and \ as a shell has them.  Throws UsageError for a quote that is
// not closed.
[[nodiscard]] std::vector<std::string> split_words(std::string_view line);

// Into what `describe` binds.  Returns the words as a shell is given them, with a blank between
// two.  Throws UsageError for what is no such option.
std::string parse_typed(std::string_view line, const std::function<void(Options&)>& describe);

}  // namespace smtptape
