// The chosen events in a new sealed tape: what `extract`, `redact` and `snapshot`
// share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/options/redact_options.h"
#include "cli/options/selection_options.h"
#include "share/redact/redact_tape.h"
#include "store/copy/extract.h"

namespace smtptape {

struct Extraction {
  std::string output;    // its name, for messages
  bool is_file = false;  // and not standard output
  Extract extract;
  bool incomplete = false;  // damage, or a gap within what was chosen; it was told
  RedactionRules rules;     // if it was redacted …
  std::optional<RedactionReport> redaction;
};

// `output` appears whole or not at all, or is "-", standard output; throws Error when nothing is
// chosen, and UsageError when it is one of the tapes that are read.
[[nodiscard]] Extraction extract_to(const std::string& output,
                                    bool force,
                                    const SelectionOptions& options,
                                    const Selection& selection);

// The same without what must not leave the house; throws Error when some of that would be left.
[[nodiscard]] Extraction extract_redacted_to(const std::string& output,
                                             bool force,
                                             const SelectionOptions& options,
                                             const Selection& selection,
                                             const RedactOptions& redact);

// On stderr, before the file leaves the house.
void tell_of(const Extraction& extraction);
// The same for a program: a line of JSON with this schema.
[[nodiscard]] std::string json_line(const Extraction& extraction, std::string_view schema);

}  // namespace smtptape
