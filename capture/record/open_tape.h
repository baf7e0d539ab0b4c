// One tape while it is recorded: file, writer, ledger, and how much of it is safe.
//
// When an operation throws, the file must be left alone; remains() then tells exactly what is on it
// and what is not, so that nothing that was taken is forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <vector>

#include "capture/record/clocks.h"
#include "capture/record/live_tape.h"
#include "capture/record/sync_thread.h"
#include "format/tape/tape_writer.h"

namespace smtptape {

// What a tape that failed leaves behind.
struct TapeRemains {
  Ledger ledger;                    // of what is on it
  std::uint64_t events_lost = 0;    // taken, and not on it
  std::vector<Gap> gaps;            // the same
  std::uint64_t last_sequence = 0;  // of the last event that is on it
  Predecessor place;                // the end of what is certain
  std::int64_t lost_since = 0;      // ns since 1970: when the first of what is lost was taken
  std::optional<Gap> unsure;        // written, but then a sync failed: it may be on the disk or not
};

class OpenTape {
 public:
  // A group ends after so long, however small.
  static constexpr std::int64_t kGroupInterval = 300 * std::int64_t{kNanosPerSecond};

  struct Beginning {
    std::filesystem::path path;
    TapeHeader header;
    TapeOptions options;
    Moment now;
    mode_t mode = 0600;
  };
  // Creates the file and writes the header; when that fails, the file is taken away again.  `calls`
  // and `sync` outlive the tape.
  OpenTape(Beginning beginning, FileCalls& calls, SyncThread& sync);
  ~OpenTape();
  OpenTape(const OpenTape&) = delete;
  OpenTape& operator=(const OpenTape&) = delete;

  // Each is counted in the ledger before it is written.
  void add(const Event& event, Moment now);
  void add(const Gap& gap, Moment now);
  void add(const ClockReading& clock);
  void add(const Note& note);
  // Events and gaps of the past that are counted here.
  [[nodiscard]] Ledger& ledger() { return ledger_; }

  void flush(Moment now);
  // Where the next tape goes on from.
  Predecessor end_group(Moment now);
  // Writes the footer and waits for the disk.
  void seal(Moment now);
  // A tape that could not be begun: nothing of it stays.
  void remove() { file_.remove(); }

  // Writes what waits for longer than `interval`.  Throws also when a sync has failed.
  void tick(Moment now, std::int64_t flush_interval);
  // When that is the case next, of the steady clock; nothing: never, as things are.
  [[nodiscard]] std::optional<std::int64_t> next_tick(std::int64_t flush_interval) const;

  // After a failure.
  [[nodiscard]] TapeRemains remains(Moment now);

  [[nodiscard]] Moment opened() const { return opened_; }
  [[nodiscard]] std::uint64_t bytes() const { return writer_->bytes_written(); }
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }
  [[nodiscard]] const DurationHistogram& flushes() const { return file_.writes(); }
  // Of what is on it: what waits is in no column yet, so that no figure ever falls.
  [[nodiscard]] Ledger ledger_so_far() const {
    Ledger ledger = ledger_;
    ledger.stored = writer_->flushed().events;
    ledger.received -= events_taken_ - ledger.stored;
    return ledger;
  }
  // Complete after seal().
  [[nodiscard]] const Ledger& sealed_ledger() const { return ledger_; }

 private:
  struct Mark {
    FlushedPart part;
    std::int64_t at = 0;  // ns since 1970
  };

  // After anything was added or written: what is safe now?
  void look(Moment now);
  void forget_flushed_gaps();
  void forget_synced_marks();
  [[nodiscard]] Gap unsure_gap(Moment now) const;

  LiveTape file_;
  SyncThread& sync_;
  std::optional<TapeWriter> writer_;  // always there, but while the constructor runs
  Moment opened_;
  std::int64_t group_began_;  // of the steady clock
  std::size_t groups_ended_ = 0;
  std::uint64_t events_taken_ = 0;
  std::uint64_t last_sequence_ = 0;
  Ledger ledger_;
  std::deque<Gap> last_gaps_;         // taken; those that were flushed are forgotten in time
  std::uint64_t gaps_forgotten_ = 0;  // that came before them
  std::deque<Mark> marks_;            // where it was flushed; the first one is synced
  std::optional<Moment> unflushed_since_;
  std::optional<std::int64_t>
      sync_due_;  // of the steady clock: by then the sync thread should have been here
};

}  // namespace smtptape
