// One tape while it is recorded: file, writer, ledger, and how much of it is safe.
//
// When an operation throws, the file must be left alone; remains() then tells exactly what is on it
// and what is not, so that nothing that was taken is forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "capture/record/clocks.h"
#include "capture/record/disk_threads.h"
#include "capture/record/live_tape.h"
#include "format/tape/tape_writer.h"

namespace smtptape {

// What a tape that failed leaves behind.
struct TapeRemains {
  Ledger ledger;                    // of what is on it
  std::uint64_t not_selected = 0;   // seen while it was written, and in no ledger now
  std::uint64_t events_lost = 0;    // taken, and not on it
  std::vector<Gap> gaps;            // the same
  std::uint64_t last_sequence = 0;  // of the last event that is on it
  // The end of what is certain; nothing: it is gone, and so is the tape before it, if any.
  std::optional<Predecessor> place;
  std::int64_t lost_since = 0;  // ns since 1970: when the first and the last of what is lost
  std::int64_t lost_until = 0;  // arrived
  std::optional<Gap> unsure;    // written, but then a sync failed: it may be on the disk or not
};

class OpenTape {
 public:
  // A group ends after so long, however small; an event that arrives later begins the next.
  static constexpr std::int64_t kGroupInterval = 300 * std::int64_t{kNanosPerSecond};

  struct Beginning {
    std::filesystem::path path;
    TapeHeader header;
    TapeOptions options;
    Arrival opened;                                 // of what is to be its first record
    std::int64_t flush_interval = kNanosPerSecond;  // between the arrivals of a batch's records
    mode_t mode = 0600;
    std::function<void()> on_failed_sync;  // called on a disk thread; the next tick() throws
  };
  // Creates the file and writes the header; when that fails, the file is taken away again.  `calls`
  // and `disk` outlive the tape.
  OpenTape(Beginning beginning, FileCalls& calls, DiskThreads& disk);
  ~OpenTape();
  OpenTape(const OpenTape&) = delete;
  OpenTape& operator=(const OpenTape&) = delete;

  // Each is counted in the ledger before anything is written.  What arrived an interval after the
  // first of the batch begins the next one.
  void add(const Event& event, Arrival arrival);
  void add(Gap gap, Arrival arrival);
  void add(const ClockReading& clock);
  void add(const Note& note);
  // Events and gaps of the past that are counted here.
  [[nodiscard]] Ledger& ledger() { return ledger_; }

  void flush();
  // Where the next tape goes on from.
  Predecessor end_group();
  // Writes the footer and waits for the disk.
  void seal(Now now);
  // A tape that could not be begun: nothing of it stays.
  void remove() { file_.remove(); }

  // Nothing waits to be added: writes what has waited for an interval.  Throws also when a sync has
  // failed.
  void tick(Now now);
  // When that is the case next, of the steady clock; nothing: never, as things are.
  [[nodiscard]] std::optional<std::int64_t> next_tick() const;

  // After a failure.
  [[nodiscard]] TapeRemains remains();

  [[nodiscard]] Arrival opened() const { return opened_; }
  // Neither an event nor a gap.
  [[nodiscard]] bool is_empty() const { return events_taken_ == 0 && gaps_taken_ == 0; }
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
    std::int64_t latest = 0;  // when the last of it arrived, ns since 1970
  };

  // Before a record that arrived then: ends the batch, or the group, that is too old for it.
  void make_room(Arrival arrival);
  // After anything was added or written: what is safe now?
  void look();
  void forget_flushed_gaps();
  void forget_synced_marks();
  [[nodiscard]] Gap unsure_gap() const;
  [[nodiscard]] TapeRemains nothing_remains() const;

  LiveTape file_;
  DiskThreads& disk_;
  std::optional<TapeWriter> writer_;  // always there, but while the constructor runs
  const Arrival opened_;
  const std::int64_t flush_interval_;
  Arrival latest_;            // of what was added last
  std::int64_t group_began_;  // of the steady clock
  std::size_t groups_ended_ = 0;
  std::uint64_t events_taken_ = 0;
  std::uint64_t gaps_taken_ = 0;
  std::uint64_t last_sequence_ = 0;
  Ledger ledger_;
  std::deque<Gap> last_gaps_;         // taken; those that were flushed are forgotten in time
  std::uint64_t gaps_forgotten_ = 0;  // that came before them
  std::deque<Mark> marks_;            // where it was flushed; the first one is synced
  std::optional<Arrival> unflushed_since_;
};

}  // namespace smtptape
