#include "cli/run/extraction.h"

#include <set>

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
#include "format/wire/json.h"

namespace smtptape {

namespace {

// Whose mail is inside: shown before the file leaves the house.
class Insiders {
 public:
  void add(const EventBatch& batch) {
    for (const Event& event : batch.events) {
      if (event.meta == nullptr || seen_.find(*event.meta) != nullptr) continue;
      seen_.remember(*event.meta, true);
      if (const auto tenant = event.meta->find("tenant")) add(tenants_, unquoted(*tenant));
      if (const auto sender = event.meta->find("sender")) add(domains_, domain(unquoted(*sender)));
      if (event.meta->session_id() && !event.meta->session_id()->empty()) {
        sessions_.emplace(*event.meta->session_id());
      }
    }
  }
  [[nodiscard]] const std::set<std::string>& tenants() const { return tenants_; }
  [[nodiscard]] const std::set<std::string>& domains() const { return domains_; }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  static void add(std::set<std::string>& to, const std::string& value) {
    if (to.size() < kMostInsiders && !value.empty()) to.insert(value);
  }
  static std::string unquoted(std::string_view json) {
    JsonReader reader(json);
    std::string text;
    return reader.peek() == JsonReader::Type::String && reader.read_string(text) ? text : "";
  }
  static std::string domain(const std::string& address) {
    const std::size_t at = address.rfind('@');
    return at == std::string::npos ? "" : address.substr(at + 1);
  }

  MetaMemo<bool> seen_;
  std::set<std::string> tenants_;
  std::set<std::string> domains_;
  std::set<std::string> sessions_;
};

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

Origin first_origin(const SelectedTapes& tapes) {
  for (const TapeFile& tape : tapes.tapes()) {
    if (!tape.origins.empty()) return tape.origins.front();
  }
  return Origin{random_id(), "unknown", 0, false};
}

void write_tape(SelectedTapes& tapes, ByteSink& file, Insiders& insiders, Extraction& extraction) {
  TapeHeader header = new_tape_header(first_origin(tapes));
  for (const TapeFile& tape : tapes.tapes()) {
    if (tape.header) header.copy_of = tape.header->tape_id;
  }
  TapeOptions options;
  options.indexed_keys = indexed_keys();
  TapeWriter writer(file, header, options);
  Ledger ledger;
  EventBatch batch;
  while (tapes.events().next(batch)) {
    std::erase_if(batch.notes, [](const Note& note) { return note.key == kNoFinalNewline; });
    insiders.add(batch);
    for (const Event& event : batch.events)
      writer.add(event);
    writer.add_beside_events(batch, ledger);
  }
  ledger.received = tapes.events_seen() + ledger.total_lost().count;
  ledger.not_selected = tapes.events_seen() - writer.events_written();
  writer.seal(ledger, now_unix_nanos());
  extraction.bytes = writer.bytes_written();
  extraction.events = writer.events_written();
}

}  // namespace

Extraction extract_to(const std::string& output,
                      bool force,
                      const SelectionOptions& options,
                      const Selection& selection) {
  Result file(output, force, Result::Content::Tape, options.tapes);
  SelectedTapes tapes(options, selection, "copying");
  Insiders insiders;
  Extraction extraction;
  write_tape(tapes, file, insiders, extraction);
  extraction.incomplete =
      tapes.tell_end(extraction.events == 0 ? Answer::Empty : Answer::Something);
  if (extraction.events == 0) {
    throw Error("nothing was chosen, so " + file.name() +
                " was not written; widen the filters or times");
  }
  file.commit();
  extraction.output = file.name();
  extraction.is_file = file.is_file();
  extraction.sessions = insiders.sessions();
  extraction.tenants = insiders.tenants();
  extraction.domains = insiders.domains();
  return extraction;
}

void tell_of(const Extraction& extraction) {
  const std::string& output = extraction.output;
  say(output + ": " + counted(extraction.events, "event") + " of " +
      counted(extraction.sessions, "session") + ", " + show_size(extraction.bytes));
  say("tenants inside: " + listed(extraction.tenants) +
      "; sender domains: " + listed(extraction.domains));
  say("it holds secrets: what was recorded of passwords, messages and addresses");
  if (extraction.is_file) say("GitHub takes it as a .zip: zip " + output + ".zip " + output);
}

std::string json_line(const Extraction& extraction, std::string_view schema) {
  const auto list = [](const std::set<std::string>& all) { return json_array(all, json_string); };
  return line_of({{"schema", json_string(schema)},
                  {"path", json_string(extraction.output)},
                  {"events", extraction.events},
                  {"sessions", extraction.sessions},
                  {"bytes", extraction.bytes},
                  {"complete", !extraction.incomplete},
                  {"tenants", list(extraction.tenants)},
                  {"sender_domains", list(extraction.domains)}});
}

}  // namespace smtptape
