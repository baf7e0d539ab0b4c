// Event to frame text, and what kumod's `terse` makes of an event.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/counted.h"
#include "base/error.h"
#include "format/wire/json.h"
#include "format/wire/text_scan.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

// `Out`: std::string or TextBuffer.
template <class Out>
void append_abbreviated(Out& out, std::string_view snippet, std::uint64_t length) {
  out.append(R"({"AbbreviatedWrite":{"snippet":")");
  append_json_escaped(out, snippet);
  out.append("\",\"len\":").append(std::to_string(length)).append("}}");
}

constexpr std::string_view kBeforeMeta = R"({"conn_meta":)";

// Few bytes, padded so that all of them are copied in one go.
class Piece {
 public:
  static constexpr std::size_t kMost = 40;
  constexpr explicit Piece(std::string_view text) : size_(text.size()) {
    std::copy(text.begin(), text.end(), bytes_.begin());
  }
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  // Up to kMost bytes are written; returns where it ends.
  char* put(char* to) const {
    std::memcpy(to, bytes_.data(), kMost);
    return to + size_;
  }

 private:
  std::array<char, kMost> bytes_{};
  std::size_t size_;
};

// What stands between the metadata and the text that is escaped, and behind it.
struct PayloadForm {
  Piece before;
  Piece after;
};

// By the number of the kind.
constexpr std::array<PayloadForm, 8> kPayloadForms{
    {{Piece(R"(,"payload":"BeginSession)"), Piece(R"(","when":")")},
     {Piece(R"(,"payload":"Connected)"), Piece(R"(","when":")")},
     {Piece(R"(,"payload":"Closed)"), Piece(R"(","when":")")},
     {Piece(R"(,"payload":{"Read":")"), Piece(R"("},"when":")")},
     {Piece(R"(,"payload":{"Write":")"), Piece(R"("},"when":")")},
     {Piece(R"(,"payload":{"Diagnostic":{"level":")"), Piece(R"("}},"when":")")},
     {Piece(R"(,"payload":"MessageObtained)"), Piece(R"(","when":")")},
     {Piece(R"(,"payload":)"), Piece(R"(,"when":")")}}};

const PayloadForm& payload_form(EventKind kind) {
  const auto number = static_cast<std::size_t>(kind);
  // An unknown event has no wire form but its own frame.
  SMTPTAPE_CHECK(number < kPayloadForms.size());
  return kPayloadForms[number];
}

constexpr std::string_view kBeforeMessage = R"(","message":")";

bool has_text(EventKind kind) {
  return kind == EventKind::Read || kind == EventKind::Write || kind == EventKind::Diagnostic;
}

// Nothing but its text, if it has one, is escaped.
bool is_simple(EventKind kind) {
  return kind != EventKind::Diagnostic && kind != EventKind::AbbreviatedWrite;
}

char* put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// What follows the text; returns where it ends.
constexpr std::size_t kMostEnd = Piece::kMost + kMostWireTime + 2;
char* write_end(char* to, const Piece& after, WallTime when) {
  to = write_wire_time(after.put(to), when);
  *to++ = '"';
  *to++ = '}';
  return to;
}

}  // namespace

void append_frame(TextBuffer& out, const Event& event) {
  if (event.verbatim != nullptr) {
    out.append(event.verbatim->frame);
    return;
  }
  SMTPTAPE_CHECK(event.meta != nullptr);
  const PayloadForm& form = payload_form(event.kind);
  const std::string_view meta = event.meta->text();
  // Most texts are a line: with all that stands about them they are written in one go.
  constexpr std::size_t kLine = 512;
  const std::string_view text = has_text(event.kind) ? event.text : std::string_view();
  const bool is_line = text.size() <= kLine && is_simple(event.kind);
  char* to = out.room(kBeforeMeta.size() + meta.size() + Piece::kMost +
                      (is_line ? 6 * text.size() + kTextBlock + kMostEnd : 0));
  to = form.before.put(put(put(to, kBeforeMeta), meta));
  if (is_line) {
    if (!text.empty()) to = write_json_escaped(to, text);
    return out.advance_to(write_end(to, form.after, event.when));
  }
  out.advance_to(to);
  if (event.kind == EventKind::Diagnostic) {
    append_json_escaped(out, event.level);
    out.append(kBeforeMessage);
  }
  append_json_escaped(out, text);
  if (event.kind == EventKind::AbbreviatedWrite) append_abbreviated(out, event.text, event.length);
  out.advance_to(write_end(out.room(kMostEnd), form.after, event.when));
}

void append_frame(std::string& out, const Event& event) {
  TextBuffer frame;
  append_frame(frame, event);
  out.append(frame.view());
}

std::size_t frame_size(const Event& event) {
  if (event.verbatim != nullptr) return event.verbatim->frame.size();
  SMTPTAPE_CHECK(event.meta != nullptr);
  const PayloadForm& form = payload_form(event.kind);
  std::array<char, kMostEnd> end;  // NOLINT: written before it is read
  std::size_t size =
      kBeforeMeta.size() + event.meta->text().size() + form.before.size() +
      static_cast<std::size_t>(write_end(end.data(), form.after, event.when) - end.data());
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
