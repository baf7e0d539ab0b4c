// Writes what arrives into tapes: decodes, selects, numbers, flushes, rotates, seals.
//
// Every data frame received takes the next sequence number of the capture, stored or not: a hole
// says that something is not there, and the gap in that place, or the ledger's "not selected", says
// why.  A gap is counted in the ledger of the tape that holds it, so that each tape's ledger
// balances by itself.
//
// When the disk fails, recording goes on: the tape that failed is left alone, what was taken and is
// not on it counts as lost, what still comes is counted, and a new tape is tried, at once and then
// after longer and longer pauses.  It begins with the gaps that tell of all this.  A sync that
// failed makes unsure what was written since the last good one; that is a gap, too.
//
// Time comes in from outside: the recorder waits for nothing and asks no clock but for the clock
// records.  What it does in time goes by the steady clock; what it records has real time, which may
// go back.  One thread at a time, the writer's.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/keep/last_tape.h"
#include "capture/keep/store.h"
#include "capture/record/event_queue.h"
#include "capture/record/feed_figures.h"
#include "capture/record/open_tape.h"
#include "capture/record/sync_thread.h"
#include "capture/watch/status.h"
#include "filters/allow_list.h"
#include "filters/event_levels.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"

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
  // Called on the recorder's thread:
  SayLine say;                                                 // trouble with the disk, and its end
  std::function<void(const std::string& trouble)> on_trouble;  // there is; empty: no longer
  std::function<void()> on_new_tape;                           // there is one more
};

// How a recorder is, for the status.
struct RecorderReport {
  Ledger ledger;  // up to now
  std::uint64_t bytes = 0;
  std::optional<std::int64_t> last_event_at;
  DurationHistogram delay;
  std::uint64_t open_sessions = 0;
  DurationHistogram flushes;
  std::string trouble;  // with the disk; empty: none
  std::uint64_t write_errors = 0;
  std::string tape;  // file name; empty: none is open
  std::uint64_t tape_bytes = 0;
  std::array<std::uint64_t, kSealReasons> tapes_sealed{};
};

struct CaptureTotals {
  Ledger ledger;
  std::uint64_t tapes = 0;
  std::uint64_t bytes = 0;  // on disk
};

class Recorder {
 public:
  // After a failure the next tape is tried at once, then after these times, doubling.
  static constexpr std::int64_t kFirstPause = kNanosPerSecond;
  static constexpr std::int64_t kLongestPause = 30 * std::int64_t{kNanosPerSecond};
  // A tape that was written for so long: the trouble before it is over.
  static constexpr std::int64_t kCalm = 60 * std::int64_t{kNanosPerSecond};
  // No event for so long: a tape whose time is over ends without the next one.
  static constexpr std::int64_t kQuiet = 2 * std::int64_t{kNanosPerSecond};
  // Gaps that wait for a tape; beyond that gaps of one cause become one.
  static constexpr std::size_t kMostWaitingGaps = 1024;

  // `filter` chooses what is stored; null: everything.  The references outlive the recorder.
  Recorder(const Store& store, SyncThread& sync, RecorderOptions options, AllowList* filter);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // The feed is open for the first time: what lies between `last` and now was not recorded.
  void begin(const std::optional<LastTape>& last, Moment now);
  void record(const FrameChunk& chunk);
  // Does what time asks for.
  void tick(Moment now);
  // When that is the case next, of the steady clock; nothing: not before the next record().
  [[nodiscard]] std::optional<std::int64_t> next_tick() const;
  // Ends the tape; the next one begins with the next event.
  void rotate(Moment now);
  // What was taken so far can be read in the tapes.
  void flush(Moment now);
  // Somebody else needs the disk: ends the tape and writes nothing until resume(); what comes
  // counts as lost to the disk.
  void pause(Moment now, const std::string& why);
  // There is room: tries to write with the next event or tick, whatever it waited for.
  void resume(Moment now);
  // From the next event on.
  void set_rotation(std::uint64_t size, std::int64_t interval, bool aligned);
  // most_events are stored: nothing more is taken.
  [[nodiscard]] bool full() const { return stored_ >= options_.most_events; }
  // Seals what is open.  Throws Error when a tape could not be sealed, or a loss not be recorded;
  // totals() are right all the same.
  void finish(Moment now);

  // The disk takes what comes.
  [[nodiscard]] bool is_writing() const { return trouble_.empty(); }
  // Complete after finish().
  [[nodiscard]] const CaptureTotals& totals() const { return totals_; }
  [[nodiscard]] RecorderReport report() const;
  // Null: everything is stored as it comes.
  [[nodiscard]] const CaptureLevels* levels() const { return levels_.get(); }

 private:
  struct TimeOfLoss {  // ns since 1970
    std::int64_t from;
    std::int64_t until;
  };

  void take_frame(const QueuedFrame& frame, Moment received);
  void take_oversize(const QueuedFrame& frame, Moment received);
  // `before`: when the event before it was received.
  void store_event(const Event& event, Moment received, std::int64_t before);
  void note_lag(const Event& event, Moment received, std::int64_t before);
  void take_gap(Gap gap, Moment received);
  void put(const Gap& gap, Moment now);

  // Runs what writes to the open tape; when it fails, gives the tape up.
  template <class Operation>
  void guarded(Moment now, Operation operation);
  // There is a tape that takes the next event.
  [[nodiscard]] bool make_room(Moment now);
  [[nodiscard]] bool try_to_open(Moment now, std::uint64_t first_sequence);
  [[nodiscard]] std::unique_ptr<OpenTape> opened(Moment now, std::uint64_t first_sequence);
  // Gives back the one before.
  std::unique_ptr<OpenTape> adopt(std::unique_ptr<OpenTape> tape);
  void look_for_number();
  // Of the steady clock.
  [[nodiscard]] std::int64_t end_of_interval() const;
  [[nodiscard]] std::int64_t end_of_quiet_tape() const;
  void change_tapes(Moment now, SealReason reason);
  void end_tape(Moment now, SealReason reason);
  void seal(OpenTape& tape, Moment now, SealReason reason);
  [[nodiscard]] TapeHeader new_header(std::uint64_t first_sequence) const;
  [[nodiscard]] TapeOptions tape_options() const;

  void give_up(OpenTape& tape, Moment now);
  void pause_after_failure(Moment now);
  void note_trouble(Moment now, std::string_view why);
  void note_end_of_trouble(Moment now);
  void lose_to_disk(std::uint64_t events, std::uint64_t after_sequence, TimeOfLoss time);
  void keep_waiting(Gap gap);
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty() || lost_; }
  void write_waiting(OpenTape& tape, Moment now) const;
  void forget_waiting();
  void set_trouble(std::string_view trouble);
  void say(const std::string& line) const;

  const Store& store_;
  SyncThread& sync_;
  RecorderOptions options_;
  AllowList* filter_;
  std::unique_ptr<CaptureLevels> levels_;
  Id128 capture_;
  WireDecoder decoder_;
  EventBatch batch_;  // room for the event in hand

  std::unique_ptr<OpenTape> tape_;
  std::optional<Predecessor> predecessor_;  // of the next one
  std::uint64_t next_number_ = 1;
  std::uint64_t sequence_ = 0;  // of the frame taken last
  std::uint64_t stored_ = 0;

  // What waits for a tape, and is in no ledger yet.
  std::vector<Gap> waiting_;
  std::optional<Gap> lost_;  // to the disk, and it may go on
  std::uint64_t not_selected_ = 0;

  std::int64_t last_event_at_ = 0;  // that was to be stored; of the steady clock
  FeedFigures figures_;
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
