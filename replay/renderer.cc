// The order of steps in render_one() is kcli's and shows in the text: what is remembered when, and
// what is compared with it.
#include "replay/renderer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <vector>

#include "base/visible_text.h"
#include "format/limits.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

constexpr std::string_view kNoDelta = "     ";
// The blank lies before the one and after the other: their colours differ too.
constexpr std::string_view kReadArrow = " <- ";
constexpr std::string_view kWriteArrow = "->  ";
constexpr std::size_t kMostShown = 200;  // bytes of what is not understood

// A panic of kcli's, which subtracts times that it believes to be in order.
constexpr std::string_view kStepBackPanic =
    "called `Result::unwrap()` on an `Err` value: OutOfRangeError(())";

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  out.append(digits.begin(), std::to_chars(digits.begin(), digits.end(), number).ptr);
}

// The first bytes of `text`, without half a character at the end.
std::string_view head_of(std::string_view text) {
  if (text.size() <= kMostShown) return text;
  std::size_t size = kMostShown;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
    --size;
  return text.substr(0, size);
}

// --- what kcli can't read ---

bool exceeds_kcli_limit(const Event& event) {
  if (event.verbatim != nullptr) return event.verbatim->frame.size() > kKcliMaxFrame;
  SMTPTAPE_CHECK(event.meta != nullptr);
  // JSON makes at most six bytes of one; only what can be too large is measured.
  constexpr std::uint64_t kMostGrowth = 6;
  constexpr std::uint64_t kEnvelope = 1024;
  const std::uint64_t most = (event.text.size() + event.level.size()) * kMostGrowth +
                             event.meta->text().size() + kEnvelope;
  return most > kKcliMaxFrame && frame_size(event) > kKcliMaxFrame;
}

bool has_session(const Event& event) {
  return event.meta != nullptr && event.meta->session_id().has_value();
}

Problem problem_of(const Event& event) {
  return event.verbatim == nullptr ? Problem::None : event.verbatim->problem;
}

// Why a frame can't be shown as an event of a session.
std::string_view why_unreadable(const Event& event) {
  switch (problem_of(event)) {
    case Problem::NotUtf8: return "not valid UTF-8";
    case Problem::Binary: return "binary frame";
    case Problem::None:
    case Problem::Malformed: break;
  }
  if (event.verbatim != nullptr && !event.verbatim->why.empty()) return event.verbatim->why;
  return "missing field `id`";
}

bool is_readable(const Event& event) {
  if (!has_session(event)) return false;
  if (event.kind != EventKind::Unknown) return true;
  return problem_of(event) == Problem::Malformed && event.verbatim->when_known;
}

Ending error_ending(std::string_view words) {
  return {Exit::Failed, std::string("Error: ").append(words)};
}

// How kcli ends when it gets this frame; nullopt: it goes on.
std::optional<Ending> ending_of_kcli(const Event& event) {
  if (exceeds_kcli_limit(event)) return Ending{};
  if (event.kind != EventKind::Unknown && has_session(event)) return std::nullopt;
  switch (problem_of(event)) {
    case Problem::NotUtf8: return Ending{};
    case Problem::Binary: return error_ending("Unexpected Binary(…) response");
    case Problem::None:
    case Problem::Malformed: break;
  }
  return error_ending(why_unreadable(event));
}

// --- metadata ---

using Entries = Meta::Entries;

// Moves `at` to the entry with this key; nullopt when there is none.  Called with ascending keys.
std::optional<Meta::Entry> seek(Entries::Iterator& at, Entries entries, std::string_view key) {
  for (; at != entries.end(); ++at) {
    const Meta::Entry entry = *at;
    const int order = entry.key.compare(key);
    if (order >= 0) return order == 0 ? std::optional(entry) : std::nullopt;
  }
  return std::nullopt;
}

class MetaLines {
 public:
  MetaLines(std::string_view prefix, bool escape, std::string& out)
      : prefix_(prefix), escape_(escape), out_(out) {}

  // `before` null: the empty object.
  void append_difference(const Meta* before, const Meta& now) {
    const bool was_object = before == nullptr || before->form() == Meta::Form::Object;
    if (!was_object || now.form() != Meta::Form::Object) {
      if (before == nullptr || !before->same_as(now)) append("updated to ", {}, now.text());
      return;
    }
    append_changes(before == nullptr ? Entries() : before->entries(), now.entries());
  }

 private:
  void append_changes(Entries before, Entries now) {
    auto in_now = now.begin();
    std::size_t kept_entries = 0;
    for (const Meta::Entry old : before) {
      const std::optional<Meta::Entry> kept = seek(in_now, now, old.key);
      if (!kept) {
        append("deleted ", old.key, {});
        continue;
      }
      ++kept_entries;
      if (!Meta::same_value(old.json, kept->json)) append_value(*kept);
    }
    if (kept_entries == now.size()) return;
    auto in_before = before.begin();
    for (const Meta::Entry entry : now) {
      if (!seek(in_before, before, entry.key)) append_value(entry);
    }
  }

  void append_value(const Meta::Entry& entry) { append(entry.key, "=", entry.json); }

  void append(std::string_view a, std::string_view b, std::string_view c) {
    out_.append(prefix_).append("=== conn_meta ");
    for (const std::string_view part : {a, b, c}) {
      if (escape_) {
        append_visible(out_, part);
      } else {
        out_.append(part);
      }
    }
    out_.push_back('\n');
  }

  std::string_view prefix_;
  bool escape_;
  std::string& out_;
};

}  // namespace

Renderer::Renderer(const RenderOptions& options)
    : options_(options),
      sessions_(options.behaviour == Behaviour::AsLive ? std::numeric_limits<std::size_t>::max()
                                                       : OpenSessions::kMost) {
  if (options.color) colors_ = {"\x1b[36m", "\x1b[32m", "\x1b[31m", "\x1b[0m"};
  line_end_.append(colors_.reset).push_back('\n');
}

std::optional<Ending> Renderer::render(std::span<const Event> events, std::string& out) {
  for (const Event& event : events) {
    std::optional<Ending> ending = render_one(event, out);
    if (ending) return ending;
  }
  return std::nullopt;
}

// The steps of kcli, in its order.
std::optional<Ending> Renderer::render_one(const Event& event, std::string& out) {
  if (options_.behaviour == Behaviour::AsLive) {
    std::optional<Ending> ending = ending_of_kcli(event);
    if (ending) return ending;
  }
  if (!is_readable(event)) {
    append_unreadable(event, out);
    return std::nullopt;
  }
  const std::string_view key = *event.meta->session_id();
  if (is_unwanted(key)) return std::nullopt;

  const Session* session = sessions_.find(key);
  if (session == nullptr) {
    if (options_.only_new && event.kind != EventKind::BeginSession) return std::nullopt;
    session = open(key, event.when);
    start_prefix(key, kNoDelta);
  } else {
    const Elapsed delta = elapsed_between(session->opened, event.when);
    if (delta.negative && options_.behaviour == Behaviour::AsLive) {
      return Ending{Exit::KcliPanic, std::string(kStepBackPanic)};
    }
    if (delta.negative) count_step_back(*session);
    std::array<char, kMostDelta> text;  // NOLINT: written before it is read
    const char* const end = write_delta(text.data(), delta, options_.profile);
    start_prefix(key, {text.data(), end});
  }

  append_payload(event, out);
  append_what_is_missing(event, out);
  if (event.trimmed || event.masked) ++altered_;
  if (event.kind != EventKind::Closed) {
    show_meta(*session, *event.meta, out);
    return std::nullopt;
  }
  // Forgotten before its metadata is compared: Closed never shows a change.
  sessions_.close(session);
  return options_.only_one ? std::optional(Ending{}) : std::nullopt;
}

// Events without a session, lag notices, are shown with any.
bool Renderer::is_unwanted(std::string_view key) const {
  return wanted_.has_value() && key != *wanted_ && !key.empty();
}

const Renderer::Session* Renderer::open(std::string_view key, WallTime when) {
  if (options_.only_one && !wanted_) wanted_ = key;
  ++begun_;
  return sessions_.open(key, when);
}

void Renderer::count_step_back(const Session& session) {
  if (!session.stepped_back) ++stepped_back_;
  session.stepped_back = true;
}

void Renderer::start_prefix(std::string_view key, std::string_view delta) {
  line_start_.clear();
  prefix_size_ = 0;
  if (!options_.prefix) return;
  line_start_.push_back('[');
  append_raw(key, line_start_);
  // In one piece: with each of a thousand small ones a string looks after its room.
  const std::size_t at = line_start_.size();
  line_start_.resize(at + delta.size() + 3);
  char* to = line_start_.data() + at;
  *to++ = ']';
  *to++ = ' ';
  to = std::copy(delta.begin(), delta.end(), to);
  *to = ' ';
  prefix_size_ = line_start_.size();
}

void Renderer::show_meta(const Session& session, const Meta& meta, std::string& out) {
  if (session.shown == meta.serial()) return;
  MetaLines(prefix(), options_.visible, out).append_difference(session.meta.get(), meta);
  session.meta = meta.kept();
  session.shown = meta.serial();
}

// What kcli prints as it came.
void Renderer::append_raw(std::string_view text, std::string& out) const {
  if (options_.visible) {
    append_visible(out, text);
  } else {
    out.append(text);
  }
}

// --- payloads ---

void Renderer::append_payload(const Event& event, std::string& out) {
  switch (event.kind) {
    case EventKind::BeginSession:
      out.append(prefix()).append("=== BeginSession ");
      append_kcli_time(out, event.when);
      out.push_back('\n');
      return;
    case EventKind::Connected: out.append(prefix()).append("=== Connected\n"); return;
    case EventKind::Closed: out.append(prefix()).append("=== Closed\n"); return;
    case EventKind::MessageObtained: out.append(prefix()).append("=== MessageObtained\n"); return;
    case EventKind::Read: append_read(event.text, out); return;
    case EventKind::Write: append_write(event, out); return;
    case EventKind::AbbreviatedWrite:
      start_lines(colors_.write, kWriteArrow);
      append_line(event.text, out);
      append_byte_count(event.length, out);
      return;
    case EventKind::Diagnostic: append_diagnostic(event, out); return;
    case EventKind::Unknown: append_unknown(*event.verbatim, out); return;
  }
}

void Renderer::append_read(std::string_view text, std::string& out) {
  start_lines(colors_.read, kReadArrow);
  append_lines(out, text, {line_start_, line_end_}, options_.profile);
}

void Renderer::append_write(const Event& event, std::string& out) {
  start_lines(colors_.write, kWriteArrow);
  std::string_view rest = trim_ascii_end(event.text);
  if (!options_.terse) return append_lines(out, rest, {line_start_, line_end_}, options_.profile);
  std::string_view line;
  if (next_line(rest, line)) append_line(line, out);
  if (next_line(rest, line) || event.trimmed) append_byte_count(full_length(event), out);
}

void Renderer::start_lines(std::string_view color, std::string_view arrow) {
  line_start_.resize(prefix_size_);
  line_start_.append(color).append(arrow);
}

void Renderer::append_line(std::string_view line, std::string& out) const {
  out.append(line_start_);
  append_escaped(out, line, options_.profile);
  out.append(line_end_);
}

void Renderer::append_byte_count(std::uint64_t bytes, std::string& out) const {
  out.append(prefix()).append("=== bytes written=");
  append_number(out, bytes);
  out.push_back('\n');
}

void Renderer::append_what_is_missing(const Event& event, std::string& out) const {
  if (!event.trimmed || options_.behaviour == Behaviour::AsLive) return;
  const std::uint64_t missing = bytes_not_recorded(event);
  if (missing == 0) return;
  out.append(prefix()).append("=== ");
  append_number(out, missing);
  out.append(" bytes not recorded\n");
}

// As it came, whatever it holds, and in colour it begins with a colour even where it has none: as
// kcli.
void Renderer::append_diagnostic(const Event& event, std::string& out) const {
  const std::string_view color = event.level == "ERROR" ? colors_.error : colors_.reset;
  out.append(prefix()).append("=== ").append(color);
  append_raw(event.level, out);
  out.append(": ");
  append_raw(event.text, out);
  out.append(line_end_);
}

// --- what kcli has no text for ---

void Renderer::append_unknown(const Verbatim& verbatim, std::string& out) {
  ++unreadable_;
  out.append(prefix()).append("=== unknown event ");
  append_escaped(out, verbatim.tag.empty() ? "?" : head_of(verbatim.tag), options_.profile);
  out.append(": ");
  const std::string_view json = verbatim.payload.empty() ? verbatim.frame : verbatim.payload;
  append_escaped(out, head_of(json), options_.profile);
  out.push_back('\n');
}

void Renderer::append_unreadable(const Event& event, std::string& out) {
  ++unreadable_;
  if (options_.prefix) out.append("[]").append(kNoDelta).push_back(' ');
  out.append("=== unreadable frame, ");
  append_number(out, frame_size(event));
  out.append(" bytes: ");
  const std::string_view why =
      event.masked ? "its content was masked when it was recorded" : why_unreadable(event);
  append_escaped(out, head_of(why), options_.profile);
  out.push_back('\n');
}

}  // namespace smtptape
