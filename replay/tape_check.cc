#include "replay/tape_check.h"

#include <algorithm>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/io.h"
#include "format/tape/tape_lock.h"

namespace smtptape {

namespace {

bool same_group(const GroupIndex& a, const GroupIndex& b) {
  return a.offset == b.offset && a.bytes == b.bytes && a.hash == b.hash && a.events == b.events;
}

// What the footer says and the content doesn't bear out.
void compare_with_footer(const TapeFooter& footer,
                         const std::vector<GroupIndex>& groups,
                         TapeCheck& check) {
  const auto differs = [&check](std::string what) {
    check.damage.push_back({check.good_until, 0, std::move(what), std::nullopt});
  };
  if (footer.groups.size() != groups.size()) {
    differs("the footer tells of " + std::to_string(footer.groups.size()) + " groups, there are " +
            std::to_string(groups.size()));
  } else if (!std::equal(groups.begin(), groups.end(), footer.groups.begin(), same_group)) {
    differs("the footer tells of other groups than those that are there");
  }
  if (footer.ledger.stored != check.events) {
    differs("the footer tells of " + std::to_string(footer.ledger.stored) + " events, there are " +
            std::to_string(check.events));
  }
}

// The cut is reported as damage, the last of it.
bool is_only_cut(const TapeReader& reader) {
  return reader.end() == TapeEnd::Torn && reader.damage().size() == 1;
}

TapeState state_of(const TapeReader& reader, const TapeCheck& check, bool live) {
  if (live && ends_normally_while_written(reader)) return TapeState::Live;
  if (is_only_cut(reader)) return TapeState::TornTail;
  if (!check.damage.empty()) return TapeState::Damaged;
  return reader.end() == TapeEnd::Sealed ? TapeState::Sealed : TapeState::Unclosed;
}

// Recorded tapes, and copies that keep their place (recover, compact).
bool belongs_to_row(const TapeCheck& check) {
  return check.header && check.header->origin.tape_number > 0 && !check.header->origin.imported &&
         (!check.header->copy_of || check.header->predecessor);
}

std::string number_text(const TapeCheck& check) {
  return std::to_string(check.header->origin.tape_number);
}

// What `next` knows of the tape before it and `before` doesn't hold; empty: nothing.
std::string missing_between(const TapeCheck& before, const TapeCheck& next) {
  const auto& known = next.header->predecessor;
  if (!known || before.state == TapeState::Live) return {};
  const bool same = before.header->tape_id == known->tape_id;
  const bool copy = before.header->copy_of == known->tape_id;
  if (!same && !copy) {
    return next.path.string() + " does not follow " + before.path.string() +
           ", but a tape that is not here";
  }
  if (same && before.good_until < known->end_offset) {
    return before.path.string() + ": its end is missing: it can be read to " +
           std::to_string(before.good_until) + ", and was once whole to " +
           std::to_string(known->end_offset);
  }
  if (!before.known_loss && before.last_sequence < known->last_sequence) {
    return before.path.string() + ": events " + std::to_string(before.last_sequence + 1) + " to " +
           std::to_string(known->last_sequence) + " of its end are missing";
  }
  return {};
}

}  // namespace

bool is_being_written(int fd) {
  return is_byte_locked(fd, kLiveByte);
}

bool ends_normally_while_written(const TapeReader& reader) {
  return reader.end() != TapeEnd::Sealed && (reader.damage().empty() || is_only_cut(reader));
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
  if (damage.bytes > 0) text += ", " + std::to_string(damage.bytes) + " bytes passed over";
  if (damage.events_lost) text += ", " + std::to_string(*damage.events_lost) + " events lost";
  return text;
}

TapeCheck check_tape(const std::filesystem::path& path) {
  TapeCheck check;
  check.path = path;
  UniqueFd fd = open_for_reading(path);
  const bool live = is_being_written(fd.get());
  share_byte(fd.get(), kReaderByte);
  FdSource source(std::move(fd), path.string());
  TapeReader reader(source, path.string());
  EventBatch batch;
  while (reader.next(batch)) {
    check.events += batch.events.size();
    if (!batch.events.empty()) check.last_sequence = batch.events.back().sequence;
    if (!check.origin && !batch.events.empty()) check.origin = *batch.events.front().origin;
    for (const Gap& gap : batch.gaps)
      check.known_loss = check.known_loss || gap.cause == GapCause::Disk;
  }
  check.header = reader.header();
  check.footer = reader.footer();
  check.damage = reader.damage();
  check.groups = reader.indexes().size();
  check.good_until = reader.good_until();
  if (check.footer && check.damage.empty()) {
    compare_with_footer(*check.footer, reader.indexes(), check);
  }
  check.state = state_of(reader, check, live);
  if (check.state == TapeState::Live) check.damage.clear();
  return check;
}

std::vector<std::string> check_neighbours(const std::vector<TapeCheck>& tapes) {
  std::map<std::string, std::vector<const TapeCheck*>> rows;
  for (const TapeCheck& tape : tapes) {
    if (belongs_to_row(tape)) rows[tape.header->origin.source].push_back(&tape);
  }
  std::vector<std::string> alarms;
  for (auto& [source, row] : rows) {
    std::stable_sort(row.begin(), row.end(), [](const TapeCheck* a, const TapeCheck* b) {
      return a->header->origin.tape_number < b->header->origin.tape_number;
    });
    for (std::size_t i = 1; i < row.size(); ++i) {
      const TapeCheck& before = *row[i - 1];
      const TapeCheck& next = *row[i];
      const std::uint64_t step =
          next.header->origin.tape_number - before.header->origin.tape_number;
      if (step == 0) continue;  // the same tape twice
      std::string missing;
      if (step > 1) {
        missing = "a hole: of source " + source + " tapes " + number_text(before) + " and " +
                  number_text(next) + " are here, and none between";
      } else {
        missing = missing_between(before, next);
      }
      if (!missing.empty()) alarms.push_back(std::move(missing));
    }
  }
  return alarms;
}

}  // namespace smtptape
