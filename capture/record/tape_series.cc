#include "capture/record/tape_series.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/failpoint.h"
#include "capture/record/sealing.h"
#include "filters/property.h"

namespace smtptape {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr int kLevel = 1;  // of zstd: what takes more time gains 4 % at most

// When something begins that nothing arrived for.
Arrival as_of(Now now) {
  return {now.steady, now.real};
}

}  // namespace

TapeSeries::TapeSeries(const Store& store, DiskThreads& disk, const RecorderOptions& options)
    : store_(store),
      disk_(disk),
      options_(options),
      rotate_size_(options.rotate_size),
      rotate_interval_(options.rotate_interval),
      rotate_aligned_(options.rotate_aligned),
      capture_(random_id()),
      next_number_(options.first_number != 0 ? options.first_number
                                             : store.next_number(options.source)) {
}

TapeSeries::~TapeSeries() {
  wait_for_sealings();
}

// ---- what comes ----

void TapeSeries::watch(Arrival opened, Now now) {
  latest_ = opened;
  if (!tape_) static_cast<void>(try_to_open(opened, now, sequence_ + 1));
}

bool TapeSeries::add(const Event& event, Arrival arrival, Now now) {
  look_at_sealings();
  sequence_ = event.sequence;
  latest_ = arrival;
  if (!make_room(arrival, now)) {
    lose_to_disk(1, event.sequence - 1, {arrival.real, arrival.real});
    return false;
  }
  ++stored_;
  guarded(now, [&] { tape_->add(event, arrival); });
  return true;
}

void TapeSeries::add(const Gap& gap, std::uint64_t sequence, Arrival arrival, Now now) {
  sequence_ = sequence;
  if (!tape_) return keep(gap);
  guarded(now, [&] { tape_->add(gap, arrival); });
}

void TapeSeries::add_not_selected(std::uint64_t sequence) {
  sequence_ = sequence;
  if (!tape_) {
    ++not_selected_;
    return;
  }
  ++tape_->ledger().received;
  ++tape_->ledger().not_selected;
}

// ---- tapes ----

template <class Operation>
void TapeSeries::guarded(Now now, Operation operation) {
  try {
    operation();
  } catch (const std::exception& error) {
    const std::unique_ptr<OpenTape> failed = std::move(tape_);
    give_up(*failed);
    note_trouble(now, error.what());
  }
}

bool TapeSeries::make_room(Arrival arrival, Now now) {
  if (!tape_) return try_to_open(arrival, now, sequence_);
  if (now.steady >= retry_at_) {
    if (tape_->bytes() >= rotate_size_) {
      change_tapes(arrival, now, SealReason::Size);
    } else if (arrival.steady >= end_of_interval()) {
      change_tapes(arrival, now, SealReason::Interval);
    }
  }
  return tape_ || try_to_open(arrival, now, sequence_);
}

bool TapeSeries::try_to_open(Arrival arrival, Now now, std::uint64_t first_sequence) {
  if (now.steady < retry_at_) return false;
  try {
    std::unique_ptr<OpenTape> tape = opened(arrival, first_sequence);
    try {
      write_waiting(*tape, arrival);
      if (!trouble_.empty()) tape->flush();  // does the disk really take it?
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

std::unique_ptr<OpenTape> TapeSeries::opened(Arrival arrival, std::uint64_t first_sequence) {
  if (options_.before_new_tape) options_.before_new_tape();
  const TapeName name{
      file_name_of_source(options_.source), next_number_, tape_start_text(arrival.real)};
  OpenTape::Beginning beginning;
  beginning.path = store_.path_of(name);
  beginning.header = new_header(first_sequence);
  beginning.options = tape_options();
  beginning.opened = arrival;
  beginning.flush_interval = options_.flush_interval;
  beginning.mode = store_.file_mode();
  beginning.on_failed_sync = options_.wake;
  auto tape = std::make_unique<OpenTape>(std::move(beginning), store_.calls(), disk_);
  tape->add(read_clocks());
  for (const Note& note : notes_of(options_.levels))
    tape->add(note);
  return tape;
}

std::unique_ptr<OpenTape> TapeSeries::adopt(std::unique_ptr<OpenTape> tape) {
  ++next_number_;
  ++totals_.tapes;
  for (const auto& sealing : sealings_)
    sealing->is_latest = false;
  if (options_.on_new_tape) options_.on_new_tape();
  return std::exchange(tape_, std::move(tape));
}

// What could not be begun may still be there, and so may a file that was in the way.
void TapeSeries::look_for_number() {
  try {
    next_number_ = std::max(next_number_, store_.next_number(options_.source));
  } catch (const Error&) {  // then the next try says what is wrong
  }
}

std::int64_t TapeSeries::end_of_interval() const {
  const Arrival opened = tape_->opened();
  const std::int64_t into = rotate_aligned_ ? opened.real % rotate_interval_ : 0;
  return opened.steady + std::max(rotate_interval_ - into, kShortestLife);
}

// Usually the next event changes the tapes.  Where none comes, the tape ends nevertheless; but one
// that holds nothing goes on.
std::int64_t TapeSeries::end_of_quiet_tape() const {
  if (tape_->is_empty()) return kNever;
  return std::max(end_of_interval(), std::max(latest_.steady, tape_->opened().steady) + kQuiet);
}

// The next tape opens before the old one is sealed: at no moment is there none that takes events.
void TapeSeries::change_tapes(Arrival arrival, Now now, SealReason reason) {
  guarded(now, [&] { predecessor_ = tape_->end_group(); });
  if (!tape_) return;
  std::unique_ptr<OpenTape> old;
  try {
    old = adopt(opened(arrival, sequence_));
  } catch (const std::exception& error) {
    look_for_number();
    pause_after_failure(now);
    return say(std::string(error.what()) + "; recording goes on in " +
               tape_->path().filename().string());
  }
  SMTPTAPE_FAILPOINT("rotated");
  seal_later(std::move(old), now, reason);
  look_at_sealings();
  if (!has_waiting()) return;
  guarded(now, [&] { write_waiting(*tape_, arrival); });
  if (tape_) forget_waiting();
}

// Nothing is there to be recorded: the next tape can wait until something is.
void TapeSeries::end_tape(Now now, SealReason reason) {
  guarded(now, [&] { predecessor_ = tape_->end_group(); });
  if (!tape_) return;
  seal_later(std::move(tape_), now, reason);
  look_at_sealings();
}

TapeHeader TapeSeries::new_header(std::uint64_t first_sequence) const {
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

TapeOptions TapeSeries::tape_options() const {
  TapeOptions options;
  options.batch_bytes = options_.batch_bytes;
  options.group_bytes = options_.group_bytes;
  options.level = kLevel;
  for (const Property& property : kProperties)
    options.indexed_keys.emplace_back(property.meta_key);
  return options;
}

// ---- what time asks for, and the end ----

void TapeSeries::tick(Now now) {
  look_at_sealings();
  if (tape_ && now.steady >= end_of_quiet_tape()) end_tape(now, SealReason::Interval);
  if (tape_) return guarded(now, [&] { tape_->tick(now); });
  if (trouble_.empty() || now.steady < retry_at_) return;
  if (has_waiting()) {
    static_cast<void>(try_to_open(as_of(now), now, sequence_ + 1));
  } else {
    set_trouble({});  // nothing was lost, so there is nothing to tell
  }
}

std::optional<std::int64_t> TapeSeries::next_tick() const {
  if (tape_) {
    const std::int64_t next = std::min(tape_->next_tick().value_or(kNever), end_of_quiet_tape());
    return next == kNever ? std::nullopt : std::optional(next);
  }
  if (!trouble_.empty() && retry_at_ != kNever) return retry_at_;
  return std::nullopt;
}

// One that holds nothing goes on.
void TapeSeries::rotate(Now now) {
  if (tape_ && !tape_->is_empty()) end_tape(now, SealReason::Asked);
}

void TapeSeries::flush(Now now) {
  if (!tape_ && has_waiting() && !try_to_open(as_of(now), now, sequence_ + 1)) return;
  if (tape_) guarded(now, [&] { tape_->flush(); });
}

void TapeSeries::pause(Now now, const std::string& why) {
  if (tape_) end_tape(now, SealReason::Asked);
  if (trouble_.empty()) say(why + "; what comes is counted as lost until there is room");
  set_trouble(why);
  retry_at_ = kNever;
}

void TapeSeries::resume(Now now) {
  if (trouble_.empty()) return;
  retry_at_ = now.steady;
  pause_ = 0;
}

void TapeSeries::set_rotation(std::uint64_t size, std::int64_t interval, bool aligned) {
  rotate_size_ = size;
  rotate_interval_ = interval;
  rotate_aligned_ = aligned;
}

SeriesReport TapeSeries::report() const {
  SeriesReport report;
  report.ledger = totals_.ledger;
  if (tape_) {
    report.ledger += tape_->ledger_so_far();
    report.tape = tape_->path().filename().string();
    report.tape_bytes = tape_->bytes();
    report.flushes = tape_->flushes();
  }
  for (const auto& sealing : sealings_) {
    report.ledger += sealing->ledger;
    report.flushes += sealing->flushes;
  }
  for (const Gap& gap : waiting_)
    report.ledger.count(gap);
  if (lost_) report.ledger.count(*lost_);
  report.ledger.received += not_selected_;
  report.ledger.not_selected += not_selected_;
  report.flushes += flushes_;
  report.trouble = trouble_;
  report.write_errors = write_errors_;
  report.tapes_sealed = sealed_;
  return report;
}

void TapeSeries::close(Now now) {
  finishing_ = true;
  retry_at_ = now.steady;
  look_at_sealings();
  if (!tape_ && has_waiting()) static_cast<void>(try_to_open(as_of(now), now, sequence_ + 1));
  if (tape_) end_tape(now, SealReason::Stop);
}

void TapeSeries::finish(Now now) {
  close(now);
  wait_for_sealings();
  // Once more when that failed: what it lost has to be told by another.
  if (has_waiting()) {
    close(now);
    wait_for_sealings();
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
