// Event to frame text, and what kumod's `terse` makes of an event.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/counted.h"
#include "base/error.h"
#include "format/wire/json.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

void append_abbreviated(std::string& out, std::string_view snippet, std::uint64_t length) {
  out.append(R"({"AbbreviatedWrite":{"snippet":)");
  append_json_string(out, snippet);
  out.append(",\"len\":").append(std::to_string(length)).append("}}");
}

constexpr std::string_view kBeforeMeta = R"({"conn_meta":)";
constexpr std::string_view kBeforeWhen = R"(,"when":")";

// What stands between the metadata and the text that is escaped, and behind it.
struct PayloadForm {
  std::string_view before;
  std::string_view after;
};

PayloadForm payload_form(EventKind kind) {
  switch (kind) {
    case EventKind::BeginSession: return {R"(,"payload":"BeginSession)", "\""};
    case EventKind::Connected: return {R"(,"payload":"Connected)", "\""};
    case EventKind::Closed: return {R"(,"payload":"Closed)", "\""};
    case EventKind::MessageObtained: return {R"(,"payload":"MessageObtained)", "\""};
    case EventKind::Read: return {R"(,"payload":{"Read":")", "\"}"};
    case EventKind::Write: return {R"(,"payload":{"Write":")", "\"}"};
    case EventKind::Diagnostic: return {R"(,"payload":{"Diagnostic":{"level":")", "\"}}"};
    case EventKind::AbbreviatedWrite: return {R"(,"payload":)", ""};
    case EventKind::Unknown: break;
  }
  SMTPTAPE_CHECK(false && "an unknown event has no wire form but its own frame");
}

constexpr std::string_view kBeforeMessage = R"(","message":")";

bool has_text(EventKind kind) {
  return kind == EventKind::Read || kind == EventKind::Write || kind == EventKind::Diagnostic;
}

// What follows the text: few bytes, put together here so that they are appended at once.
class FrameEnd {
 public:
  FrameEnd(std::string_view after_text, WallTime when) {
    char* to = std::ranges::copy(after_text, bytes_.data()).out;
    to = std::ranges::copy(kBeforeWhen, to).out;
    to = write_wire_time(to, when);
    *to++ = '"';
    *to++ = '}';
    size_ = static_cast<std::size_t>(to - bytes_.data());
  }
  [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kMostWireTime + 32> bytes_;  // NOLINT: written before it is read
  std::size_t size_;
};

}  // namespace

void append_frame(std::string& out, const Event& event) {
  if (event.verbatim != nullptr) {
    out.append(event.verbatim->frame);
    return;
  }
  SMTPTAPE_CHECK(event.meta != nullptr);
  const PayloadForm form = payload_form(event.kind);
  out.append(kBeforeMeta).append(event.meta->text()).append(form.before);
  if (event.kind == EventKind::Diagnostic) {
    append_json_escaped(out, event.level);
    out.append(kBeforeMessage);
  }
  if (has_text(event.kind)) append_json_escaped(out, event.text);
  if (event.kind == EventKind::AbbreviatedWrite) append_abbreviated(out, event.text, event.length);
  out.append(FrameEnd(form.after, event.when).text());
}

std::size_t frame_size(const Event& event) {
  if (event.verbatim != nullptr) return event.verbatim->frame.size();
  SMTPTAPE_CHECK(event.meta != nullptr);
  const PayloadForm form = payload_form(event.kind);
  std::size_t size = kBeforeMeta.size() + event.meta->text().size() + form.before.size() +
                     FrameEnd(form.after, event.when).text().size();
  if (event.kind == EventKind::Diagnostic)
    size += json_escaped_size(event.level) + kBeforeMessage.size();
  if (has_text(event.kind)) size += json_escaped_size(event.text);
  if (event.kind == EventKind::AbbreviatedWrite) {
    std::string empty;
    append_abbreviated(empty, {}, event.length);
    size += empty.size() + json_escaped_size(event.text);
  }
  return size;
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
