#include "store/check/tape_check.h"

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "base/io.h"
#include "format/tape/tape_lock.h"
#include "store/check/tape_row.h"
#include "store/find/input_files.h"

namespace smtptape {

namespace {

// The cut is reported as damage, the last of it.
bool is_only_cut(const TapeReader& reader) {
  return reader.end() == TapeEnd::Torn && reader.damage().size() == 1;
}

RowTape row_tape_of(const TapeCheck& check) {
  RowTape row;
  row.name = check.path.string();
  row.header = *check.header;
  row.live = check.state == TapeState::Live;
  row.last_sequence = check.last_sequence;
  row.good_until = check.good_until;
  row.known_loss = check.known_loss;
  row.disk_gaps = check.disk_gaps;
  return row;
}

}  // namespace

bool is_being_written(int fd) {
  return is_byte_locked(fd, kLiveByte);
}

bool ends_normally_while_written(const TapeReader& reader) {
  return reader.end() != TapeEnd::Sealed && (reader.damage().empty() || is_only_cut(reader));
}

std::string text_of_unclosed(const TapeReader& reader) {
  return reader.name() + ": not sealed, its writer died or it was cut; read to its end at " +
         std::to_string(reader.good_until());
}

TapeState state_at_end(const TapeReader& reader, bool live) {
  if (live && ends_normally_while_written(reader)) return TapeState::Live;
  if (is_only_cut(reader)) return TapeState::TornTail;
  if (!reader.damage().empty()) return TapeState::Damaged;
  return reader.end() == TapeEnd::Sealed ? TapeState::Sealed : TapeState::Unclosed;
}

std::string_view name_of(TapeState state) {
  switch (state) {
    case TapeState::Sealed: return "sealed";
    case TapeState::Unclosed: return "unclosed";
    case TapeState::Live: return "being written";
    case TapeState::TornTail: return "torn tail";
    case TapeState::Damaged: return "damaged";
  }
  return "";
}

bool is_alarm(TapeState state) {
  return state == TapeState::TornTail || state == TapeState::Damaged;
}

std::string text_of(const Damage& damage) {
  std::string text = "at " + std::to_string(damage.offset) + ": " + damage.what;
  if (damage.bytes > 0) text += ", " + counted(damage.bytes, "byte") + " passed over";
  if (damage.events_lost) text += ", " + counted(*damage.events_lost, "event") + " lost";
  return text;
}

TapeCheck check_tape(const std::filesystem::path& path, Links links) {
  TapeCheck check;
  check.path = path;
  UniqueFd fd = open_input(path, links);
  const bool live = is_being_written(fd.get());
  share_byte(fd.get(), kReaderByte);
  FdSource source(std::move(fd), path.string());
  TapeReader reader(source, path.string());
  RowTape row;
  EventBatch batch;
  while (reader.next(batch)) {
    check.events += batch.events.size();
    if (!batch.events.empty()) check.last_sequence = batch.events.back().sequence;
    if (!check.origin && !batch.events.empty()) check.origin = *batch.events.front().origin;
    for (const Gap& gap : batch.gaps)
      note_gap(row, gap);
  }
  check.known_loss = row.known_loss;
  check.disk_gaps = std::move(row.disk_gaps);
  check.header = reader.header();
  check.footer = reader.footer();
  check.damage = reader.damage();
  check.groups = reader.indexes().size();
  check.good_until = reader.good_until();
  check.state = state_at_end(reader, live);
  if (check.state == TapeState::Live) check.damage.clear();
  return check;
}

void forget_deleted(std::vector<TapeCheck>& checks) {
  // From the last to the first: the oldest are deleted first, so none stays whose successor went.
  for (auto check = checks.end(); check != checks.begin();) {
    --check;
    std::error_code error;
    const auto type = std::filesystem::status(check->path, error).type();
    if (type == std::filesystem::file_type::not_found) check = checks.erase(check);
  }
}

std::vector<std::string> check_neighbours(const std::vector<TapeCheck>& tapes) {
  TapeRows rows;
  std::vector<RowTape> members;
  for (const TapeCheck& tape : tapes) {
    if (!tape.header || !belongs_to_row(*tape.header)) continue;
    members.push_back(row_tape_of(tape));
    rows.add(members.back());
  }
  rows.link();
  for (TapeRows::Place place = 0; place < members.size(); ++place)
    rows.ended(place, members[place]);
  std::vector<std::string> alarms;
  for (const Gap& gap : rows.take_missing())
    alarms.push_back(gap.detail);
  return alarms;
}

}  // namespace smtptape
