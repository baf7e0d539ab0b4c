// What of a text that nobody can parse has to go: of replies and diagnostics.
//
// First what is known to have to go, wherever and however it is spelled; then what looks like an
// address, a mailbox or an id (the kinds that normal_reply() knows).  No pattern is made of data.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sessions/choice/line_patterns.h"
#include "share/redact/originals.h"
#include "share/redact/spans.h"

namespace smtptape {

// Values of a session that are too short to be looked for everywhere, in lower case: they count
// where they stand as words.
using ShortValues = std::vector<std::pair<std::string, Kind>>;

struct FreeText {
  const Originals& originals;
  const ShortValues* short_values = nullptr;  // null: none
  const LinePatterns* patterns = nullptr;     // likewise

  // Of a line of a server's, with or without its code.
  [[nodiscard]] Spans in_diagnostic(std::string_view text) const;
  // Of a reply: its lines with their ends.  What a name or a line's end tears apart is found, too.
  [[nodiscard]] Spans in_reply(std::string_view text) const;
};

// The code with its separator and the enhanced code at a line's beginning; 0: it is no reply's.
[[nodiscard]] std::size_t reply_code_size(std::string_view line);

}  // namespace smtptape
