// What of a client's line has to go, by the form of the line alone.
//
// It doesn't matter where in a dialogue the line stands, or whether that is known: what is kept are
// words from tables (verbs, parameters, mechanisms, names of headers) and numbers in their places.
// Whatever has no known form goes as a whole.  Pure.
#pragma once

#include <string_view>

#include "share/redact/rules.h"
#include "share/redact/spans.h"

namespace smtptape {

// Appends to `spans`.  `line` comes without its end; an unfinished one is fine.
void find_in_client_line(std::string_view line,
                         Spans& spans,
                         const HeaderRules& rules = kNoHeaderRules);

// "local@domain" that begins at `at` in a text: nothing of it is kept.  Without an @ it is a local
// part.
void find_in_mailbox(std::string_view mailbox, std::size_t at, Spans& spans);

// "host.domain" or "[address]", likewise.
void find_in_host(std::string_view host, std::size_t at, Kind kind, Spans& spans);

// Of a header field with a known name, what of its value stays.
[[nodiscard]] std::string_view kept_value(std::string_view line,
                                          const HeaderRules& rules = kNoHeaderRules);

// The value of a header field that does not stand in the result; empty: the line is none, or its
// value stays.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};
[[nodiscard]] HeaderField redacted_field(std::string_view line,
                                         const HeaderRules& rules = kNoHeaderRules);

}  // namespace smtptape
