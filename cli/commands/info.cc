// smtptape info: what tapes hold, in words or as JSON.
#include <algorithm>
#include <optional>
#include <set>

#include "base/counted.h"
#include "cli/command.h"
#include "cli/text/output.h"
#include "cli/text/tape_facts.h"
#include "format/limits.h"
#include "format/tape/tape_lock.h"
#include "format/tape/tape_reader.h"
#include "format/wire/wire.h"
#include "share/redact/redact_tape.h"
#include "store/check/tape_check.h"
#include "store/find/input_files.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

void add_groups(TapeFacts& facts) {
  for (const GroupIndex& group : facts.groups) {
    if (group.events > 0) {
      facts.first =
          facts.events == 0 ? group.first_received : std::min(facts.first, group.first_received);
      facts.last =
          facts.events == 0 ? group.last_received : std::max(facts.last, group.last_received);
    }
    facts.events += group.events;
    facts.wire_bytes += group.wire_bytes;
    facts.verbatim += group.verbatim;
    facts.unknown += group.unknown;
    facts.trimmed += group.trimmed;
    facts.masked += group.masked;
    facts.gaps.insert(facts.gaps.end(), group.gaps.begin(), group.gaps.end());
    facts.gap_count += group.gap_count;
  }
}

void add_notes(TapeFacts& facts, const std::vector<Note>& notes) {
  for (const Note& note : notes) {
    if (note.key == kBodiesNote) facts.bodies = note.value;
    if (note.key == kSecretsNote) facts.secrets = note.value;
    if (note.key == kRedactedNote) facts.redacted = note.value;
  }
}

TapeFacts facts_of_sealed(const std::string& path, TapeSummary summary) {
  TapeFacts facts;
  facts.path = path;
  facts.sealed = true;
  facts.header = std::move(summary.header);
  facts.origins = std::move(summary.footer.origins);
  facts.groups = std::move(summary.footer.groups);
  facts.ledger = summary.footer.ledger;
  facts.sessions = summary.footer.session_hashes.size();
  // Of too many there is no table: then a session counts once a group.
  for (const GroupIndex& group : facts.groups)
    facts.sessions += summary.footer.session_hashes_omitted ? group.sessions : 0;
  facts.file_bytes = summary.file_bytes;
  add_groups(facts);
  add_notes(facts, summary.footer.notes);
  return facts;
}

using SessionIds = std::set<std::string, std::less<>>;

void add_batch(TapeFacts& facts, EventBatch& batch, SessionIds& sessions) {
  for (const Event& event : batch.events) {
    facts.first = facts.events == 0 ? event.received : std::min(facts.first, event.received);
    facts.last = facts.events == 0 ? event.received : std::max(facts.last, event.received);
    ++facts.events;
    facts.wire_bytes += event.frame_bytes != 0 ? event.frame_bytes : frame_size(event);
    if (event.verbatim != nullptr) ++facts.verbatim;
    if (event.kind == EventKind::Unknown) ++facts.unknown;
    if (event.trimmed) ++facts.trimmed;
    if (event.masked) ++facts.masked;
    const bool in_session =
        event.meta != nullptr && event.meta->session_id() && !event.meta->session_id()->empty();
    if (in_session && !sessions.contains(*event.meta->session_id())) {
      sessions.emplace(*event.meta->session_id());
    }
  }
  add_notes(facts, batch.notes);
  for (Gap& gap : batch.gaps) {
    gap.origin = nullptr;
    facts.ledger.add(gap);
    ++facts.gap_count;
    if (facts.gaps.size() < kMostFooterGaps) facts.gaps.push_back(std::move(gap));
  }
}

// What the reader knows at the end.
void add_end(TapeFacts& facts, const TapeReader& reader, bool live) {
  facts.header = reader.header();
  if (facts.header) facts.origins = {facts.header->origin};
  facts.groups = reader.indexes();
  facts.file_bytes = reader.good_until();
  facts.sealed = reader.footer().has_value();
  if (facts.sealed) {
    facts.ledger = reader.footer()->ledger;
  } else {
    facts.ledger.stored = facts.events;
    facts.ledger.received = facts.events + facts.ledger.total_lost().count;
  }
  facts.state = state_at_end(reader, live);
  if (facts.state == TapeState::Live) return;
  for (const Damage& damage : reader.damage())
    facts.damage.push_back(facts.path + " " + text_of(damage));
}

// An unsealed tape has to be read.
TapeFacts facts_by_reading(const std::string& path, UniqueFd fd) {
  const bool live = is_being_written(fd.get());
  share_byte(fd.get(), kReaderByte);
  FdSource source(std::move(fd), path);
  TapeReader reader(source, path);
  TapeFacts facts;
  facts.path = path;
  EventBatch batch;
  SessionIds sessions;
  while (reader.next(batch))
    add_batch(facts, batch, sessions);
  facts.sessions = sessions.size();
  add_end(facts, reader, live);
  return facts;
}

TapeFacts facts_of(const TapeFile& file) {
  const std::string path = file.path.string();
  UniqueFd fd = open_input(file.path, links_to(file.named));
  if (auto summary = read_summary(fd.get())) {
    TapeFacts facts = facts_of_sealed(path, std::move(*summary));
    facts.recorded = file.recorded;
    return facts;
  }
  return facts_by_reading(path, std::move(fd));
}

class InfoCommand : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "info"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Tell what tapes hold: times, sessions, gaps, ledger";
  }
  [[nodiscard]] std::string_view examples() const override {
    return "  smtptape info night.tape\n"
           "  smtptape info /var/lib/smtptape --json | jq '.ledger'";
  }
  void describe(Options& options) override {
    options.positional("TAPE", tapes_, Options::Count::Any, "Tapes and directories of tapes");
    options.flag("--json", json_, "One JSON object a line");
    options.flag("--groups", groups_, "Each group of each tape, too");
  }

  [[nodiscard]] int run() override {
    if (std::find(tapes_.begin(), tapes_.end(), "-") != tapes_.end()) {
      throw UsageError("info reads files, not standard input");
    }
    StandardOutput out;
    bool damaged = false;
    TapeTotals totals;
    for (const TapeFile& file : find_tapes(tapes_)) {
      const std::optional<TapeFacts> facts = facts_unless_unreadable(file);
      damaged = damaged || !facts || !facts->damage.empty();
      if (!facts) continue;
      if (json_) {
        out.write_json(json_line(*facts, groups_));
      } else {
        out.write(text_of(*facts, groups_));
      }
      totals.add(*facts);
    }
    if (totals.tapes() > 1 && json_) out.write_json(totals.json_line());
    if (totals.tapes() > 1 && !json_) out.write(totals.text());
    return static_cast<int>(damaged ? Exit::Incomplete : Exit::Done);
  }

 private:
  // Of a store's, one that can't be read is told and passed over.
  static std::optional<TapeFacts> facts_unless_unreadable(const TapeFile& file) {
    try {
      return facts_of(file);
    } catch (const Error& error) {
      if (file.named) throw;
      say(std::string(error.what()) + "; passed over");
      return std::nullopt;
    }
  }

  std::vector<std::string> tapes_;
  bool json_ = false;
  bool groups_ = false;
};

}  // namespace

std::unique_ptr<Command> make_info_command() {
  return std::make_unique<InfoCommand>();
}

}  // namespace smtptape
