#include "capture/record/open_tape.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "base/failpoint.h"

namespace smtptape {

OpenTape::OpenTape(Beginning beginning, FileCalls& calls, DiskThreads& disk)
    : file_(std::move(beginning.path), calls, beginning.mode),
      disk_(disk),
      opened_(beginning.opened),
      flush_interval_(beginning.flush_interval),
      latest_(beginning.opened),
      group_began_(beginning.opened.steady) {
  try {
    writer_.emplace(file_, std::move(beginning.header), std::move(beginning.options));
  } catch (const std::exception&) {
    file_.remove();
    throw;
  }
  marks_.push_back({{}, opened_.real});
  file_.sync_point()->on_failure = std::move(beginning.on_failed_sync);
  disk_.watch(file_.sync_point());
}

OpenTape::~OpenTape() {
  disk_.leave(file_.sync_point());
}

void OpenTape::add(const Event& event, Arrival arrival) {
  ++ledger_.received;
  ++events_taken_;
  last_sequence_ = event.sequence;
  make_room(arrival);
  writer_->add(event);
  look();
}

void OpenTape::add(Gap gap, Arrival arrival) {
  gap.from = std::min(gap.from, gap.until);  // the clock may have been set back meanwhile
  ledger_.count(gap);
  last_gaps_.push_back(gap);
  ++gaps_taken_;
  make_room(arrival);
  writer_->add(gap);
  look();
}

void OpenTape::add(const ClockReading& clock) {
  writer_->add(clock);
}

void OpenTape::add(const Note& note) {
  writer_->add(note);
}

void OpenTape::make_room(Arrival arrival) {
  if (arrival.steady - group_began_ >= kGroupInterval) {
    end_group();
    group_began_ = arrival.steady;
  } else if (unflushed_since_ && arrival.steady - unflushed_since_->steady >= flush_interval_) {
    flush();
  }
  latest_ = arrival;
}

void OpenTape::flush() {
  writer_->flush();
  look();
}

Predecessor OpenTape::end_group() {
  writer_->end_group();
  look();
  const auto& groups = writer_->groups();
  if (groups.empty()) return {writer_->header().tape_id, last_sequence_, writer_->bytes_written()};
  return {writer_->header().tape_id, last_sequence_, groups.back().offset + groups.back().bytes};
}

void OpenTape::seal(Now now) {
  SMTPTAPE_FAILPOINT("before-seal");
  writer_->seal(ledger_, now.real);
  SMTPTAPE_FAILPOINT("after-footer");
  look();
  file_.sync();
  SMTPTAPE_FAILPOINT("after-seal");
  ledger_.stored = writer_->events_written();
}

void OpenTape::look() {
  const std::size_t groups = writer_->groups().size();
  if (groups != groups_ended_) {
    groups_ended_ = groups;
    group_began_ = latest_.steady;
  }
  if (!writer_->has_unflushed()) {
    unflushed_since_.reset();
  } else if (!unflushed_since_) {
    unflushed_since_ = latest_;
  }
  if (writer_->flushed().end_offset == marks_.back().part.end_offset) return;
  marks_.push_back({writer_->flushed(), latest_.real});
  forget_flushed_gaps();
  forget_synced_marks();
}

void OpenTape::forget_flushed_gaps() {
  while (gaps_forgotten_ < writer_->flushed().gaps && !last_gaps_.empty()) {
    last_gaps_.pop_front();
    ++gaps_forgotten_;
  }
}

void OpenTape::forget_synced_marks() {
  while (marks_.size() > 1 && marks_[1].part.end_offset <= file_.synced())
    marks_.pop_front();
}

// ---- what time asks for ----

void OpenTape::tick(Now now) {
  if (file_.sync_error() != 0) file_.sync();  // throws what went wrong
  if (!unflushed_since_ || now.steady - unflushed_since_->steady < flush_interval_) return;
  now.steady - group_began_ >= kGroupInterval ? static_cast<void>(end_group()) : flush();
}

std::optional<std::int64_t> OpenTape::next_tick() const {
  if (!unflushed_since_) return std::nullopt;
  return unflushed_since_->steady + flush_interval_;
}

// ---- when the disk has failed ----

TapeRemains OpenTape::remains() {
  disk_.leave(file_.sync_point());
  if (file_.is_deleted()) return nothing_remains();
  sync_now(*file_.sync_point());  // what was flushed is worth keeping; a failure is remembered
  forget_flushed_gaps();
  forget_synced_marks();
  const FlushedPart& flushed = writer_->flushed();
  TapeRemains remains;
  remains.events_lost = events_taken_ - flushed.events;
  remains.gaps.assign(last_gaps_.begin(), last_gaps_.end());
  remains.last_sequence = flushed.last_sequence;
  remains.lost_since = unflushed_since_.value_or(latest_).real;
  remains.lost_until = latest_.real;
  remains.place = {writer_->header().tape_id, flushed.last_sequence, flushed.end_offset};
  if (file_.sync_error() != 0 && flushed.events > marks_.front().part.events) {
    remains.unsure = unsure_gap();
    remains.place->last_sequence = marks_.front().part.last_sequence;
    remains.place->end_offset = marks_.front().part.end_offset;
  }
  Ledger elsewhere;  // what the next tape has to tell
  elsewhere.received = remains.events_lost;
  for (const Gap& gap : remains.gaps)
    elsewhere.count(gap);
  remains.ledger = ledger_;
  remains.ledger -= elsewhere;
  remains.ledger.stored = flushed.events;
  return remains;
}

// The file is gone, and all that was in it: the next tape tells of its events, of what was not
// selected beside them, and of each kind of gap that it told of.
TapeRemains OpenTape::nothing_remains() const {
  TapeRemains remains;
  remains.events_lost = events_taken_;
  remains.not_selected = ledger_.not_selected;
  remains.last_sequence = writer_->header().first_sequence - 1;
  remains.lost_since = opened_.real;
  remains.lost_until = latest_.real;
  remains.place = writer_->header().predecessor;
  for (std::size_t i = 0; i < kGapCauses; ++i) {
    const auto cause = static_cast<GapCause>(i + 1);
    const Loss& loss = is_upstream(cause) ? ledger_.upstream[i] : ledger_.lost[i];
    if (loss.gaps == 0) continue;
    Gap gap;
    gap.cause = cause;
    if (loss.count > 0) gap.count = loss.count;
    gap.after_sequence = remains.last_sequence;
    gap.before_sequence = last_sequence_ + 1;
    gap.from = opened_.real;
    gap.until = latest_.real;
    gap.detail = "told by " + file_.path().filename().string() + ", which was deleted";
    remains.gaps.push_back(std::move(gap));
  }
  return remains;
}

Gap OpenTape::unsure_gap() const {
  const Mark& certain = marks_.front();
  Gap gap;
  gap.cause = GapCause::Disk;
  gap.after_sequence = certain.part.last_sequence;
  gap.before_sequence = writer_->flushed().last_sequence + 1;
  gap.from = certain.latest;
  gap.until = marks_.back().latest;
  gap.detail = "written to " + file_.path().filename().string() +
               ", but syncing it failed: " + std::generic_category().message(file_.sync_error()) +
               "; these events may not be on the disk";
  return gap;
}

}  // namespace smtptape
