// The words of SMTP that tell a command from a message and a secret.
#pragma once

#include <cstddef>
#include <string_view>

namespace smtptape {

inline constexpr std::string_view kBlanks = " \t";

// `line` comes without its end.
[[nodiscard]] bool is_smtp_command(std::string_view line);
// A piece of a line that may become one.
[[nodiscard]] bool may_become_smtp_command(std::string_view piece);
// The first word, blanks before it left out.
[[nodiscard]] std::string_view verb_of(std::string_view line);
[[nodiscard]] bool has_verb(std::string_view line, std::string_view upper_case_verb);
// The verb of an AUTH command, its mechanism and the blanks behind them: an argument begins there.
[[nodiscard]] std::size_t auth_argument_at(std::string_view line);
// Of an AUTH command that may go on: it has, and what is there is no part of a mechanism's name.
[[nodiscard]] bool has_auth_argument(std::string_view piece);
// The same word in any case.
[[nodiscard]] bool same_word(std::string_view word, std::string_view upper_case_word);
[[nodiscard]] std::string_view auth_mechanism(std::string_view line);
// Where in the words of a diagnostic an AUTH command is quoted, the place of its argument; size 0:
// no such.  Looks from `from` on.
struct QuotedArgument {
  std::size_t at = 0;
  std::size_t size = 0;
};
[[nodiscard]] QuotedArgument quoted_auth_argument(std::string_view text, std::size_t from);
// One word of base64 and nothing else.
[[nodiscard]] bool is_base64_word(std::string_view line);
// "Subject: hello"
[[nodiscard]] bool is_header_field(std::string_view line);
// Without CR and LF.
[[nodiscard]] std::string_view without_line_end(std::string_view line);
// What ends a message, as kumod writes it.
[[nodiscard]] bool is_final_dot(std::string_view text);

}  // namespace smtptape
