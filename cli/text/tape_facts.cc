#include "cli/text/tape_facts.h"

#include "base/counted.h"
#include "base/time_spec.h"
#include "cli/text/json_lines.h"
#include "cli/text/ledger_text.h"
#include "cli/text/output.h"
#include "format/tape/ledger_json.h"
#include "store/plan/selection.h"

namespace smtptape {

namespace json = boost::json;

namespace {

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
  json::object object{{"cause", json_string(gap_cause_name(gap.cause))}};
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
  return {{"source", json_string(origin.source)},
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

std::string synced_text(const TapeFacts& facts) {
  if (!facts.sealed) return "unknown (not sealed)";
  return facts.ledger.stored == 1 ? "its only event"
                                  : "all " + counted(facts.ledger.stored, "event");
}

}  // namespace

std::string json_line(const TapeFacts& facts, bool with_groups) {
  const auto each = [](const auto& item) { return json_of(item); };
  json::object object{{"schema", "smtptape.info/1"},
                      {"path", json_string(facts.path)},
                      {"state", json_string(name_of(facts.state))},
                      {"sealed", facts.sealed}};
  if (facts.header) {
    object["tape_id"] = to_hex(facts.header->tape_id);
    object["writer"] = json_string(facts.header->writer);
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
  object["bodies"] = json_string(facts.bodies);
  object["secrets"] = json_string(facts.secrets);
  object["trimmed"] = facts.trimmed;
  object["masked"] = facts.masked;
  object["redacted"] = facts.redacted.has_value();
  object["gap_count"] = facts.gap_count;
  object["gaps"] = json_array(facts.gaps, each);
  object["ledger"] = json_of(facts.ledger, facts.sealed);
  object["damage"] = json_array(facts.damage, json_string);
  if (with_groups) object["groups"] = json_array(facts.groups, each);
  return line_of(object);
}

std::string text_of(const TapeFacts& facts, bool with_groups) {
  const auto row = [](std::string_view name, const std::string& value) {
    std::string line = "  " + std::string(name);
    line.resize(12, ' ');
    return line + visible(value) + "\n";
  };
  std::string out = visible(facts.path) + ": " + std::string(name_of(facts.state)) + "\n";
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
  out += row("events", std::to_string(facts.events) + " of " + counted(facts.sessions, "session"));
  out += row("size",
             show_size(facts.wire_bytes) + " of frames in " + show_size(facts.file_bytes) + ", " +
                 counted(facts.groups.size(), "group"));
  out += row("verbatim",
             counted(facts.verbatim, "frame") + " kept as they came, " +
                 std::to_string(facts.unknown) + " of them unknown");
  const bool altered =
      facts.bodies != "full" || facts.secrets != "keep" || facts.trimmed + facts.masked > 0;
  if (altered) {
    out += row("recorded",
               "with bodies " + facts.bodies + ", secrets " + facts.secrets + ": " +
                   counted(facts.trimmed, "event") + " trimmed, " + std::to_string(facts.masked) +
                   " masked");
  }
  if (facts.redacted) out += row("redacted", "kept as they were: " + *facts.redacted);
  out += row("ledger", text_of(facts.ledger, facts.sealed));
  out += row("synced", synced_text(facts));
  out += row("gaps", facts.gap_count == 0 ? "none" : std::to_string(facts.gap_count));
  for (const Gap& gap : facts.gaps)
    out += "    " + visible(describe(gap)) + "\n";
  if (facts.gaps.size() < facts.gap_count) {
    out += "    and " + std::to_string(facts.gap_count - facts.gaps.size()) + " more\n";
  }
  for (const std::string& damage : facts.damage)
    out += row("damage", damage);
  if (!with_groups) return out;
  for (const GroupIndex& group : facts.groups) {
    out += "  group " + std::to_string(group.number) + " at " + std::to_string(group.offset) +
           ": " + counted(group.events, "event") + " of " + counted(group.sessions, "session") +
           ", " + show_size(group.wire_bytes) + " in " + show_size(group.bytes) + ", " +
           show_time(group.first_received) + " to " + show_time(group.last_received) + "\n";
  }
  return out;
}

void TapeTotals::add(const TapeFacts& facts) {
  ++tapes_;
  for (const Origin& origin : facts.origins)
    sources_.insert(origin.source);
  events_ += facts.events;
  wire_bytes_ += facts.wire_bytes;
  file_bytes_ += facts.file_bytes;
  ledger_ += facts.ledger;
  sealed_ = sealed_ && facts.sealed;
  if (facts.events > 0) include(received_, {facts.first, facts.last});
}

std::string TapeTotals::text() const {
  std::string text = "all " + std::to_string(tapes_) + " tapes, of " +
                     std::to_string(sources_.size()) +
                     (sources_.size() == 1 ? " source\n" : " sources\n");
  if (received_) {
    text +=
        "  received  " + show_time(received_->first) + " to " + show_time(received_->last) + "\n";
  }
  text += "  events    " + std::to_string(events_) + "\n";
  text +=
      "  size      " + show_size(wire_bytes_) + " of frames in " + show_size(file_bytes_) + "\n";
  return text + "  ledger    " + text_of(ledger_, sealed_) + "\n";
}

std::string TapeTotals::json_line() const {
  json::object object{{"schema", "smtptape.info-totals/1"},
                      {"tapes", tapes_},
                      {"sources", json_array(sources_, json_string)},
                      {"events", events_},
                      {"wire_bytes", wire_bytes_},
                      {"file_bytes", file_bytes_},
                      {"ledger", json_of(ledger_, sealed_)}};
  if (received_) {
    object["first_received"] = show_time(received_->first);
    object["last_received"] = show_time(received_->last);
  }
  return line_of(object);
}

}  // namespace smtptape
