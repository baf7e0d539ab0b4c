// The chosen events in a new sealed tape: what `extract`, `redact` and `snapshot`
// share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "cli/options/redact_options.h"
#include "cli/options/selection_options.h"
#include "cli/run/company.h"
#include "share/redact/redact_tape.h"
#include "store/copy/extract.h"

namespace smtptape {

struct ExtractWishes {
  std::string output;
  bool force = false;
  Levels levels;
  // Of the result; what is too much are whole sessions.
  std::optional<std::uint64_t> most_bytes;
  CompanyWishes company;
  const RedactOptions* redact = nullptr;  // null: it is not redacted
  // The same events make the same bytes: ids and times of the tape follow from them.  (Redacted,
  // they do where the key is the same.)
  bool reproducible = false;
};

struct Extraction {
  std::string output;    // its name, for messages
  bool is_file = false;  // and not standard output
  Extract extract;
  std::string recorder;               // what wrote the first tape that was read
  bool incomplete = false;            // damage, or a gap within what was chosen; it was told
  std::size_t beside = 0;             // sessions that are there for comparison
  std::vector<std::string> left_out;  // sessions that were too much
  RedactionRules rules;               // if it was redacted …
  std::optional<RedactionReport> redaction;
};

// The output appears whole or not at all, or is "-", standard output; throws Error when nothing is
// chosen, or when something would be left that must not leave the house, and UsageError when the
// output is one of the tapes that are read.
[[nodiscard]] Extraction extract(const ExtractWishes& wishes,
                                 const SelectionOptions& options,
                                 const Selection& selection);

// Throws UsageError where one file is the result and also the map, the rules or one of the tapes.
void refuse_shared_files(const ExtractWishes& wishes, const std::vector<std::string>& tapes);

// On stderr, before the file leaves the house.
void tell_of(const Extraction& extraction);
// What of that any result tells: how much is in it, and what; `bytes`: of all of it.
void tell_content(const Extraction& extraction, std::uint64_t bytes);
// The same for a program: a line of JSON with this schema.
[[nodiscard]] boost::json::object json_of(const Extraction& extraction, std::string_view schema);
[[nodiscard]] std::string json_line(const Extraction& extraction, std::string_view schema);

}  // namespace smtptape
