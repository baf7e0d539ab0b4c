#include "store/check/tape_row.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace smtptape {

namespace {

constexpr std::size_t kMostDiskGaps = 16;  // a tape begins with those that tell of the one before

std::uint64_t number_of(const RowTape& tape) {
  return tape.header.origin.tape_number;
}

bool is_one_capture(const RowTape& before, const RowTape& next) {
  return before.header.origin.capture == next.header.origin.capture;
}

// Neither is a tape missing, nor does `next` tell of one.
bool follows(const RowTape& before, const RowTape& next) {
  const auto& known = next.header.predecessor;
  if (!known) return number_of(next) == number_of(before) + 1;
  if (before.header.tape_id == known->tape_id) return true;
  // A copy of a copy names the wrong one.
  const bool stands_there = number_of(next) == number_of(before) + 1;
  return before.header.copy_of && (stands_there || before.header.copy_of == known->tape_id);
}

std::string words_for_hole(const RowTape& before, const RowTape& next) {
  if (number_of(next) == number_of(before) + 1) {
    return next.name + " does not follow " + before.name + ", but a tape that is not here";
  }
  return "a hole: of source " + next.header.origin.source + " tapes " +
         std::to_string(number_of(before)) + " and " + std::to_string(number_of(next)) +
         " are here, and none between";
}

// What of its end `before` does not hold; empty: nothing.
std::string words_for_end(const RowTape& before, const Predecessor& known) {
  if (before.live) return {};
  if (before.header.tape_id == known.tape_id && before.good_until < known.end_offset) {
    return before.name + ": its end is missing: it can be read to " +
           std::to_string(before.good_until) + ", and was once whole to " +
           std::to_string(known.end_offset);
  }
  if (!before.known_loss && before.last_sequence < known.last_sequence) {
    return before.name + ": events " + std::to_string(before.last_sequence + 1) + " to " +
           std::to_string(known.last_sequence) + " of its end are missing";
  }
  return {};
}

bool tells_of_end(const RowTape& next, const RowTape& before, const Predecessor& known) {
  return is_one_capture(before, next) &&
         std::any_of(next.disk_gaps.begin(), next.disk_gaps.end(), [&](const Gap& gap) {
           return gap.after_sequence <= before.last_sequence &&
                  gap.before_sequence > known.last_sequence;
         });
}

Gap gap_of(std::string words, const RowTape& before, const RowTape& next) {
  Gap gap;
  gap.cause = GapCause::Disk;
  gap.detail = std::move(words);
  gap.from = before.last_received;
  gap.until = next.header.clock.realtime;
  if (gap.until != 0 && gap.until < gap.from) std::swap(gap.from, gap.until);  // clocks step
  if (is_one_capture(before, next)) gap.after_sequence = before.last_sequence;
  gap.before_sequence = next.header.first_sequence;
  return gap;
}

}  // namespace

void note_gap(RowTape& tape, const Gap& gap) {
  if (gap.cause != GapCause::Disk) return;
  tape.known_loss = true;
  if (tape.disk_gaps.size() < kMostDiskGaps) tape.disk_gaps.push_back(gap);
  tape.disk_gaps.back().origin = nullptr;
}

bool belongs_to_row(const TapeHeader& header) {
  return header.origin.tape_number > 0 && !header.origin.imported &&
         (!header.copy_of || header.predecessor);
}

std::optional<Gap> missing_between(const RowTape& before, const RowTape& next) {
  if (number_of(before) == number_of(next)) return {};  // the same tape twice
  if (!follows(before, next)) {
    const bool ends_later = before.live && number_of(next) == number_of(before) + 1;
    if (ends_later) return {};
    return gap_of(words_for_hole(before, next), before, next);
  }
  const auto& known = next.header.predecessor;
  if (!known) return {};
  std::string words = words_for_end(before, *known);
  if (words.empty() || tells_of_end(next, before, *known)) return {};
  return gap_of(std::move(words), before, next);
}

TapeRows::Place TapeRows::add(RowTape tape) {
  members_.push_back({std::move(tape)});
  return members_.size() - 1;
}

void TapeRows::link() {
  std::vector<Place> sorted(members_.size());
  for (Place place = 0; place < sorted.size(); ++place)
    sorted[place] = place;
  const auto key = [this](Place place) {
    const Origin& origin = members_[place].tape.header.origin;
    return std::pair(std::string_view(origin.source), origin.tape_number);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](Place a, Place b) { return key(a) < key(b); });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (key(sorted[i - 1]).first != key(sorted[i]).first) continue;
    members_[sorted[i]].before = sorted[i - 1];
    members_[sorted[i - 1]].behind = sorted[i];
  }
}

void TapeRows::begun(Place place, const RowTape& tape) {
  Member& member = members_[place];
  if (std::exchange(member.begun, true)) return;
  member.tape = tape;
  compare(member.before, place);
}

void TapeRows::ended(Place place, const RowTape& tape) {
  begun(place, tape);
  Member& member = members_[place];
  if (std::exchange(member.ended, true)) return;
  member.tape = tape;
  compare(place, member.behind);
}

void TapeRows::compare(std::optional<Place> before, std::optional<Place> next) {
  if (!before || !next) return;
  const Member& first = members_[*before];
  const Member& second = members_[*next];
  if (!first.ended || !second.begun) return;
  std::optional<Gap> gap = missing_between(first.tape, second.tape);
  if (!gap) return;
  gap->origin = &origins_.emplace_back(second.tape.header.origin);
  missing_.push_back(std::move(*gap));
}

std::vector<Gap> TapeRows::take_missing() {
  return std::exchange(missing_, {});
}

}  // namespace smtptape
