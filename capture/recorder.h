// Writes what arrives into tapes: decodes, selects, numbers, flushes, rotates, seals.
//
// Every data frame received takes the next sequence number of the capture, stored or not: a hole
// says that something is not there, and the gap in that place, or the ledger's "not selected", says
// why.  A gap is written at its place in the stream, and counted in the ledger of the tape that
// holds it, so that each tape's ledger balances by itself.
//
// Time comes in from outside (ns since 1970, never going back): the recorder waits for nothing and
// asks no clock but for the clock records.  One thread at a time, the writer's.
//
// When the disk fails, Error comes out.  Then nothing more is recorded: what still comes goes to
// count_lost(), and abandon() seals what can be sealed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "capture/event_queue.h"
#include "capture/last_tape.h"
#include "capture/store.h"
#include "capture/sync_thread.h"
#include "filters/allow_list.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"

namespace smtptape {

inline constexpr std::uint64_t kDefaultRotateSize = 256 * kMiB;
inline constexpr std::int64_t kDefaultRotateInterval = 3600 * std::int64_t{kNanosPerSecond};

struct RecorderOptions {
  std::string source;   // the name given to the endpoint
  std::string url;      // without credentials
  std::string request;  // as sent
  std::string writer;   // "smtptape 1.2.3"
  std::uint64_t batch_bytes = kDefaultBatchBytes;
  std::uint64_t group_bytes = kDefaultRecordingGroupBytes;
  std::uint64_t rotate_size = kDefaultRotateSize;         // on disk
  std::int64_t rotate_interval = kDefaultRotateInterval;  // ns
  std::int64_t flush_interval = kNanosPerSecond;          // ns: what waits longer is written
  std::int64_t sync_interval = kNanosPerSecond;           // ns: what was written is synced
  std::uint64_t most_events = ~std::uint64_t{0};          // that are stored
};

struct CaptureTotals {
  Ledger ledger;
  std::uint64_t tapes = 0;
  std::uint64_t bytes = 0;  // on disk
};

class Recorder {
 public:
  // A group ends after so long, however small.
  static constexpr std::int64_t kGroupInterval = 300 * std::int64_t{kNanosPerSecond};

  // `filter` chooses what is stored; null: everything.  Both outlive the recorder.
  Recorder(const Store& store, RecorderOptions options, AllowList* filter);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // The feed is open for the first time: what lies between `last` and now was not recorded.
  void begin(const std::optional<LastTape>& last, std::int64_t now);
  void record(const FrameChunk& chunk);
  // Does what time asks for.
  void tick(std::int64_t now);
  // When that is the case next; nothing: not before the next record().
  [[nodiscard]] std::optional<std::int64_t> next_tick() const;
  // most_events are stored: nothing more is taken.
  [[nodiscard]] bool full() const { return stored_ >= options_.most_events; }
  // Seals what is open.
  void finish(std::int64_t now);

  // After a failure: the frames of a chunk that were not taken, in record() or at all.
  void count_lost(const FrameChunk& chunk);
  // After a failure: seals the tape unless it is the tape that failed; what was taken and is not on
  // the disk counts as lost.
  void abandon(std::int64_t now) noexcept;

  // Complete after finish() or abandon().
  [[nodiscard]] const CaptureTotals& totals() const { return totals_; }

 private:
  struct OpenTape;

  void take_frame(const QueuedFrame& frame, std::int64_t received);
  void take_oversize(const QueuedFrame& frame, std::int64_t received);
  void store_event(Event& event);
  void note_lag(const Event& event);
  void write_gap(Gap gap);
  void make_room(std::int64_t received);
  void open_tape(std::int64_t now, std::uint64_t first_sequence);
  void rotate(std::int64_t now);
  void seal(OpenTape& tape, std::int64_t now);
  void abandon_tape(std::unique_ptr<OpenTape> tape, std::int64_t now);
  void note_disk_loss(std::uint64_t frames, std::int64_t received);
  [[nodiscard]] TapeHeader new_header(std::uint64_t first_sequence) const;
  [[nodiscard]] TapeOptions tape_options() const;
  // Keeps track of what the system has got, after anything was added.
  void look_at_writer(std::int64_t now);
  [[nodiscard]] Ledger& ledger();

  const Store& store_;
  RecorderOptions options_;
  AllowList* filter_;
  Id128 capture_;
  WireDecoder decoder_;
  EventBatch batch_;  // room for the event in hand

  SyncThread sync_thread_;
  std::unique_ptr<OpenTape> tape_;
  std::unique_ptr<OpenTape> ending_;  // while the next one is there already
  std::optional<Gap> not_recording_;  // waits for the first tape
  std::optional<Predecessor> predecessor_;
  Ledger early_;                // of what came before it
  Gap disk_loss_;               // after a failure
  bool in_hand_ = false;        // an event is numbered, and in no ledger yet
  std::size_t gaps_taken_ = 0;  // of the chunk in record()
  std::size_t frames_taken_ = 0;
  std::uint64_t next_number_ = 1;
  std::uint64_t sequence_ = 0;  // of the frame taken last
  std::uint64_t stored_ = 0;
  CaptureTotals totals_;
};

}  // namespace smtptape
