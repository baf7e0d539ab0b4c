// Event to frame text, and what kumod's `terse` makes of an event.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/counted.h"
#include "base/error.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

std::string_view tag_of(EventKind kind) {
  switch (kind) {
    case EventKind::BeginSession: return "BeginSession";
    case EventKind::Connected: return "Connected";
    case EventKind::Closed: return "Closed";
    case EventKind::Read: return "Read";
    case EventKind::Write: return "Write";
    case EventKind::Diagnostic: return "Diagnostic";
    case EventKind::MessageObtained: return "MessageObtained";
    case EventKind::AbbreviatedWrite: return "AbbreviatedWrite";
    case EventKind::Unknown: break;
  }
  SMTPTAPE_CHECK(false && "an unknown event has no wire form but its own frame");
}

void append_abbreviated(std::string& out, std::string_view snippet, std::uint64_t length) {
  out.append(R"({"AbbreviatedWrite":{"snippet":)");
  append_json_string(out, snippet);
  out.append(",\"len\":").append(std::to_string(length)).append("}}");
}

void append_payload(std::string& out, const Event& event) {
  switch (event.kind) {
    case EventKind::BeginSession:
    case EventKind::Connected:
    case EventKind::Closed:
    case EventKind::MessageObtained:
      out.append("\"").append(tag_of(event.kind)).append("\"");
      return;
    case EventKind::Read:
    case EventKind::Write:
      out.append("{\"").append(tag_of(event.kind)).append("\":");
      append_json_string(out, event.text);
      out.push_back('}');
      return;
    case EventKind::Diagnostic:
      out.append(R"({"Diagnostic":{"level":)");
      append_json_string(out, event.level);
      out.append(",\"message\":");
      append_json_string(out, event.text);
      out.append("}}");
      return;
    case EventKind::AbbreviatedWrite: append_abbreviated(out, event.text, event.length); return;
    case EventKind::Unknown: break;
  }
  SMTPTAPE_CHECK(false && "an unknown event has no wire form but its own frame");
}

}  // namespace

void append_frame(std::string& out, const Event& event) {
  if (event.verbatim != nullptr) {
    out.append(event.verbatim->frame);
    return;
  }
  SMTPTAPE_CHECK(event.meta != nullptr);
  out.append(R"({"conn_meta":)").append(event.meta->text()).append(R"(,"payload":)");
  append_payload(out, event);
  out.append(R"(,"when":")");
  append_wire_time(out, event.when);
  out.append("\"}");
}

std::size_t frame_size(const Event& event) {
  if (event.verbatim != nullptr) return event.verbatim->frame.size();
  // Everything but the text is short: build it without, and count the text.
  Event short_event = event;
  short_event.text = {};
  std::string out;
  append_frame(out, short_event);
  return out.size() + json_escaped_size(event.text);
}

bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const void* const newline = std::memchr(text.data(), '\n', text.size());
  if (newline == nullptr) {
    line = text;
    text = {};
    return true;
  }
  const auto size = static_cast<std::size_t>(static_cast<const char*>(newline) - text.data());
  line = text.substr(0, size);
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(size + 1);
  return true;
}

std::string_view trim_ascii_end(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\n\f\r");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

void abbreviate(Event& event, Arena& arena) {
  if (event.kind != EventKind::Write) return;
  std::string_view rest = event.text;
  std::string_view first;
  const bool has_more = next_line(rest, first) && !rest.empty();
  // What was trimmed is a message's text: there were more lines.
  if (!has_more && !event.trimmed) return;
  event.length = full_length(event);
  event.trimmed = event.trimmed && event.text.empty();
  event.text = first;
  event.kind = EventKind::AbbreviatedWrite;
  if (event.verbatim == nullptr) return;
  const Verbatim& old = *event.verbatim;
  const auto payload_at = static_cast<std::size_t>(old.payload.data() - old.frame.data());
  std::string frame(old.frame.substr(0, payload_at));
  append_abbreviated(frame, event.text, event.length);
  const std::size_t payload_size = frame.size() - payload_at;
  frame.append(old.frame.substr(payload_at + old.payload.size()));
  Verbatim changed = old;
  changed.frame = arena.copy(frame);
  changed.payload = changed.frame.substr(payload_at, payload_size);
  event.verbatim = arena.make<Verbatim>(changed);
}

std::optional<std::uint64_t> lag_count(const Event& event) {
  constexpr std::string_view kBefore = "Tracer Lagged behind and missed ";
  constexpr std::string_view kAfter = " events";
  if (event.kind != EventKind::Diagnostic || event.meta == nullptr) return std::nullopt;
  if (event.meta->form() != Meta::Form::Null) return std::nullopt;
  std::string_view text = event.text;
  if (!text.starts_with(kBefore) || !text.ends_with(kAfter)) return std::nullopt;
  text.remove_prefix(kBefore.size());
  text.remove_suffix(kAfter.size());
  std::uint64_t count = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), count);
  if (result.ptr != text.data() + text.size()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) return kMostCounted;
  return result.ec == std::errc{} ? std::optional(count) : std::nullopt;
}

std::optional<Gap> lag_gap(const Event& event, std::int64_t received_before) {
  const std::optional<std::uint64_t> missed = lag_count(event);
  if (!missed) return std::nullopt;
  Gap gap;
  gap.cause = GapCause::Lag;
  gap.count = *missed;
  gap.from = std::min(received_before, event.received);
  gap.until = event.received;
  gap.after_sequence = event.sequence - 1;
  gap.before_sequence = event.sequence + 1;
  gap.notice_sequence = event.sequence;
  gap.origin = event.origin;
  return gap;
}

}  // namespace smtptape
