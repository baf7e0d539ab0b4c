// Events on the wire: frame text to Event and back.
//
// The promise: encode(decode(frame)) == frame, for every frame whatever it holds.  Frames in
// KumoMTA's own form become plain events; one that would not be rebuilt byte for byte is kept
// whole (Event::verbatim) beside what could be read of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/text_buffer.h"
#include "format/event.h"

namespace smtptape {

// Decodes frames, giving each distinct metadata text one Meta.  One thread at a time.
class WireDecoder {
 public:
  WireDecoder();
  ~WireDecoder();
  WireDecoder(const WireDecoder&) = delete;
  WireDecoder& operator=(const WireDecoder&) = delete;

  // `frame` must live as long as the batch (put it into batch.arena); views of the event point
  // into it.  Appends one event; sequence, received and origin are left to the caller.
  Event& decode(std::string_view frame, Opcode opcode, EventBatch& batch);

  // The distinct metadata seen lately, bounded: dropped all at once when it has grown.
  [[nodiscard]] std::size_t metas_held() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Appends the frame text of an event.
void append_frame(TextBuffer& out, const Event& event);
void append_frame(std::string& out, const Event& event);
[[nodiscard]] std::size_t frame_size(const Event& event);

// What kumod does to an event of a subscriber that asked for `terse` (protocol: a Write of two
// lines or more becomes an AbbreviatedWrite).  Of a verbatim frame only the bytes of its payload
// value change.  New text is put into `arena`.
void abbreviate(Event& event, Arena& arena);

// N of "Tracer Lagged behind and missed N events", for events without a session.
[[nodiscard]] std::optional<std::uint64_t> lag_count(const Event& event);
// The gap that such a notice tells of, from the event received before it on; the notice itself
// stays an event.
[[nodiscard]] std::optional<Gap> lag_gap(const Event& event, std::int64_t received_before);

// --- pieces of the wire form, shared with the renderer and the filters ---

// The first line of `text` (Rust's str::lines) and what follows it; false when there is none.
// A line ends at LF; one CR before it belongs to the ending, but not without the LF.
[[nodiscard]] bool next_line(std::string_view& text, std::string_view& line);
// Without trailing ASCII white space: space, tab, LF, FF, CR.
[[nodiscard]] std::string_view trim_ascii_end(std::string_view text);

// RFC 3339 as chrono reads it: offsets, a space for T, one-digit fields, any number of fraction
// digits (cut to 9), ":60", years of more digits with a sign.
[[nodiscard]] std::optional<WallTime> parse_wire_time(std::string_view text);
// As serde_json writes it: UTC, "Z", 0, 3, 6 or 9 digits of fraction.
void append_wire_time(std::string& out, WallTime time);
// The same into room for kMostWireTime bytes; returns the end of what was written.
inline constexpr std::size_t kMostWireTime = 64;
char* write_wire_time(char* to, WallTime time);
// As kcli prints it after BeginSession: "2026-08-04 13:54:50.120 UTC".
void append_kcli_time(std::string& out, WallTime time);

}  // namespace smtptape
