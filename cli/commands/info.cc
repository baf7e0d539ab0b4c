// smtptape info: what tapes hold, in words or as JSON.
#include <algorithm>
#include <set>

#include "base/time_spec.h"
#include "cli/command.h"
#include "cli/text/json_lines.h"
#include "cli/text/ledger_text.h"
#include "cli/text/output.h"
#include "format/limits.h"
#include "format/tape/ledger_json.h"
#include "format/tape/tape_reader.h"
#include "format/wire/wire.h"
#include "replay/inputs.h"
#include "replay/selection.h"
#include "replay/tape_check.h"

namespace smtptape {

namespace json = boost::json;

namespace {

constexpr const char* kSchema = "smtptape.info/1";

// Everything that is told of a tape, whichever way it was found out.
struct TapeFacts {
  std::string path;
  TapeState state = TapeState::Sealed;
  bool sealed = false;  // it has a footer, and everything before is on the disk
  std::optional<TapeHeader> header;
  std::vector<Origin> origins;
  std::vector<GroupIndex> groups;
  Ledger ledger;
  std::uint64_t sessions = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t wire_bytes = 0;
  std::uint64_t verbatim = 0;
  std::uint64_t unknown = 0;
  std::uint64_t trimmed = 0;
  std::uint64_t masked = 0;
  std::string bodies = "full";  // the levels at which it was recorded
  std::string secrets = "keep";
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::optional<TimeSpan> recorded;  // of a sealed one that a recorder wrote
  std::vector<Gap> gaps;
  std::uint64_t gap_count = 0;  // the list may be shorter
  std::vector<std::string> damage;
};

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
      sessions.insert(*event.meta->session_id());
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
  UniqueFd fd = open_for_reading(file.path);
  if (auto summary = read_summary(fd.get())) {
    TapeFacts facts = facts_of_sealed(path, std::move(*summary));
    facts.recorded = file.recorded;
    return facts;
  }
  return facts_by_reading(path, std::move(fd));
}

// Of a tape without a footer nobody knows what is synced, nor what was not selected.
json::object json_of(const Ledger& ledger, bool sealed) {
  return {{"received", ledger.received},
          {"stored", ledger.stored},
          {"synced", sealed ? json::value(ledger.stored) : json::value(nullptr)},
          {"complete", sealed},
          {"not_selected", ledger.not_selected},
          {"lost", json_value(json_of(ledger.lost))},
          {"upstream", json_value(json_of(ledger.upstream))}};
}

json::object json_of(const Gap& gap) {
  json::object object{{"cause", json_text(gap_cause_name(gap.cause))}};
  if (gap.count) object["count"] = *gap.count;
  object["after_sequence"] = gap.after_sequence;
  object["before_sequence"] = gap.before_sequence;
  if (gap.frame_bytes != 0) object["frame_bytes"] = gap.frame_bytes;
  object["from"] = show_time(gap.from);
  object["until"] = show_time(gap.until);
  return object;
}

json::object json_of(const GroupIndex& group) {
  return {{"number", group.number},
          {"offset", group.offset},
          {"bytes", group.bytes},
          {"events", group.events},
          {"sessions", group.sessions},
          {"wire_bytes", group.wire_bytes},
          {"metas", group.metas},
          {"first_received", show_time(group.first_received)},
          {"last_received", show_time(group.last_received)}};
}

json::object json_of(const Origin& origin) {
  return {{"source", json_text(origin.source)},
          {"capture", to_hex(origin.capture)},
          {"tape_number", origin.tape_number},
          {"imported", origin.imported}};
}

void add_span(json::object& object, const TapeFacts& facts) {
  if (facts.events > 0) {
    object["first_received"] = show_time(facts.first);
    object["last_received"] = show_time(facts.last);
  }
  if (!facts.recorded) return;
  object["recorded_from"] = show_time(facts.recorded->first);
  object["recorded_until"] = show_time(facts.recorded->last);
}

std::string json_of(const TapeFacts& facts, bool with_groups) {
  const auto each = [](const auto& item) { return json_of(item); };
  json::object object{{"schema", kSchema},
                      {"path", json_text(facts.path)},
                      {"state", json_text(name_of(facts.state))},
                      {"sealed", facts.sealed}};
  if (facts.header) {
    object["tape_id"] = to_hex(facts.header->tape_id);
    object["writer"] = json_text(facts.header->writer);
    if (facts.header->copy_of) object["copy_of"] = to_hex(*facts.header->copy_of);
  }
  object["origins"] = json_array(facts.origins, each);
  object["events"] = facts.events;
  object["sessions"] = facts.sessions;
  add_span(object, facts);
  object["wire_bytes"] = facts.wire_bytes;
  object["file_bytes"] = facts.file_bytes;
  object["verbatim"] = facts.verbatim;
  object["unknown"] = facts.unknown;
  object["bodies"] = json_text(facts.bodies);
  object["secrets"] = json_text(facts.secrets);
  object["trimmed"] = facts.trimmed;
  object["masked"] = facts.masked;
  object["gap_count"] = facts.gap_count;
  object["gaps"] = json_array(facts.gaps, each);
  object["ledger"] = json_of(facts.ledger, facts.sealed);
  object["damage"] = json_array(facts.damage, json_text);
  if (with_groups) object["groups"] = json_array(facts.groups, each);
  return line_of(object);
}

std::string synced_text(const TapeFacts& facts) {
  if (!facts.sealed) return "unknown (not sealed)";
  return "all " + std::to_string(facts.ledger.stored) + " events";
}

std::string text_of(const TapeFacts& facts, bool with_groups) {
  const auto row = [](std::string_view name, const std::string& value) {
    std::string line = "  " + std::string(name);
    line.resize(12, ' ');
    return line + printable(value) + "\n";
  };
  std::string out = facts.path + ": " + std::string(name_of(facts.state)) + "\n";
  for (const Origin& origin : facts.origins) {
    out += row("source",
               origin.source + (origin.imported ? " (imported)" : "") + ", tape " +
                   std::to_string(origin.tape_number) + " of capture " + to_hex(origin.capture));
  }
  if (facts.events > 0) {
    out += row("received", show_time(facts.first) + " to " + show_time(facts.last));
  } else if (facts.recorded) {
    out += row("received",
               "nothing, though recorded from " + show_time(facts.recorded->first) + " to " +
                   show_time(facts.recorded->last));
  }
  out += row("events",
             std::to_string(facts.events) + " of " + std::to_string(facts.sessions) + " sessions");
  out += row("size",
             show_size(facts.wire_bytes) + " of frames in " + show_size(facts.file_bytes) + ", " +
                 std::to_string(facts.groups.size()) +
                 (facts.groups.size() == 1 ? " group" : " groups"));
  out += row("verbatim",
             std::to_string(facts.verbatim) + " frames kept as they came, " +
                 std::to_string(facts.unknown) + " of them unknown");
  const bool altered =
      facts.bodies != "full" || facts.secrets != "keep" || facts.trimmed + facts.masked > 0;
  if (altered) {
    out += row("recorded",
               "with bodies " + facts.bodies + ", secrets " + facts.secrets + ": " +
                   std::to_string(facts.trimmed) + " events trimmed, " +
                   std::to_string(facts.masked) + " masked");
  }
  out += row("ledger", text_of(facts.ledger, facts.sealed));
  out += row("synced", synced_text(facts));
  out += row("gaps", facts.gap_count == 0 ? "none" : std::to_string(facts.gap_count));
  for (const Gap& gap : facts.gaps)
    out += "    " + printable(describe(gap)) + "\n";
  if (facts.gaps.size() < facts.gap_count) {
    out += "    and " + std::to_string(facts.gap_count - facts.gaps.size()) + " more\n";
  }
  for (const std::string& damage : facts.damage)
    out += row("damage", damage);
  if (!with_groups) return out;
  for (const GroupIndex& group : facts.groups) {
    out += "  group " + std::to_string(group.number) + " at " + std::to_string(group.offset) +
           ": " + std::to_string(group.events) + " events of " + std::to_string(group.sessions) +
           " sessions, " + show_size(group.wire_bytes) + " in " + show_size(group.bytes) + ", " +
           show_time(group.first_received) + " to " + show_time(group.last_received) + "\n";
  }
  return out;
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
    for (const TapeFile& file : find_tapes(tapes_)) {
      try {
        const TapeFacts facts = facts_of(file);
        out.write(json_ ? json_of(facts, groups_) : text_of(facts, groups_));
        damaged = damaged || !facts.damage.empty();
      } catch (const Error& error) {
        if (file.named) throw;
        say(std::string(error.what()) + "; passed over");
        damaged = true;
      }
    }
    return static_cast<int>(damaged ? Exit::Incomplete : Exit::Done);
  }

 private:
  std::vector<std::string> tapes_;
  bool json_ = false;
  bool groups_ = false;
};

}  // namespace

std::unique_ptr<Command> make_info_command() {
  return std::make_unique<InfoCommand>();
}

}  // namespace smtptape
