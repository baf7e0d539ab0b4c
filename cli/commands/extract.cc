// smtptape extract: the chosen events as a new sealed tape, the file to attach to a bug report.
#include <set>

#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/selection_options.h"
#include "cli/tape_output.h"
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
        sessions_.insert(*event.meta->session_id());
      }
    }
  }
  [[nodiscard]] std::string tenants() const { return listed(tenants_); }
  [[nodiscard]] std::string domains() const { return listed(domains_); }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  static constexpr std::size_t kMostKept = 1000;
  static constexpr std::size_t kMostShown = 20;

  static void add(std::set<std::string>& to, const std::string& value) {
    if (to.size() < kMostKept && !value.empty()) to.insert(printable(value));
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
  static std::string listed(const std::set<std::string>& all) {
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

  MetaMemo<bool> seen_;
  std::set<std::string> tenants_;
  std::set<std::string> domains_;
  std::set<std::string> sessions_;
};

class ExtractCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "extract"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Copy chosen sessions into a new tape, to share";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape extract /var/lib/smtptape --rcpt-to bob@dest.example --since -2h -o "
           "bob.tape\n"
           "  smtptape extract night.tape --mx-host mx1.dest.example. -o mx1.tape";
  }
  void describe(Options& options) override {
    selection_.describe(options, "session");
    options.value("-o,--output", output_, "X.tape", "The tape to write");
    options.flag("--force", force_, "Replace the tape if it exists");
  }
  [[nodiscard]] bool as_live() const override { return selection_.filters.as_live; }

  [[nodiscard]] int run() override {
    if (output_.empty()) throw UsageError("-o X.tape is missing: where the tape goes");
    Selection selection = selection_.selection();
    selection.whole_sessions = true;
    selection_.filters.tell_difference();
    SelectedTapes tapes(selection_, selection);
    OutputFile file(output_, force_ ? OutputFile::Existing::Replace : OutputFile::Existing::Refuse);
    Insiders insiders;
    const std::uint64_t events = write_tape(tapes, file, insiders);
    const bool incomplete = tapes.tell_trouble();
    if (events == 0) {
      throw Error("nothing was chosen, so " + output_ +
                  " was not written; widen the filters or times");
    }
    file.commit();
    report(events, insiders);
    return static_cast<int>(incomplete && !as_live() ? Exit::Incomplete : Exit::Done);
  }

 private:
  std::uint64_t write_tape(SelectedTapes& tapes, ByteSink& file, Insiders& insiders) {
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
    bytes_ = writer.bytes_written();
    return writer.events_written();
  }

  static Origin first_origin(const SelectedTapes& tapes) {
    for (const TapeFile& tape : tapes.tapes()) {
      if (!tape.origins.empty()) return tape.origins.front();
    }
    return Origin{random_id(), "unknown", 0, false};
  }

  void report(std::uint64_t events, const Insiders& insiders) const {
    say(output_ + ": " + std::to_string(events) + " events of " +
        std::to_string(insiders.sessions()) + " sessions, " + show_size(bytes_));
    say("tenants inside: " + insiders.tenants() + "; sender domains: " + insiders.domains());
    say("it holds secrets too: passwords of AUTH, whole messages, every address");
    say("GitHub takes it as a .zip: zip " + output_ + ".zip " + output_);
  }

  SelectionOptions selection_;
  std::string output_;
  bool force_ = false;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_extract_command() {
  return std::make_unique<ExtractCommand>();
}

}  // namespace smtptape
