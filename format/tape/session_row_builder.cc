#include "format/tape/session_row_builder.h"

#include <algorithm>
#include <utility>

#include "format/attempts.h"
#include "format/limits.h"
#include "format/tape/hash_filter.h"
#include "format/tape/messages.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {

bool is_text(std::string_view json) {
  return json.starts_with('"');
}

std::string hash_bytes(std::string_view text) {
  return hashes_to_bytes({hash64(text)});
}

// How many the metadata names.
std::uint32_t recipients_of(const Meta& meta) {
  const auto json = meta.find("recipient");
  if (!json) return 0;
  if (!json->starts_with('[')) return is_text(*json) ? 1 : 0;
  std::uint32_t count = 0;
  JsonReader reader(*json);
  for (bool more = reader.enter_array(); more && reader.next_element();) {
    const auto element = reader.skip_value();
    if (element && is_text(*element)) ++count;
    more = element.has_value();
  }
  return count;
}

// The key of an id that is not kept: no text in UTF-8 reads so.
std::string key_of_hash(std::string_view hash) {
  return "\xff" + std::string(hash);
}

}  // namespace

SessionRowBuilder::SessionRowBuilder(std::vector<std::string> keys,
                                     const Id128& capture,
                                     RowsBefore before)
    : properties_(std::move(keys)), capture_(capture), before_(std::move(before)) {
}

void SessionRowBuilder::add(const Event& event, const GroupNames::Named& named) {
  last_sequence_ = event.sequence;
  const std::uint32_t place = row_of(event, named);
  if (place == kNoRow) return;
  SessionRow& row = rows_[place];
  row.last_sequence = event.sequence;
  row.first_received = std::min(row.first_received, event.received);
  row.last_received = std::max(row.last_received, event.received);
  count(row, dialogues_[place], event);
}

void SessionRowBuilder::add_gap(const Gap& gap) {
  const Id128& capture = gap.origin != nullptr ? gap.origin->capture : capture_;
  std::uint64_t after = gap.after_sequence;
  if (after == 0) after = gap.before_sequence != 0 ? gap.before_sequence - 1 : last_sequence_;
  gaps_.push_back({capture, after});
}

// ---- sessions ----

std::uint32_t SessionRowBuilder::row_of(const Event& event, const GroupNames::Named& named) {
  const Meta* const meta = event.meta;
  if (meta == nullptr) {
    properties_.add_without_metadata();
    return kNoRow;
  }
  if (named.place != 0 && named.delta == nullptr) return row_of_place_[named.place - 1];
  std::uint32_t row = kNoRow;
  if (meta->session_id() && meta->form() != Meta::Form::Null) {
    row = row_of_id(event, *meta->session_id());
  }
  if (named.delta == nullptr) {
    const Meta::Entries all = meta->entries();
    add_metadata(row, std::vector<Meta::Entry>(all.begin(), all.end()), true);
  } else {  // the row has what the parent had
    add_metadata(row, named.delta->set, named.parent == nullptr);
    properties_.add_removed(row, named.delta->removed);
  }
  add_tls(row, *meta);
  if (named.place != 0) row_of_place_.push_back(row);
  return row;
}

std::uint32_t SessionRowBuilder::row_of_id(const Event& event, std::string_view id) {
  const auto known = by_id_.find(id);
  if (known != by_id_.end()) return known->second;
  const bool kept = id.size() <= kMostListedBytes && id_bytes_ + id.size() <= kMostGroupIdBytes;
  if (kept) {
    id_bytes_ += id.size();
    by_id_.emplace(arena_.copy(id), count32(rows_.size()));
    return new_row(event, std::string(id), false);
  }
  const std::string hash = hash_bytes(id);
  const auto place = by_id_.find(key_of_hash(hash));
  if (place != by_id_.end()) return place->second;
  by_id_.emplace(arena_.copy(key_of_hash(hash)), count32(rows_.size()));
  return new_row(event, hash, true);
}

std::uint32_t SessionRowBuilder::new_row(const Event& event, std::string id, bool hashed) {
  const std::uint32_t place = count32(rows_.size());
  SessionRow& row = rows_.emplace_back();
  row.id = std::move(id);
  row.id_hashed = hashed;
  row.first_sequence = event.sequence;
  row.first_received = row.last_received = event.received;
  dialogues_.push_back(dialogue_of(event, row));
  properties_.add_row();
  return place;
}

// From where the group before left it.
Dialogue SessionRowBuilder::dialogue_of(const Event& event, const SessionRow& row) {
  const auto before = row.id_hashed ? before_.dialogues.end() : before_.dialogues.find(row.id);
  if (before != before_.dialogues.end()) {
    Dialogue dialogue = before->second;
    before_.dialogues.erase(before);
    dialogue.begin_group();
    return dialogue;
  }
  Dialogue dialogue;
  dialogue.capture = event.origin != nullptr ? event.origin->capture : capture_;
  dialogue.first_sequence = event.sequence;
  dialogue.begins = event.kind == EventKind::BeginSession;
  dialogue.connected = !dialogue.begins;
  if (!dialogue.begins) dialogue.smtp.begin_midway();
  return dialogue;
}

void SessionRowBuilder::count(SessionRow& row, Dialogue& dialogue, const Event& event) {
  SmtpTransactions& smtp = dialogue.smtp;
  switch (event.kind) {
    case EventKind::BeginSession: row.opened = true; return;
    case EventKind::Connected:
      ++row.connections;
      row.closed = false;
      row.tried.reset();
      dialogue.connected = true;
      return smtp.connected();
    case EventKind::Closed:
      row.closed = true;
      dialogue.connected = false;
      return smtp.closed();
    case EventKind::MessageObtained:
      ++row.messages;
      row.wanted += event.meta == nullptr ? 0 : recipients_of(*event.meta);
      return smtp.message_obtained();
    case EventKind::Read:
      row.bytes_read += event.text.size();
      if (event.trimmed) smtp.lost_track();
      return smtp.read(event.text);
    case EventKind::Write:
      row.bytes_written += full_length(event);
      return smtp.write(event.text, full_length(event));
    case EventKind::AbbreviatedWrite:
      row.bytes_written += full_length(event);
      return smtp.abbreviated_write(event.text, full_length(event));
    case EventKind::Diagnostic:
      row.tls = tls_of_diagnostic(event.text).value_or(row.tls);
      return note_attempt(row, event);
    case EventKind::Unknown: return smtp.lost_track();
  }
}

// As a story names it, whose connection was not made.
void SessionRowBuilder::note_attempt(SessionRow& row, const Event& event) {
  if (event.level == "ERROR" || row.connections > 0) return;
  if (is_throttled(event.text)) row.tried.emplace();
  const auto target = attempted_target(event.text);
  if (!target) return;
  row.tried.emplace().address = target->substr(0, kMostListedBytes + 1);
  const auto json = event.meta == nullptr ? std::nullopt : event.meta->find("mx_plan");
  if (!json) return;
  const std::vector<PlannedHost> plan = planned_hosts(*json);
  const std::size_t place = place_in_plan(plan, *target);
  if (place != 0) row.tried = {plan[place - 1].name, plan[place - 1].address};
}

// ---- metadata ----

// `all`: a key that is not among them is absent.
void SessionRowBuilder::add_metadata(std::uint32_t row,
                                     std::span<const Meta::Entry> entries,
                                     bool all) {
  properties_.add(row, entries, all);
  for (const auto& [name, json] : entries)
    if (name == kMessageIdKey) add_message_id(json);
}

void SessionRowBuilder::add_tls(std::uint32_t row, const Meta& meta) {
  if (row == kNoRow) return;
  const auto tls = meta.find("tls_protocol_version");
  if (tls && is_text(*tls)) rows_[row].tls = tls_version(tls->substr(1, tls->size() - 2));
}

void SessionRowBuilder::add_message_id(std::string_view json) {
  const std::uint64_t hash = hash64(json);
  if (message_ids_.contains(hash)) return;
  if (message_ids_.size() >= kMostFiltered) {
    message_ids_known_ = false;
    return;
  }
  message_ids_.insert(hash);
}

// ---- the end of a group ----

RowsBefore SessionRowBuilder::end() {
  std::sort(gaps_.begin(), gaps_.end());
  for (std::size_t row = 0; row < rows_.size(); ++row)
    end_row(rows_[row], dialogues_[row]);
  // Those that were silent, too.
  if (!gaps_.empty()) {
    erase_if(before_.dialogues,
             [this](const auto& each) { return first_gap_since(each.second) != nullptr; });
  }
  for (std::size_t row = 0; row < rows_.size(); ++row)
    hand_on(rows_[row], dialogues_[row]);
  before_.shorten(kMostDialogues);
  for (const GapPlace& gap : gaps_) {
    if (before_.gaps.size() < kMostOrigins) before_.gaps.insert(gap.capture);
  }
  return std::move(before_);
}

// False: there is no room for it.
bool SessionRowBuilder::keep_tried(SessionRow& row) {
  if (!row.tried) return true;
  const std::size_t host = row.tried->host.size();
  const std::size_t address = row.tried->address.size();
  tried_bytes_ += host + address;
  const bool kept = host <= kMostListedBytes && address <= kMostListedBytes &&
                    tried_bytes_ <= kMostGroupListedBytes;
  if (!kept) row.tried.reset();
  return kept;
}

void SessionRowBuilder::end_row(SessionRow& row, const Dialogue& dialogue) {
  const SmtpTransactions::Counts& counts = dialogue.smtp.counts();
  row.recipients = counts.recipients;
  row.accepted = counts.accepted;
  row.deferred = counts.deferred;
  row.refused = counts.refused;
  row.delivered = counts.delivered;
  row.put_off = counts.put_off;
  row.bounced = counts.bounced;
  row.outcomes = true;
  row.last_reply = counts.last;
  row.worst_reply = counts.worst;
  row.gap = touched_by_gap(row, dialogue);
  row.goes_on = dialogue.goes_on;
  row.sure = !row.gap && !dialogue.smtp.unsure() && keep_tried(row);
  row.rests = dialogue.smtp.at_rest();
  row.decided = row.sure && row.rests && dialogue.from_rest;
}

// What rests and has no connection begins anew without it.
void SessionRowBuilder::hand_on(const SessionRow& row, Dialogue& dialogue) {
  const bool over = row.rests && !dialogue.connected;
  if (over || !row.sure || row.id_hashed || first_gap_since(dialogue) != nullptr) return;
  dialogue.last_received = row.last_received;
  before_.dialogues.emplace(row.id, dialogue);
}

SessionRowBuilder::Result SessionRowBuilder::finish() {
  Result result;
  GatheredProperties::Result properties = properties_.finish();
  result.summaries = std::move(properties.summaries);
  result.rows.properties = std::move(properties.of_rows);
  result.rows.rows = std::move(rows_);
  result.message_ids = make_filter({message_ids_.begin(), message_ids_.end()}, kMessageIdBits);
  result.message_ids_known = message_ids_known_;
  return result;
}

// Between its first and its last event, or while it was open; in doubt it is.
bool SessionRowBuilder::touched_by_gap(const SessionRow& row, const Dialogue& dialogue) const {
  const bool anywhere = before_.gaps.size() >= kMostOrigins;
  if (!dialogue.begins && (anywhere || before_.gaps.contains(dialogue.capture))) return true;
  const GapPlace* const gap = first_gap_since(dialogue);
  return gap != nullptr && (!row.closed || gap->after < row.last_sequence);
}

const SessionRowBuilder::GapPlace* SessionRowBuilder::first_gap_since(
    const Dialogue& dialogue) const {
  const GapPlace from{dialogue.capture, dialogue.begins ? dialogue.first_sequence : 0};
  const auto gap = std::lower_bound(gaps_.begin(), gaps_.end(), from);
  return gap != gaps_.end() && gap->capture == dialogue.capture ? &*gap : nullptr;
}

}  // namespace smtptape
