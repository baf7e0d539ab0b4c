// What an event is, in memory: one data frame of the feed.
//
// Events are plain values whose views point into the EventBatch they came in; they travel in
// batches, never as heap objects of their own.  Wire form: format/wire; on tape: format/tape.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/opcode.h"
#include "base/wall_time.h"
#include "format/meta.h"

namespace smtptape {

// Names equal the tags on the wire; numbers are stored in tapes and never change.
enum class EventKind : std::uint8_t {
  BeginSession = 0,
  Connected = 1,
  Closed = 2,
  Read = 3,
  Write = 4,
  Diagnostic = 5,
  MessageObtained = 6,
  AbbreviatedWrite = 7,
  Unknown = 255,  // what kcli would refuse; kept whole
};

// Why a frame is Unknown.
enum class Problem : std::uint8_t {
  None,
  Malformed,  // not JSON, or not an event as kcli knows them
  NotUtf8,
  Binary,
};

// A frame that the model would not rebuild byte for byte, kept as received.  One that parses
// (other key order, spacing, odd time …) is filtered, rendered and abbreviated like any other.
struct Verbatim {
  std::string_view frame;
  std::string_view payload;  // the payload's JSON within `frame`; empty when it was not found
  std::string_view tag;      // the payload's tag where it could be read, for Unknown
  std::string_view why;      // what is wrong with it, for Unknown: "missing field `when`"
  Opcode opcode = Opcode::Text;
  Problem problem = Problem::None;
  bool when_known = true;  // Unknown: `when` could be read
  // Written by a newer smtptape as a kind that we don't know, with `frame` for its text.
  EventKind newer_kind = EventKind::Unknown;
};

// One capture: where events come from.  Sequence numbers are unique within it.
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Id128&) const = default;
};

struct Origin {
  Id128 capture;
  std::string source;             // the name given to the endpoint
  std::uint64_t tape_number = 0;  // of the tape the events were first written to
  bool imported = false;          // from a file: receive times are the running maximum of `when`
  bool operator==(const Origin&) const = default;
};

struct Event {
  std::uint64_t sequence = 0;  // ours, counted from 1 over the data frames of a capture
  std::int64_t received = 0;   // ns since 1970, at reception
  // The latest time of reception of events before it that were left out, where that is later: what
  // a merge has to know of them.
  std::int64_t after = std::numeric_limits<std::int64_t>::min();
  WallTime when;                   // as the server wrote it
  const Origin* origin = nullptr;  // owned by the batch; null before it was recorded
  const Meta* meta = nullptr;      // owned by the batch; null: no metadata could be read
  EventKind kind = EventKind::Unknown;
  std::string_view text;   // Read, Write: the text; Diagnostic: message; AbbreviatedWrite: snippet
  std::string_view level;  // Diagnostic
  // AbbreviatedWrite: bytes of the text it stands for; trimmed: of the text as received.
  std::uint64_t length = 0;
  std::uint32_t frame_bytes = 0;       // of the frame as received; 0: not known here
  const Verbatim* verbatim = nullptr;  // owned by the batch's arena
  bool trimmed = false;  // when it was recorded the end of its text, or all of it, was left out
  bool masked = false;  // when it was recorded bytes of it were overwritten; the length is the same
};

// Bytes of the text of a Write or AbbreviatedWrite as the server had it.
[[nodiscard]] inline std::uint64_t full_length(const Event& event) {
  if (event.kind == EventKind::AbbreviatedWrite) return event.length;
  return event.trimmed && event.length > event.text.size() ? event.length : event.text.size();
}

// Of these, what was left out when the event was recorded.
[[nodiscard]] inline std::uint64_t bytes_not_recorded(const Event& event) {
  const std::uint64_t full = full_length(event);
  return event.trimmed && full > event.text.size() ? full - event.text.size() : 0;
}

// Numbers are stored in tapes and never change.
enum class GapCause : std::uint16_t {
  Lag = 1,  // the server dropped events for a slow subscriber and said so
  Disconnected = 2,
  NotRecording = 3,  // no recorder was running
  QueueFull = 4,     // we were too slow
  Disk = 5,
  Oversize = 6,  // a frame over --max-frame
};

// Here events are missing, because …
struct Gap {
  GapCause cause = GapCause::Lag;
  std::optional<std::uint64_t> count;  // nullopt: nobody knows
  std::uint64_t after_sequence = 0;    // of the last event before the gap; 0: none
  std::uint64_t before_sequence = 0;   // of the first event after it; 0: none yet
  std::int64_t from = 0;               // receive time, ns since 1970
  std::int64_t until = 0;
  std::uint64_t frame_bytes = 0;      // Oversize: size of the frame
  std::uint64_t notice_sequence = 0;  // Lag: sequence of the notice, an event of its own
  std::string detail;                 // the reason in words; may be empty
  const Origin* origin = nullptr;
};

// The note of a copy whose original had columns, or other fields, that we don't know: they are not
// in the copy.
inline constexpr std::string_view kNewerColumns = "newer-columns";
// The notes of a recorded tape from which something was left out: at which level.
inline constexpr std::string_view kBodiesNote = "bodies";    // "headers", "none"
inline constexpr std::string_view kSecretsNote = "secrets";  // "mask"

// Something to remember that is neither an event nor a loss, e.g. how an imported file ended.
struct Note {
  std::string key;
  std::string value;
};

// The same moment on three clocks, ns: how receive times follow from them, and how they stepped.
struct ClockReading {
  std::int64_t realtime = 0;
  std::int64_t monotonic = 0;
  std::int64_t boottime = 0;
};

// The unit in which events move.  Owns everything its events point to.
struct EventBatch {
  std::vector<Event> events;  // in the order of reception
  std::vector<Gap> gaps;
  std::vector<Note> notes;
  std::vector<ClockReading> clocks;
  // Records of a tape of kinds that we don't know, whole: a copy of the tape keeps them.
  std::vector<std::string_view> foreign;
  Arena arena;
  std::vector<std::shared_ptr<const void>> pins;  // metas, origins, buffers

  void clear() {
    events.clear();
    gaps.clear();
    notes.clear();
    clocks.clear();
    foreign.clear();
    arena.clear();
    pins.clear();
  }
};

// Where batches come from: a tape, a store, a merge, a filter over another source.
class EventSource {
 public:
  EventSource() = default;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;
  virtual ~EventSource() = default;

  // Replaces the contents of `batch` (which may come out without events); false at the end.
  [[nodiscard]] virtual bool next(EventBatch& batch) = 0;
};

}  // namespace smtptape
