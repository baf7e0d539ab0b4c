#include "cli/run/extraction.h"

#include "base/counted.h"
#include "base/error.h"
#include "base/io.h"
#include "base/temporary_file.h"
#include "base/time_spec.h"
#include "cli/options/tape_output.h"
#include "cli/run/redaction.h"
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

Extraction copy_chosen(const SelectionOptions& options,
                       const Selection& selection,
                       ByteSink& to,
                       const std::string& name) {
  SelectedTapes tapes(options, selection, "copying");
  TapeWriter writer(
      to, header_of_extract(tapes.tapes(), new_tape_header({})), file_options(indexed_keys()));
  Extraction extraction;
  extraction.extract = write_extract(tapes.events(), writer, now_unix_nanos());
  const bool empty = extraction.extract.events == 0;
  extraction.incomplete = tapes.tell_end(empty ? Answer::Empty : Answer::Something);
  if (empty) {
    throw Error("nothing was chosen, so " + name + " was not written; widen the filters or times");
  }
  return extraction;
}

std::uint64_t copy_bytes(ByteSource& from, ByteSink& to) {
  std::string buffer(1 << 20, '\0');
  std::uint64_t bytes = 0;
  while (const std::size_t got = from.read(buffer.data(), buffer.size())) {
    to.write({buffer.data(), got});
    bytes += got;
  }
  return bytes;
}

}  // namespace

Extraction extract_to(const std::string& output,
                      bool force,
                      const SelectionOptions& options,
                      const Selection& selection) {
  Result file(output, force, Result::Content::Tape, options.tapes);
  Extraction extraction = copy_chosen(options, selection, file, file.name());
  file.commit();
  extraction.output = file.name();
  extraction.is_file = file.is_file();
  return extraction;
}

Extraction extract_redacted_to(const std::string& output,
                               bool force,
                               const SelectionOptions& options,
                               const Selection& selection,
                               const RedactOptions& redact) {
  const RedactionRules rules = redact.rules();
  const std::optional<PseudonymKey> key = redact.key();
  Result file(output, force, Result::Content::Tape, options.tapes);
  // What was chosen is read three times, and must be the same each time: a store may grow.
  TemporaryFile original;
  Extraction extraction = copy_chosen(options, selection, original, file.name());
  const RedactedTape redacted =
      redact_tape(original, rules, key, new_tape_header({}), file_options(indexed_keys()));
  refuse_leaks(redacted.report);
  extraction.extract.bytes = copy_bytes(*redacted.tape->read(), file);
  redact.write_map(redacted);
  file.commit();
  extraction.output = file.name();
  extraction.is_file = file.is_file();
  extraction.extract.events = redacted.report.events;
  extraction.rules = rules;
  extraction.redaction = redacted.report;
  return extraction;
}

void tell_of(const Extraction& extraction) {
  const std::string& output = extraction.output;
  const Extract& extract = extraction.extract;
  say(output + ": " + counted(extract.events, "event") + " of " +
      counted(extract.sessions, "session") + ", " + show_size(extract.bytes));
  if (extraction.redaction) {
    say_lines(text_of(*extraction.redaction, extraction.rules));
    say("read it before you send it: `smtptape show` and `smtptape replay` show what is left");
    if (extraction.is_file) say("GitHub takes it as a .zip: zip " + output + ".zip " + output);
    return;
  }
  say("tenants inside: " + listed(extract.tenants) +
      "; sender domains: " + listed(extract.domains));
  say("it holds secrets: what was recorded of passwords, messages and addresses");
  if (extraction.is_file) say("GitHub takes it as a .zip: zip " + output + ".zip " + output);
}

std::string json_line(const Extraction& extraction, std::string_view schema) {
  const Extract& extract = extraction.extract;
  const auto list = [](const std::set<std::string>& all) { return json_array(all, json_string); };
  boost::json::object object{{"schema", json_string(schema)},
                             {"path", json_string(extraction.output)},
                             {"events", extract.events},
                             {"sessions", extract.sessions},
                             {"bytes", extract.bytes},
                             {"complete", !extraction.incomplete}};
  if (extraction.redaction) {
    object["redaction"] = json_of(*extraction.redaction, extraction.rules);
  } else {
    object["tenants"] = list(extract.tenants);
    object["sender_domains"] = list(extract.domains);
  }
  return line_of(object);
}

}  // namespace smtptape
