#include "capture/recorder.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/error.h"
#include "capture/capture_clock.h"
#include "filters/property.h"

namespace smtptape {

struct Recorder::OpenTape {
  OpenTape(const std::filesystem::path& path, TapeHeader header, TapeOptions options)
      : file(path), writer(file, std::move(header), std::move(options)) {}

  LiveTape file;
  TapeWriter writer;
  std::int64_t opened = 0;
  std::int64_t group_began = 0;
  std::size_t groups_ended = 0;
  std::optional<std::int64_t> unflushed_since;
  std::uint64_t safe_events = 0;  // handed to the system with all that precedes them
  std::uint64_t last_sequence = 0;
  Ledger ledger;
};

Recorder::Recorder(const Store& store, RecorderOptions options, AllowList* filter)
    : store_(store),
      options_(std::move(options)),
      filter_(filter),
      capture_(random_id()),
      sync_thread_(std::chrono::nanoseconds(options_.sync_interval)),
      next_number_(store.next_number(options_.source)) {
}

Recorder::~Recorder() = default;

void Recorder::begin(const std::optional<LastTape>& last, std::int64_t now) {
  if (!last) return;
  predecessor_ = last->place;
  Gap gap;
  gap.cause = GapCause::NotRecording;
  gap.from = std::min(last->last_received, now);
  gap.until = now;
  gap.before_sequence = 1;
  not_recording_ = std::move(gap);
}

Ledger& Recorder::ledger() {
  return tape_ ? tape_->ledger : early_;
}

void Recorder::record(const FrameChunk& chunk) {
  gaps_taken_ = 0;
  frames_taken_ = 0;
  while (gaps_taken_ < chunk.gaps.size() && !full())
    write_gap(chunk.gaps[gaps_taken_++]);
  while (frames_taken_ < chunk.frames.size() && !full())
    take_frame(chunk.frames[frames_taken_++], chunk.received);
  gaps_taken_ = 0;
  frames_taken_ = 0;
}

void Recorder::take_frame(const QueuedFrame& frame, std::int64_t received) {
  if (frame.oversize) return take_oversize(frame, received);
  ++sequence_;
  batch_.clear();
  Event& event = decoder_.decode(frame.payload, frame.opcode, batch_);
  event.sequence = sequence_;
  event.received = received;
  if (filter_ == nullptr || filter_->passes(event.meta, Scope::Event)) return store_event(event);
  ++ledger().received;
  ++ledger().not_selected;
}

void Recorder::take_oversize(const QueuedFrame& frame, std::int64_t received) {
  Gap gap;
  gap.cause = GapCause::Oversize;
  gap.count = 1;
  gap.from = received;
  gap.until = received;
  gap.frame_bytes = frame.size;
  write_gap(std::move(gap));
}

void Recorder::store_event(Event& event) {
  in_hand_ = true;
  make_room(event.received);
  in_hand_ = false;
  ++tape_->ledger.received;
  tape_->last_sequence = event.sequence;
  tape_->writer.add(event);
  ++stored_;
  look_at_writer(event.received);
  note_lag(event);
}

void Recorder::note_lag(const Event& event) {
  const std::optional<Gap> gap = lag_gap(event);
  if (!gap) return;
  tape_->ledger.add(*gap);
  tape_->writer.add(*gap);
  look_at_writer(event.received);
}

// Frames that were received and lost take their sequence numbers here.
void Recorder::write_gap(Gap gap) {
  const std::uint64_t received = is_upstream(gap.cause) ? 0 : gap.count.value_or(0);
  gap.after_sequence = sequence_;
  sequence_ += received;
  gap.before_sequence = sequence_ + 1;
  ledger().received += received;
  ledger().add(gap);
  if (!tape_) open_tape(gap.until, sequence_ + 1);
  tape_->writer.add(gap);
  look_at_writer(gap.until);
}

void Recorder::make_room(std::int64_t received) {
  if (!tape_) return open_tape(received, sequence_);
  const bool due = tape_->writer.bytes_written() >= options_.rotate_size ||
                   received - tape_->opened >= options_.rotate_interval;
  if (due) rotate(received);
}

void Recorder::look_at_writer(std::int64_t now) {
  OpenTape& tape = *tape_;
  const std::size_t groups = tape.writer.groups().size();
  if (groups != tape.groups_ended) {
    tape.groups_ended = groups;
    tape.group_began = now;
  }
  if (!tape.writer.has_unflushed()) {
    tape.unflushed_since.reset();
    tape.safe_events = tape.writer.events_written();
  } else if (!tape.unflushed_since) {
    tape.unflushed_since = now;
  }
}

void Recorder::tick(std::int64_t now) {
  const std::optional<std::int64_t> due = next_tick();
  if (!due || now < *due) return;
  if (now - tape_->group_began >= kGroupInterval) {
    tape_->writer.end_group();
  } else {
    tape_->writer.flush();
  }
  look_at_writer(now);
}

std::optional<std::int64_t> Recorder::next_tick() const {
  if (!tape_ || !tape_->unflushed_since) return std::nullopt;
  return *tape_->unflushed_since + options_.flush_interval;
}

void Recorder::finish(std::int64_t now) {
  if (!tape_ && not_recording_) open_tape(now, sequence_ + 1);
  sync_thread_.watch(nullptr);
  if (tape_) seal(*tape_, now);
  tape_.reset();
  totals_.ledger += std::exchange(early_, {});
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

void Recorder::open_tape(std::int64_t now, std::uint64_t first_sequence) {
  const TapeName name{file_name_of_source(options_.source), next_number_, tape_start_text(now)};
  auto tape =
      std::make_unique<OpenTape>(store_.path_of(name), new_header(first_sequence), tape_options());
  ++next_number_;
  ++totals_.tapes;
  tape->opened = now;
  tape->group_began = now;
  tape->ledger = std::exchange(early_, {});
  tape_ = std::move(tape);
  sync_thread_.watch(tape_->file.sync_point());
  tape_->writer.add(read_clocks());
  if (not_recording_) {
    tape_->ledger.add(*not_recording_);
    tape_->writer.add(*not_recording_);
    not_recording_.reset();
  }
  look_at_writer(now);
}

// The next tape opens before the old one is sealed: at no moment is there none that takes events.
void Recorder::rotate(std::int64_t now) {
  tape_->writer.end_group();
  look_at_writer(now);
  const GroupIndex& last = tape_->writer.groups().back();
  predecessor_ = {tape_->writer.header().tape_id, tape_->last_sequence, last.offset + last.bytes};
  ending_ = std::move(tape_);
  open_tape(now, sequence_);
  seal(*ending_, now);
  ending_.reset();
}

void Recorder::seal(OpenTape& tape, std::int64_t now) {
  tape.writer.seal(tape.ledger, now);
  tape.file.sync();
  tape.ledger.stored = tape.writer.events_written();
  totals_.bytes += tape.writer.bytes_written();
  totals_.ledger += tape.ledger;
}

// ---- when the disk has failed ----

void Recorder::note_disk_loss(std::uint64_t frames, std::int64_t received) {
  if (frames == 0) return;
  disk_loss_.cause = GapCause::Disk;
  if (!disk_loss_.count) disk_loss_.from = received;
  disk_loss_.count = disk_loss_.count.value_or(0) + frames;
  disk_loss_.until = received;
}

void Recorder::count_lost(const FrameChunk& chunk) {
  for (; gaps_taken_ < chunk.gaps.size(); ++gaps_taken_) {
    const Gap& gap = chunk.gaps[gaps_taken_];
    early_.received += is_upstream(gap.cause) ? 0 : gap.count.value_or(0);
    early_.add(gap);
  }
  note_disk_loss(chunk.frames.size() - frames_taken_, chunk.received);
  gaps_taken_ = 0;
  frames_taken_ = 0;
}

void Recorder::abandon(std::int64_t now) noexcept {
  sync_thread_.watch(nullptr);
  if (std::exchange(in_hand_, false)) {
    --sequence_;
    note_disk_loss(1, now);
  }
  if (!tape_) tape_ = std::move(ending_);
  abandon_tape(std::move(ending_), now);
  if (tape_ && disk_loss_.count) {
    try {
      write_gap(std::exchange(disk_loss_, {}));
    } catch (const std::exception&) {  // counted all the same
    }
  }
  abandon_tape(std::move(tape_), now);
  if (disk_loss_.count) {
    early_.received += *disk_loss_.count;
    early_.add(disk_loss_);
  }
  totals_.ledger += std::exchange(early_, {});
}

void Recorder::abandon_tape(std::unique_ptr<OpenTape> tape, std::int64_t now) {
  if (!tape) return;
  try {
    if (!tape->file.failed()) return seal(*tape, now);
  } catch (const std::exception&) {  // then it stays unclosed, whole batches are readable
  }
  Gap lost;
  lost.cause = GapCause::Disk;
  lost.count = tape->writer.events_written() - tape->safe_events;
  if (*lost.count > 0) tape->ledger.add(lost);
  tape->ledger.stored = tape->safe_events;
  totals_.bytes += tape->writer.bytes_written();
  totals_.ledger += tape->ledger;
}

}  // namespace smtptape
