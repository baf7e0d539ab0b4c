// Asks the person at the terminal.
#pragma once

#include <string>
#include <string_view>

namespace smtptape {

// Somebody is there who can read standard error and type an answer.
[[nodiscard]] bool can_ask();
// On standard error, with " [y/N] " behind it.  True: y or yes.  What else is typed, or the end of
// input, is no.
[[nodiscard]] bool ask(std::string_view question);

}  // namespace smtptape
