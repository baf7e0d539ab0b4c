// The tapes of one source, one after another: opened, filled, changed, given up, sealed, and the
// ledger over all of them.
//
// A gap is counted in the ledger of the tape that holds it, so that each tape's ledger balances by
// itself.
//
// When the disk fails, recording goes on: the tape that failed is left alone, what was taken and is
// not on it counts as lost, what still comes is counted, and a new tape is tried, at once and then
// after longer and longer pauses.  It begins with the gaps that tell of all this.  A sync that
// failed makes unsure what was written since the last good one; that is a gap, too.  So it goes
// with a tape that somebody deletes while it is written.
//
// Tapes change by the arrival of what they hold, never by the time of writing: a recorder that is
// behind leaves the tapes that it would have left on time.  A tape that is younger than a second is
// changed for its size only, or because somebody asks.  Ends of tapes are written by the disk
// threads; how that went is asked at the next call.
//
// Time comes in from outside.  One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/record/disk_threads.h"
#include "capture/record/open_tape.h"
#include "capture/watch/status.h"
#include "filters/event_levels.h"
#include "format/tape/tape_writer.h"
#include "store/keep/last_tape.h"
#include "store/keep/store.h"

namespace smtptape {

inline constexpr std::uint64_t kDefaultRotateSize = 256 * kMiB;
inline constexpr std::int64_t kDefaultRotateInterval = 3600 * std::int64_t{kNanosPerSecond};

// Takes one line for a person.
using SayLine = std::function<void(std::string_view)>;

struct RecorderOptions {
  std::string source;   // the name given to the endpoint
  std::string url;      // without credentials
  std::string request;  // as sent
  std::string writer;   // "smtptape 1.2.3"
  Levels levels;        // what of messages and passwords is stored
  std::uint64_t batch_bytes = kDefaultBatchBytes;
  std::uint64_t group_bytes = kDefaultRecordingGroupBytes;
  std::uint64_t rotate_size = kDefaultRotateSize;         // on disk
  std::int64_t rotate_interval = kDefaultRotateInterval;  // ns
  bool rotate_aligned = false;  // the interval begins at whole multiples of it, of UTC
  std::int64_t flush_interval = kNanosPerSecond;  // ns: what waits longer is written
  std::uint64_t most_events = ~std::uint64_t{0};  // that are stored
  std::uint64_t first_number = 0;                 // of its tapes; 0: as the store says
  // Called on the thread that records:
  SayLine say;                                                 // trouble with the disk, and its end
  std::function<void(const std::string& trouble)> on_trouble;  // there is; empty: no longer
  std::function<void()> on_new_tape;                           // there is one more
  std::function<void()> before_new_tape;  // makes the store good; throws Error when it can't
  // Called on a disk thread: tick() has something to do.
  std::function<void()> wake;
};

struct CaptureTotals {
  Ledger ledger;
  std::uint64_t tapes = 0;
  std::uint64_t bytes = 0;  // on disk
};

// How the tapes are, for the status.
struct SeriesReport {
  Ledger ledger;  // up to now
  DurationHistogram flushes;
  std::string trouble;  // with the disk; empty: none
  std::uint64_t write_errors = 0;
  std::string tape;  // file name; empty: none is open
  std::uint64_t tape_bytes = 0;
  std::array<std::uint64_t, kSealReasons> tapes_sealed{};
};

class TapeSeries {
 public:
  // After a failure the next tape is tried at once, then after these times, doubling.
  static constexpr std::int64_t kFirstPause = kNanosPerSecond;
  static constexpr std::int64_t kLongestPause = 30 * std::int64_t{kNanosPerSecond};
  // A tape that was written for so long: the trouble before it is over.
  static constexpr std::int64_t kCalm = 60 * std::int64_t{kNanosPerSecond};
  // No event for so long: a tape whose time is over ends without the next one.
  static constexpr std::int64_t kQuiet = 2 * std::int64_t{kNanosPerSecond};
  // A tape lives so long at least, whatever its interval.
  static constexpr std::int64_t kShortestLife = kNanosPerSecond;
  // Gaps that wait for a tape; beyond that gaps of one cause become one.
  static constexpr std::size_t kMostWaitingGaps = 1024;

  // The references outlive the series.
  TapeSeries(const Store& store, DiskThreads& disk, const RecorderOptions& options);
  ~TapeSeries();
  TapeSeries(const TapeSeries&) = delete;
  TapeSeries& operator=(const TapeSeries&) = delete;

  // Of an earlier capture: where its newest tape ends.
  void follow(const Predecessor& last) { predecessor_ = last; }
  // The feed is open: from here on it is on record that somebody watched, even if nothing comes.
  void watch(Arrival opened, Now now);
  // A gap that the next tape tells of.
  void keep(Gap gap);
  // Events with ascending sequence numbers.  False: there is no tape for it; it counts as lost.
  bool add(const Event& event, Arrival arrival, Now now);
  // With its sequence numbers; `sequence` is of the frame that was taken last.
  void add(const Gap& gap, std::uint64_t sequence, Arrival arrival, Now now);
  void add_not_selected(std::uint64_t sequence);

  // Nothing waits to be added: does what time asks for.
  void tick(Now now);
  // When that is the case next, of the steady clock; nothing: not before the next add().
  [[nodiscard]] std::optional<std::int64_t> next_tick() const;
  // Ends the tape; the next one begins with the next event.
  void rotate(Now now);
  // What was added so far can be read in the tapes.
  void flush(Now now);
  // Somebody else needs the disk: ends the tape and writes nothing until resume(); what comes
  // counts as lost to the disk.
  void pause(Now now, const std::string& why);
  // There is room: tries to write with the next event or tick, whatever it waited for.
  void resume(Now now);
  // From the next event on.
  void set_rotation(std::uint64_t size, std::int64_t interval, bool aligned);
  // Gives the tape to the disk threads to be sealed; finish() waits for it.
  void close(Now now);
  // Throws Error when a tape could not be sealed, or a loss not be recorded; totals() are right all
  // the same.
  void finish(Now now);

  // The disk takes what comes.
  [[nodiscard]] bool is_writing() const { return trouble_.empty(); }
  // Events that are in the tapes, or on their way there.
  [[nodiscard]] std::uint64_t stored() const { return stored_; }
  // Complete after finish().
  [[nodiscard]] const CaptureTotals& totals() const { return totals_; }
  [[nodiscard]] SeriesReport report() const;

 private:
  struct TimeOfLoss {  // ns since 1970
    std::int64_t from;
    std::int64_t until;
  };
  // A tape whose end is being written by the disk threads.
  struct Sealing;

  // Runs what writes to the open tape; when it fails, gives the tape up.
  template <class Operation>
  void guarded(Now now, Operation operation);
  // There is a tape that takes the next event.
  [[nodiscard]] bool make_room(Arrival arrival, Now now);
  [[nodiscard]] bool try_to_open(Arrival arrival, Now now, std::uint64_t first_sequence);
  [[nodiscard]] std::unique_ptr<OpenTape> opened(Arrival arrival, std::uint64_t first_sequence);
  // Gives back the one before.
  std::unique_ptr<OpenTape> adopt(std::unique_ptr<OpenTape> tape);
  void look_for_number();
  // Of the steady clock.
  [[nodiscard]] std::int64_t end_of_interval() const;
  [[nodiscard]] std::int64_t end_of_quiet_tape() const;
  void change_tapes(Arrival arrival, Now now, SealReason reason);
  void end_tape(Now now, SealReason reason);
  void seal_later(std::unique_ptr<OpenTape> tape, Now now, SealReason reason);
  // What became of the tapes that were given away.
  void look_at_sealings();
  void wait_for_sealings();
  void take_over(Sealing& sealing);
  [[nodiscard]] TapeHeader new_header(std::uint64_t first_sequence) const;
  [[nodiscard]] TapeOptions tape_options() const;

  void give_up(OpenTape& tape);
  void take_remains(TapeRemains remains);
  void pause_after_failure(Now now);
  void note_trouble(Now now, std::string_view why);
  void note_end_of_trouble(Now now);
  void lose_to_disk(std::uint64_t events, std::uint64_t after_sequence, TimeOfLoss time);
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty() || lost_; }
  void write_waiting(OpenTape& tape, Arrival arrival) const;
  void forget_waiting();
  void set_trouble(std::string_view trouble);
  void say(const std::string& line) const;

  const Store& store_;
  DiskThreads& disk_;
  const RecorderOptions& options_;
  std::uint64_t rotate_size_;
  std::int64_t rotate_interval_;
  bool rotate_aligned_;
  const Id128 capture_;

  std::unique_ptr<OpenTape> tape_;
  std::deque<std::shared_ptr<Sealing>> sealings_;
  std::optional<Predecessor> predecessor_;  // of the next one
  std::uint64_t next_number_ = 1;
  std::uint64_t sequence_ = 0;  // of the frame that was taken last
  std::uint64_t stored_ = 0;

  // What waits for a tape, and is in no ledger yet.
  std::vector<Gap> waiting_;
  std::optional<Gap> lost_;  // to the disk, and it may go on
  std::uint64_t not_selected_ = 0;

  Arrival latest_;  // of what came last, as far as it was to be stored
  std::uint64_t write_errors_ = 0;
  DurationHistogram flushes_;  // of the tapes that are closed
  std::array<std::uint64_t, kSealReasons> sealed_{};

  std::string trouble_;  // why there is no tape that could be written; empty: no trouble
  bool finishing_ = false;
  std::string not_sealed_;               // why the latest tape could not be sealed; empty: it was
  std::int64_t retry_at_ = 0;            // of the steady clock
  std::int64_t pause_ = 0;               // after the next failure
  std::optional<std::int64_t> calm_at_;  // then a failure is a new trouble, and pauses begin anew
  CaptureTotals totals_;
};

}  // namespace smtptape
