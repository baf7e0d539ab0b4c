// Standard output and standard error, used by every command in the same way: data on the first,
// everything else, one line each, on the second.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/io.h"
#include "base/visible_text.h"

namespace smtptape {

// Whoever reads our output has gone: not an error, there is nobody left to tell.
struct OutputClosed {};

// With --as-live: fails as kcli does, "Error: TEXT" and exit code 1.
class AsKcliError : public Error {
 public:
  explicit AsKcliError(const std::string& what) : Error(what) {}
};

class StandardOutput : public ByteSink {
 public:
  // Where it is a pipe, makes it larger: the reader and we then wait for each other less often.
  StandardOutput();
  // Throws OutputClosed, or Error when the output is full or broken.
  void write(std::string_view bytes) override;
  // Lines of JSON: on a terminal with nothing in them that it would obey.
  void write_json(std::string_view lines);

 private:
  bool is_terminal_ = false;
};

// "smtptape: TEXT" on standard error, in one line: visible().
void say(std::string_view text);
// For those who must not wait for a reader: each line of the text like say(), if there is room for
// it.  What there was no room for is counted, and told when there is.  Any thread.
void say_without_waiting(std::string_view text);
// The same for a text of ours in several lines.
void say_lines(std::string_view text);
// The text and a newline on standard error, as it is: nothing but words of ours.
void say_raw(std::string_view text);

// The name of the command, for its progress, unless its data goes to the terminal.
[[nodiscard]] std::optional<std::string> progress_unless_shown(std::string_view command);

enum class ColorChoice : std::uint8_t { Terminal, Always, Never };
// tty|yes|no and auto|always|never.  Throws UsageError.
[[nodiscard]] ColorChoice parse_color(std::string_view text);
[[nodiscard]] bool use_color(ColorChoice choice);
// Whether a person reads standard output, perhaps through a pager.
[[nodiscard]] bool is_terminal();
// That is between us and the terminal, from now on or no more.
void set_paged(bool paged);

}  // namespace smtptape
