// The recorder when the disk fails: what was lost is kept until a tape can tell of it.
#include <algorithm>
#include <utility>

#include "capture/record/recorder.h"

namespace smtptape {

// What was taken and is not on the tape has to be told by the next one.
void Recorder::give_up(OpenTape& tape, Moment now) {
  TapeRemains remains = tape.remains(now);
  predecessor_ = remains.place;
  totals_.ledger += remains.ledger;
  totals_.bytes += tape.bytes();
  flushes_ += tape.flushes();
  stored_ -= remains.events_lost;
  for (Gap& gap : remains.gaps)
    keep_waiting(std::move(gap));
  if (remains.unsure) keep_waiting(std::move(*remains.unsure));
  if (remains.events_lost > 0) {
    lose_to_disk(remains.events_lost, remains.last_sequence, {remains.lost_since, now.real});
  }
}

void Recorder::lose_to_disk(std::uint64_t events, std::uint64_t after_sequence, TimeOfLoss time) {
  if (!lost_) {
    lost_.emplace();
    lost_->cause = GapCause::Disk;
    lost_->count = 0;
    lost_->after_sequence = after_sequence;
    lost_->from = time.from;
  }
  lost_->count = *lost_->count + events;
  lost_->before_sequence = sequence_ + 1;
  lost_->until = time.until;
  if (lost_->detail.empty()) lost_->detail = trouble_;
}

void Recorder::keep_waiting(Gap gap) {
  if (waiting_.size() >= kMostWaitingGaps) {
    const auto alike = std::find_if(waiting_.rbegin(), waiting_.rend(), [&gap](const Gap& other) {
      return other.cause == gap.cause && other.count.has_value() == gap.count.has_value();
    });
    if (alike != waiting_.rend()) {
      if (gap.count) alike->count = capped_sum(*alike->count, *gap.count);
      alike->before_sequence = gap.before_sequence;
      alike->until = gap.until;
      return;
    }
  }
  waiting_.push_back(std::move(gap));
}

void Recorder::write_waiting(OpenTape& tape, Moment now) const {
  tape.ledger().received += not_selected_;
  tape.ledger().not_selected += not_selected_;
  for (const Gap& gap : waiting_)
    tape.add(gap, now);
  if (lost_) tape.add(*lost_, now);
}

void Recorder::forget_waiting() {
  waiting_.clear();
  lost_.reset();
  not_selected_ = 0;
}

void Recorder::pause_after_failure(Moment now) {
  if (calm_at_ && now.steady >= *calm_at_) pause_ = 0;
  calm_at_.reset();
  retry_at_ = now.steady + pause_;
  pause_ = pause_ == 0 ? kFirstPause : std::min(2 * pause_, kLongestPause);
}

void Recorder::note_trouble(Moment now, std::string_view why) {
  pause_after_failure(now);
  ++write_errors_;
  if (trouble_.empty()) {
    say(std::string(why) + "; what comes is counted as lost until a new tape can be written");
  }
  set_trouble(why);
}

void Recorder::note_end_of_trouble(Moment now) {
  calm_at_ = now.steady + kCalm;
  if (trouble_.empty()) return;
  if (!finishing_) say("recording again, in " + tape_->path().filename().string());
  set_trouble({});
}

void Recorder::set_trouble(std::string_view trouble) {
  trouble_ = trouble;
  if (options_.on_trouble) options_.on_trouble(trouble_);
}

void Recorder::say(const std::string& line) const {
  if (options_.say) options_.say(line);
}

}  // namespace smtptape
