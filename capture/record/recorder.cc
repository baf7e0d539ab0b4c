#include "capture/record/recorder.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"

namespace smtptape {

Recorder::Recorder(const Store& store,
                   DiskThreads& disk,
                   RecorderOptions options,
                   AllowList* filter)
    : options_(std::move(options)), filter_(filter), tapes_(store, disk, options_) {
  if (!options_.levels.keep_everything()) {
    levels_ = std::make_unique<CaptureLevels>(options_.levels);
  }
}

Recorder::~Recorder() = default;

void Recorder::begin(const std::optional<LastTape>& last, Arrival opened) {
  if (!last) return;
  tapes_.follow(last->place);
  Gap gap;
  gap.cause = GapCause::NotRecording;
  gap.from = last->last_received;
  gap.until = opened.real;
  gap.before_sequence = 1;
  tapes_.keep(std::move(gap));
}

void Recorder::record(const FrameChunk& chunk, Now now) {
  for (const Gap& gap : chunk.gaps) {
    if (full()) return;
    take_gap(gap, chunk.received, now);
  }
  for (const QueuedFrame& frame : chunk.frames) {
    if (full()) return;
    take_frame(frame, chunk.received, now);
    SMTPTAPE_PUBLISH_TAKEN(sequence_);
  }
}

void Recorder::take_frame(const QueuedFrame& frame, Arrival received, Now now) {
  if (frame.oversize) return take_oversize(frame, received, now);
  ++sequence_;
  batch_.clear();
  Event& event = decoder_.decode(frame.payload, frame.opcode, batch_);
  event.sequence = sequence_;
  event.received = received.real;
  const std::int64_t before = figures_.last_event_at().value_or(received.real);
  figures_.add(event);
  if (levels_) levels_->apply(event, batch_);
  if (filter_ == nullptr || filter_->passes(event.meta, Scope::Event)) {
    tapes_.add(event, received, now);
    note_lag(event, before, received, now);
  } else {
    tapes_.add_not_selected(sequence_);
  }
}

void Recorder::take_oversize(const QueuedFrame& frame, Arrival received, Now now) {
  Gap gap;
  gap.cause = GapCause::Oversize;
  gap.count = 1;
  gap.from = received.real;
  gap.until = received.real;
  gap.frame_bytes = frame.size;
  take_gap(std::move(gap), received, now);
}

// `before`: when the event before it was received.
void Recorder::note_lag(const Event& event, std::int64_t before, Arrival received, Now now) {
  const std::optional<Gap> lag = lag_gap(event, before);
  if (!lag) return;
  if (levels_) levels_->lost_track();
  tapes_.add(*lag, sequence_, received, now);
}

// Frames that were received and lost take their sequence numbers here.
void Recorder::take_gap(Gap gap, Arrival received, Now now) {
  if (levels_) levels_->lost_track();
  if (gap.cause == GapCause::Disconnected) figures_.forget_sessions();
  gap.after_sequence = sequence_;
  if (!is_upstream(gap.cause)) sequence_ += gap.count.value_or(0);
  gap.before_sequence = sequence_ + 1;
  tapes_.add(gap, sequence_, received, now);
}

RecorderReport Recorder::report() const {
  RecorderReport report;
  report.tapes = tapes_.report();
  report.last_event_at = figures_.last_event_at();
  report.delay = figures_.delay();
  report.open_sessions = figures_.open_sessions();
  return report;
}

}  // namespace smtptape
