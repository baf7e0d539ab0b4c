// The stream of one source: decodes what arrives, selects, numbers, and hands it to its tapes.
//
// Every data frame received takes the next sequence number of the capture, stored or not: a hole
// says that something is not there, and the gap in that place, or the ledger's "not selected", says
// why.
//
// Time comes in from outside: the recorder waits for nothing and asks no clock but for the clock
// records.  One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "capture/record/event_queue.h"
#include "capture/record/feed_figures.h"
#include "capture/record/tape_series.h"
#include "filters/allow_list.h"
#include "format/wire/wire.h"

namespace smtptape {

// How a recorder is, for the status.
struct RecorderReport {
  SeriesReport tapes;
  std::optional<std::int64_t> last_event_at;
  DurationHistogram delay;
  std::uint64_t open_sessions = 0;
};

class Recorder {
 public:
  // `filter` chooses what is stored; null: everything.  The references outlive the recorder.
  Recorder(const Store& store, DiskThreads& disk, RecorderOptions options, AllowList* filter);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // The feed is open for the first time: what lies between `last` and then was not recorded.
  void begin(const std::optional<LastTape>& last, Arrival opened);
  void record(const FrameChunk& chunk, Now now);
  // Nothing waits to be recorded: does what time asks for.
  void tick(Now now) { tapes_.tick(now); }
  [[nodiscard]] std::optional<std::int64_t> next_tick() const { return tapes_.next_tick(); }
  // most_events are stored: nothing more is taken.
  [[nodiscard]] bool full() const { return tapes_.stored() >= options_.most_events; }
  void close(Now now) { tapes_.close(now); }
  void finish(Now now) { tapes_.finish(now); }

  [[nodiscard]] TapeSeries& tapes() { return tapes_; }
  [[nodiscard]] const CaptureTotals& totals() const { return tapes_.totals(); }
  [[nodiscard]] RecorderReport report() const;
  // Null: everything is stored as it comes.
  [[nodiscard]] const CaptureLevels* levels() const { return levels_.get(); }

 private:
  void take_frame(const QueuedFrame& frame, Arrival received, Now now);
  void take_oversize(const QueuedFrame& frame, Arrival received, Now now);
  void note_lag(const Event& event, std::int64_t before, Arrival received, Now now);
  void take_gap(Gap gap, Arrival received, Now now);

  const RecorderOptions options_;
  AllowList* filter_;
  std::unique_ptr<CaptureLevels> levels_;
  WireDecoder decoder_;
  EventBatch batch_;  // room for the event in hand
  FeedFigures figures_;
  std::uint64_t sequence_ = 0;  // of the frame taken last
  TapeSeries tapes_;
};

}  // namespace smtptape
