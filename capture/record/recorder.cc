#include "capture/record/recorder.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/failpoint.h"
#include "capture/record/clocks.h"
#include "filters/property.h"

namespace smtptape {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

}  // namespace

Recorder::Recorder(const Store& store, SyncThread& sync, RecorderOptions options, AllowList* filter)
    : store_(store),
      sync_(sync),
      options_(std::move(options)),
      filter_(filter),
      capture_(random_id()),
      next_number_(store.next_number(options_.source)) {
  if (!options_.levels.keep_everything()) {
    levels_ = std::make_unique<CaptureLevels>(options_.levels);
  }
}

Recorder::~Recorder() = default;

void Recorder::begin(const std::optional<LastTape>& last, Moment now) {
  if (!last) return;
  predecessor_ = last->place;
  Gap gap;
  gap.cause = GapCause::NotRecording;
  gap.from = std::min(last->last_received, now.real);
  gap.until = now.real;
  gap.before_sequence = 1;
  keep_waiting(std::move(gap));
}

// ---- what arrives ----

void Recorder::record(const FrameChunk& chunk) {
  for (const Gap& gap : chunk.gaps) {
    if (full()) return;
    take_gap(gap, chunk.received);
  }
  for (const QueuedFrame& frame : chunk.frames) {
    if (full()) return;
    take_frame(frame, chunk.received);
    SMTPTAPE_PUBLISH_TAKEN(sequence_);
  }
}

void Recorder::take_frame(const QueuedFrame& frame, Moment received) {
  if (frame.oversize) return take_oversize(frame, received);
  ++sequence_;
  batch_.clear();
  Event& event = decoder_.decode(frame.payload, frame.opcode, batch_);
  event.sequence = sequence_;
  event.received = received.real;
  const std::int64_t before = figures_.last_event_at().value_or(received.real);
  figures_.add(event, frame.payload.size());
  if (levels_) levels_->apply(event, batch_);
  if (filter_ == nullptr || filter_->passes(event.meta, Scope::Event)) {
    return store_event(event, received, before);
  }
  if (!tape_) {
    ++not_selected_;
    return;
  }
  ++tape_->ledger().received;
  ++tape_->ledger().not_selected;
}

void Recorder::take_oversize(const QueuedFrame& frame, Moment received) {
  Gap gap;
  gap.cause = GapCause::Oversize;
  gap.count = 1;
  gap.from = received.real;
  gap.until = received.real;
  gap.frame_bytes = frame.size;
  take_gap(std::move(gap), received);
}

void Recorder::store_event(const Event& event, Moment received, std::int64_t before) {
  last_event_at_ = received.steady;
  if (make_room(received)) {
    ++stored_;
    guarded(received, [&] { tape_->add(event, received); });
  } else {
    lose_to_disk(1, event.sequence - 1, {event.received, event.received});
  }
  note_lag(event, received, before);
}

void Recorder::note_lag(const Event& event, Moment received, std::int64_t before) {
  const std::optional<Gap> gap = lag_gap(event, before);
  if (!gap) return;
  if (levels_) levels_->lost_track();
  put(*gap, received);
}

// Frames that were received and lost take their sequence numbers here.
void Recorder::take_gap(Gap gap, Moment received) {
  if (levels_) levels_->lost_track();
  if (gap.cause == GapCause::Disconnected) figures_.forget_sessions();
  gap.after_sequence = sequence_;
  if (!is_upstream(gap.cause)) sequence_ += gap.count.value_or(0);
  gap.before_sequence = sequence_ + 1;
  put(gap, received);
}

void Recorder::put(const Gap& gap, Moment now) {
  if (!tape_) return keep_waiting(gap);
  guarded(now, [&] { tape_->add(gap, now); });
}

// ---- tapes ----

template <class Operation>
void Recorder::guarded(Moment now, Operation operation) {
  try {
    operation();
  } catch (const std::exception& error) {
    const std::unique_ptr<OpenTape> failed = std::move(tape_);
    give_up(*failed, now);
    note_trouble(now, error.what());
  }
}

bool Recorder::make_room(Moment now) {
  if (!tape_) return try_to_open(now, sequence_);
  if (now.steady >= retry_at_) {
    if (tape_->bytes() >= options_.rotate_size) {
      change_tapes(now, SealReason::Size);
    } else if (now.steady >= end_of_interval()) {
      change_tapes(now, SealReason::Interval);
    }
  }
  return tape_ || try_to_open(now, sequence_);
}

bool Recorder::try_to_open(Moment now, std::uint64_t first_sequence) {
  if (now.steady < retry_at_) return false;
  try {
    std::unique_ptr<OpenTape> tape = opened(now, first_sequence);
    try {
      write_waiting(*tape, now);
      if (!trouble_.empty()) tape->flush(now);  // does the disk really take it?
    } catch (const std::exception&) {
      tape->remove();
      throw;
    }
    adopt(std::move(tape));
  } catch (const std::exception& error) {
    look_for_number();
    note_trouble(now, error.what());
    return false;
  }
  forget_waiting();
  note_end_of_trouble(now);
  return true;
}

std::unique_ptr<OpenTape> Recorder::opened(Moment now, std::uint64_t first_sequence) {
  const TapeName name{
      file_name_of_source(options_.source), next_number_, tape_start_text(now.real)};
  auto tape = std::make_unique<OpenTape>(OpenTape::Beginning{store_.path_of(name),
                                                             new_header(first_sequence),
                                                             tape_options(),
                                                             now,
                                                             store_.file_mode()},
                                         store_.calls(),
                                         sync_);
  tape->add(read_clocks());
  for (const Note& note : notes_of(options_.levels))
    tape->add(note);
  return tape;
}

std::unique_ptr<OpenTape> Recorder::adopt(std::unique_ptr<OpenTape> tape) {
  ++next_number_;
  ++totals_.tapes;
  if (options_.on_new_tape) options_.on_new_tape();
  return std::exchange(tape_, std::move(tape));
}

// What could not be begun may still be there, and so may a file that was in the way.
void Recorder::look_for_number() {
  try {
    next_number_ = std::max(next_number_, store_.next_number(options_.source));
  } catch (const Error&) {  // then the next try says what is wrong
  }
}

std::int64_t Recorder::end_of_interval() const {
  const std::int64_t interval = options_.rotate_interval;
  const Moment opened = tape_->opened();
  return opened.steady + interval - (options_.rotate_aligned ? opened.real % interval : 0);
}

// Usually the next event changes the tapes.  Where none comes, the tape ends nevertheless.
std::int64_t Recorder::end_of_quiet_tape() const {
  return std::max(end_of_interval(), std::max(last_event_at_, tape_->opened().steady) + kQuiet);
}

// The next tape opens before the old one is sealed: at no moment is there none that takes events.
void Recorder::change_tapes(Moment now, SealReason reason) {
  guarded(now, [&] { predecessor_ = tape_->end_group(now); });
  if (!tape_) return;
  std::unique_ptr<OpenTape> old;
  try {
    old = adopt(opened(now, sequence_));
  } catch (const std::exception& error) {
    look_for_number();
    pause_after_failure(now);
    return say(std::string(error.what()) + "; recording goes on in " +
               tape_->path().filename().string());
  }
  SMTPTAPE_FAILPOINT("rotated");
  seal(*old, now, reason);
  if (!has_waiting()) return;
  guarded(now, [&] { write_waiting(*tape_, now); });
  if (tape_) forget_waiting();
}

// Nothing is there to be recorded: the next tape can wait until something is.
void Recorder::end_tape(Moment now, SealReason reason) {
  guarded(now, [&] { predecessor_ = tape_->end_group(now); });
  if (!tape_) return;
  const std::unique_ptr<OpenTape> tape = std::move(tape_);
  seal(*tape, now, reason);
}

void Recorder::seal(OpenTape& tape, Moment now, SealReason reason) {
  try {
    tape.seal(now);
  } catch (const std::exception& error) {
    not_sealed_ = error.what();
    ++write_errors_;
    say(not_sealed_ + "; the tape stays without its end, what was written to it can be read");
    return give_up(tape, now);
  }
  not_sealed_.clear();
  flushes_ += tape.flushes();
  ++sealed_[static_cast<std::size_t>(reason)];
  totals_.ledger += tape.sealed_ledger();
  totals_.bytes += tape.bytes();
}

TapeHeader Recorder::new_header(std::uint64_t first_sequence) const {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = {capture_, options_.source, next_number_, false};
  header.layout = Layout::Interleaved;
  header.predecessor = predecessor_;
  header.boot_id = read_boot_id();
  header.writer = options_.writer;
  header.url = options_.url;
  header.request = options_.request;
  header.clock = read_clocks();
  header.first_sequence = first_sequence;
  return header;
}

TapeOptions Recorder::tape_options() const {
  TapeOptions options;
  options.batch_bytes = options_.batch_bytes;
  options.group_bytes = options_.group_bytes;
  for (const Property& property : kProperties)
    options.indexed_keys.emplace_back(property.meta_key);
  return options;
}

// ---- what time asks for, and the end ----

void Recorder::tick(Moment now) {
  if (tape_ && now.steady >= end_of_quiet_tape()) end_tape(now, SealReason::Interval);
  if (tape_) return guarded(now, [&] { tape_->tick(now, options_.flush_interval); });
  if (trouble_.empty() || now.steady < retry_at_) return;
  if (has_waiting()) {
    static_cast<void>(try_to_open(now, sequence_ + 1));
  } else {
    set_trouble({});  // nothing was lost, so there is nothing to tell
  }
}

void Recorder::rotate(Moment now) {
  if (tape_) end_tape(now, SealReason::Asked);
}

void Recorder::flush(Moment now) {
  if (!tape_ && has_waiting() && !try_to_open(now, sequence_ + 1)) return;
  if (tape_) guarded(now, [&] { tape_->flush(now); });
}

void Recorder::pause(Moment now, const std::string& why) {
  if (tape_) end_tape(now, SealReason::Asked);
  if (trouble_.empty()) say(why + "; what comes is counted as lost until there is room");
  set_trouble(why);
  retry_at_ = kNever;
}

void Recorder::resume(Moment now) {
  if (trouble_.empty()) return;
  retry_at_ = now.steady;
  pause_ = 0;
}

void Recorder::set_rotation(std::uint64_t size, std::int64_t interval, bool aligned) {
  options_.rotate_size = size;
  options_.rotate_interval = interval;
  options_.rotate_aligned = aligned;
}

RecorderReport Recorder::report() const {
  RecorderReport report;
  report.ledger = totals_.ledger;
  if (tape_) {
    report.ledger += tape_->ledger_so_far();
    report.tape = tape_->path().filename().string();
    report.tape_bytes = tape_->bytes();
    report.flushes = tape_->flushes();
  }
  for (const Gap& gap : waiting_)
    report.ledger.count(gap);
  if (lost_) report.ledger.count(*lost_);
  report.ledger.received += not_selected_;
  report.ledger.not_selected += not_selected_;
  report.bytes = figures_.bytes();
  report.last_event_at = figures_.last_event_at();
  report.delay = figures_.delay();
  report.flushes += flushes_;
  report.open_sessions = figures_.open_sessions();
  report.trouble = trouble_;
  report.write_errors = write_errors_;
  report.tapes_sealed = sealed_;
  return report;
}

std::optional<std::int64_t> Recorder::next_tick() const {
  if (tape_) {
    const std::int64_t end = end_of_quiet_tape();
    return std::min(tape_->next_tick(options_.flush_interval).value_or(end), end);
  }
  if (!trouble_.empty() && retry_at_ != kNever) return retry_at_;
  return std::nullopt;
}

void Recorder::finish(Moment now) {
  finishing_ = true;
  retry_at_ = now.steady;
  // Once more when the first one fails: what it lost has to be told by another.
  for (int tapes = 0; tapes < 2; ++tapes) {
    if (!tape_ && (!has_waiting() || !try_to_open(now, sequence_ + 1))) break;
    const std::unique_ptr<OpenTape> last = std::move(tape_);
    seal(*last, now, SealReason::Stop);
  }
  const bool told = !has_waiting();
  if (lost_) waiting_.push_back(*lost_);
  for (const Gap& gap : waiting_)
    totals_.ledger.count(gap);
  totals_.ledger.received += not_selected_;
  totals_.ledger.not_selected += not_selected_;
  forget_waiting();
  if (!told) throw Error("what was lost could not be recorded: " + trouble_);
  if (!not_sealed_.empty()) throw Error(not_sealed_);
}

}  // namespace smtptape
