// The ends of tapes, and what becomes of them when the disk fails: what was lost is kept until a
// tape can tell of it.
#include <algorithm>
#include <utility>

#include "capture/record/sealing.h"
#include "capture/record/tape_series.h"

namespace smtptape {

// ---- sealing ----

void TapeSeries::seal_later(std::unique_ptr<OpenTape> tape, Now now, SealReason reason) {
  auto sealing = std::make_shared<Sealing>(std::move(tape), reason);
  sealings_.push_back(sealing);
  disk_.run([sealing, now, wake = options_.wake] {
    sealing->work(now);
    if (wake) wake();
  });
}

void TapeSeries::look_at_sealings() {
  while (!sealings_.empty() && sealings_.front()->is_done()) {
    take_over(*sealings_.front());
    sealings_.pop_front();
  }
}

void TapeSeries::wait_for_sealings() {
  for (const auto& sealing : sealings_)
    sealing->wait();
  look_at_sealings();
}

void TapeSeries::take_over(Sealing& sealing) {
  totals_.bytes += sealing.tape->bytes();
  flushes_ += sealing.tape->flushes();
  not_sealed_ = sealing.trouble;
  if (sealing.trouble.empty()) {
    ++sealed_[static_cast<std::size_t>(sealing.reason)];
    totals_.ledger += sealing.tape->sealed_ledger();
    return;
  }
  ++write_errors_;
  say(sealing.trouble + "; the tape stays without its end, what was written to it can be read");
  if (sealing.is_latest) predecessor_ = sealing.remains.place;
  take_remains(std::move(sealing.remains));
}

// ---- the disk has failed ----

// What was taken and is not on the tape has to be told by the next one.
void TapeSeries::give_up(OpenTape& tape) {
  TapeRemains remains = tape.remains();
  predecessor_ = remains.place;
  totals_.bytes += tape.bytes();
  flushes_ += tape.flushes();
  take_remains(std::move(remains));
}

void TapeSeries::take_remains(TapeRemains remains) {
  totals_.ledger += remains.ledger;
  not_selected_ += remains.not_selected;
  stored_ -= remains.events_lost;
  for (Gap& gap : remains.gaps)
    keep(std::move(gap));
  if (remains.unsure) keep(std::move(*remains.unsure));
  if (remains.events_lost > 0) {
    lose_to_disk(
        remains.events_lost, remains.last_sequence, {remains.lost_since, remains.lost_until});
  }
}

void TapeSeries::lose_to_disk(std::uint64_t events, std::uint64_t after_sequence, TimeOfLoss time) {
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

void TapeSeries::keep(Gap gap) {
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

void TapeSeries::write_waiting(OpenTape& tape, Arrival arrival) const {
  tape.ledger().received += not_selected_;
  tape.ledger().not_selected += not_selected_;
  for (const Gap& gap : waiting_)
    tape.add(gap, arrival);
  if (lost_) tape.add(*lost_, arrival);
}

void TapeSeries::forget_waiting() {
  waiting_.clear();
  lost_.reset();
  not_selected_ = 0;
}

void TapeSeries::pause_after_failure(Now now) {
  if (calm_at_ && now.steady >= *calm_at_) pause_ = 0;
  calm_at_.reset();
  retry_at_ = now.steady + pause_;
  pause_ = pause_ == 0 ? kFirstPause : std::min(2 * pause_, kLongestPause);
}

void TapeSeries::note_trouble(Now now, std::string_view why) {
  pause_after_failure(now);
  ++write_errors_;
  if (trouble_.empty()) {
    say(std::string(why) + "; what comes is counted as lost until a new tape can be written");
  }
  set_trouble(why);
}

void TapeSeries::note_end_of_trouble(Now now) {
  calm_at_ = now.steady + kCalm;
  if (trouble_.empty()) return;
  if (!finishing_) say("recording again, in " + tape_->path().filename().string());
  set_trouble({});
}

void TapeSeries::set_trouble(std::string_view trouble) {
  trouble_ = trouble;
  if (options_.on_trouble) options_.on_trouble(trouble_);
}

void TapeSeries::say(const std::string& line) const {
  if (options_.say) options_.say(line);
}

}  // namespace smtptape
