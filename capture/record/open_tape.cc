#include "capture/record/open_tape.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "base/failpoint.h"

namespace smtptape {

OpenTape::OpenTape(Beginning beginning, FileCalls& calls, SyncThread& sync)
    : file_(std::move(beginning.path), calls, beginning.mode),
      sync_(sync),
      opened_(beginning.now),
      group_began_(beginning.now.steady) {
  try {
    writer_.emplace(file_, std::move(beginning.header), std::move(beginning.options));
  } catch (const std::exception&) {
    file_.remove();
    throw;
  }
  marks_.push_back({{}, opened_.real});
  sync_.watch(file_.sync_point());
}

OpenTape::~OpenTape() {
  sync_.leave(file_.sync_point());
}

void OpenTape::add(const Event& event, Moment now) {
  ++ledger_.received;
  ++events_taken_;
  last_sequence_ = event.sequence;
  writer_->add(event);
  look(now);
}

void OpenTape::add(const Gap& gap, Moment now) {
  ledger_.count(gap);
  last_gaps_.push_back(gap);
  writer_->add(gap);
  look(now);
}

void OpenTape::add(const ClockReading& clock) {
  writer_->add(clock);
}

void OpenTape::add(const Note& note) {
  writer_->add(note);
}

void OpenTape::flush(Moment now) {
  writer_->flush();
  look(now);
}

Predecessor OpenTape::end_group(Moment now) {
  writer_->end_group();
  look(now);
  const GroupIndex& last = writer_->groups().back();
  return {writer_->header().tape_id, last_sequence_, last.offset + last.bytes};
}

void OpenTape::seal(Moment now) {
  SMTPTAPE_FAILPOINT("before-seal");
  writer_->seal(ledger_, now.real);
  SMTPTAPE_FAILPOINT("after-footer");
  look(now);
  file_.sync();
  SMTPTAPE_FAILPOINT("after-seal");
  ledger_.stored = writer_->events_written();
}

void OpenTape::look(Moment now) {
  const std::size_t groups = writer_->groups().size();
  if (groups != groups_ended_) {
    groups_ended_ = groups;
    group_began_ = now.steady;
  }
  if (!writer_->has_unflushed()) {
    unflushed_since_.reset();
  } else if (!unflushed_since_) {
    unflushed_since_ = now;
  }
  if (writer_->flushed().end_offset == marks_.back().part.end_offset) return;
  marks_.push_back({writer_->flushed(), now.real});
  forget_flushed_gaps();
  forget_synced_marks();
  // Twice the interval: a sync takes its time, and nobody is in a hurry to hear of it.
  if (!sync_due_) sync_due_ = now.steady + 2 * sync_.interval().count();
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

void OpenTape::tick(Moment now, std::int64_t flush_interval) {
  if (unflushed_since_ && now.steady >= unflushed_since_->steady + flush_interval) {
    now.steady - group_began_ >= kGroupInterval ? static_cast<void>(end_group(now)) : flush(now);
  }
  if (!sync_due_ || now.steady < *sync_due_) return;
  if (file_.sync_error() != 0) file_.sync();  // throws what went wrong
  sync_due_.reset();
  if (file_.synced() < file_.written()) sync_due_ = now.steady + 2 * sync_.interval().count();
}

std::optional<std::int64_t> OpenTape::next_tick(std::int64_t flush_interval) const {
  std::optional<std::int64_t> due = sync_due_;
  if (unflushed_since_) {
    const std::int64_t flush = unflushed_since_->steady + flush_interval;
    due = due ? std::min(*due, flush) : flush;
  }
  return due;
}

// ---- when the disk has failed ----

TapeRemains OpenTape::remains(Moment now) {
  sync_.leave(file_.sync_point());
  sync_now(*file_.sync_point());  // what was flushed is worth keeping; a failure is remembered
  forget_flushed_gaps();
  forget_synced_marks();
  const FlushedPart& flushed = writer_->flushed();
  TapeRemains remains;
  remains.events_lost = events_taken_ - flushed.events;
  remains.gaps.assign(last_gaps_.begin(), last_gaps_.end());
  remains.last_sequence = flushed.last_sequence;
  remains.lost_since = unflushed_since_.value_or(now).real;
  remains.place = {writer_->header().tape_id, flushed.last_sequence, flushed.end_offset};
  if (file_.sync_error() != 0 && flushed.events > marks_.front().part.events) {
    remains.unsure = unsure_gap(now);
    remains.place.last_sequence = marks_.front().part.last_sequence;
    remains.place.end_offset = marks_.front().part.end_offset;
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

Gap OpenTape::unsure_gap(Moment now) const {
  const Mark& certain = marks_.front();
  Gap gap;
  gap.cause = GapCause::Disk;
  gap.after_sequence = certain.part.last_sequence;
  gap.before_sequence = writer_->flushed().last_sequence + 1;
  gap.from = certain.at;
  gap.until = now.real;
  gap.detail = "written to " + file_.path().filename().string() +
               ", but syncing it failed: " + std::generic_category().message(file_.sync_error()) +
               "; these events may not be on the disk";
  return gap;
}

}  // namespace smtptape
