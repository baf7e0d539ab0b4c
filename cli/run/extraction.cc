#include "cli/run/extraction.h"

#include "base/counted.h"
#include "base/error.h"
#include "base/io.h"
#include "base/time_spec.h"
#include "cli/options/tape_output.h"
#include "cli/run/result.h"
#include "cli/run/selected_tapes.h"
#include "cli/text/json_lines.h"
#include "cli/text/output.h"
#include "format/tape/tape_writer.h"

namespace smtptape {

namespace {

std::string listed(const std::set<std::string>& all) {
  constexpr std::size_t kMostShown = 20;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& value : all) {
    if (shown++ == kMostShown) {
      return text + " and " + std::to_string(all.size() - kMostShown) + " more";
    }
    text += (text.empty() ? "" : ", ") + value;
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Extraction extract_to(const std::string& output,
                      bool force,
                      const SelectionOptions& options,
                      const Selection& selection) {
  Result file(output, force, Result::Content::Tape, options.tapes);
  SelectedTapes tapes(options, selection, "copying");
  TapeWriter writer(
      file, header_of_extract(tapes.tapes(), new_tape_header({})), file_options(indexed_keys()));
  Extraction extraction;
  extraction.extract = write_extract(tapes.events(), writer, now_unix_nanos());
  const bool empty = extraction.extract.events == 0;
  extraction.incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
  if (empty) {
    throw Error("nothing was chosen, so " + file.name() +
                " was not written; widen the filters or times");
  }
  file.commit();
  extraction.output = file.name();
  extraction.is_file = file.is_file();
  return extraction;
}

void tell_of(const Extraction& extraction) {
  const std::string& output = extraction.output;
  const Extract& extract = extraction.extract;
  say(output + ": " + counted(extract.events, "event") + " of " +
      counted(extract.sessions, "session") + ", " + show_size(extract.bytes));
  say("tenants inside: " + listed(extract.tenants) +
      "; sender domains: " + listed(extract.domains));
  say("it holds secrets: what was recorded of passwords, messages and addresses");
  if (extraction.is_file) say("GitHub takes it as a .zip: zip " + output + ".zip " + output);
}

std::string json_line(const Extraction& extraction, std::string_view schema) {
  const Extract& extract = extraction.extract;
  const auto list = [](const std::set<std::string>& all) { return json_array(all, json_string); };
  return line_of({{"schema", json_string(schema)},
                  {"path", json_string(extraction.output)},
                  {"events", extract.events},
                  {"sessions", extract.sessions},
                  {"bytes", extract.bytes},
                  {"complete", !extraction.incomplete},
                  {"tenants", list(extract.tenants)},
                  {"sender_domains", list(extract.domains)}});
}

}  // namespace smtptape
