// Text that is not ours, as a person may be shown it: nothing in it moves a cursor, sets a title,
// turns the writing direction or ends a line.  Everything else stays as it is.
#pragma once

#include <string>
#include <string_view>

namespace smtptape {

// Appends `text` with control characters (C0, DEL, C1), marks of direction and line separators as
// escapes: \n, \u{1b}.  Of what is no UTF-8, each byte: \xff.
void append_visible(std::string& out, std::string_view text);
[[nodiscard]] std::string visible(std::string_view text);

// As a shell takes it for one word, visible.
[[nodiscard]] std::string shell_word(std::string_view text);

// The same for lines of JSON, which stay JSON: within strings as \u001b, of what is no UTF-8 each
// byte as U+FFFD; line ends stay.
[[nodiscard]] std::string visible_json(std::string_view lines);

// With each byte that is no UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string as_utf8(std::string_view text);

}  // namespace smtptape
