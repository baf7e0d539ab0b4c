#include "share/redact/leak_check.h"

#include <algorithm>

#include "share/redact/free_text.h"
#include "share/redact/metadata.h"
#include "share/redact/session_key.h"
#include "share/redact/session_text.h"
#include "smtp/words.h"

namespace smtptape {

namespace {

// A value of the metadata that is an original as a whole, of any length.
class ShortLeaks : public MetaVisitor {
 public:
  explicit ShortLeaks(const Originals& originals) : originals_(originals) {}

  void take(std::string& text, const Spans& spans) override {
    constexpr std::size_t kLeast = 3;  // there are too few shorter names for all to be others
    for (const Span& span : spans) {
      const std::string_view value = std::string_view(text).substr(span.from, span.to - span.from);
      if (!always_goes(span.kind) && value.size() >= kLeast && originals_.is_original(value))
        kinds.push_back(span.kind);
    }
  }
  void take_public(std::string_view) override {}
  void leave_out(std::string_view, std::string_view) override {}

  std::vector<Kind> kinds;

 private:
  const Originals& originals_;
};

bool is_taken_out(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return c == '*' || c == '\r' || c == '\n'; });
}

}  // namespace

std::string LeakCheck::Place::text() const {
  return event == 0 ? std::string(what) : "event " + std::to_string(event) + std::string(what);
}

void LeakCheck::add(const EventBatch& batch) {
  for (const Event& event : batch.events)
    add(event);
  for (const Gap& gap : batch.gaps) {
    look(gap.detail, {0, "a gap"});
    if (gap.origin != nullptr) look_at_source(*gap.origin);
  }
  for (const Note& note : batch.notes)
    look(note.key + " " + note.value, {0, "a note"});
  for (const std::string_view record : batch.foreign)
    look(record, {0, "a record of a newer program"});
}

void LeakCheck::add(std::string_view text, std::string_view where) {
  look(text, {0, where});
}

void LeakCheck::look_at_source(const Origin& origin) {
  if (origin.source == source_) return;
  look(origin.source, {0, "a source's name"});
  source_ = origin.source;
}

void LeakCheck::add(const Event& event) {
  if (event.verbatim != nullptr) look(event.verbatim->frame, {event.sequence, ", a frame"});
  if (event.origin != nullptr) look_at_source(*event.origin);
  if (event.meta != nullptr && seen_.find(*event.meta) == nullptr) {
    seen_.remember(*event.meta, true);
    add_meta(*event.meta, {event.sequence, ", metadata"});
  }
  look(event.level, {event.sequence});
  const bool said = event.kind == EventKind::Read || event.kind == EventKind::Write ||
                    event.kind == EventKind::AbbreviatedWrite;
  if (!said) {
    look(event.text, {event.sequence});
    if (event.kind == EventKind::Closed) end_session(event);
    return;
  }
  if (is_taken_out(event.text)) return;
  // Where a line's end is a part of the spelling.
  if (event.text.find("=\r") != std::string_view::npos ||
      event.text.find("=\n") != std::string_view::npos)
    look(event.text, {event.sequence});
  add_to_stream(event);
}

void LeakCheck::add_to_stream(const Event& event) {
  constexpr std::size_t kBlock = 2048;  // that is looked through at once
  constexpr std::size_t kKept = 512;    // of it, for what goes on in the next
  if (streams_.size() > SessionText::kMostSessions) finish();
  const bool server = event.kind == EventKind::Read;
  session_key(event, key_);
  key_ += server ? '<' : '>';
  auto known = streams_.find(std::string_view(key_));
  if (known == streams_.end()) known = streams_.emplace(key_, std::string()).first;
  std::string& stream = known->second;
  bool first = !stream.empty();  // it may go on within a line
  std::string_view left = event.text;
  while (!left.empty()) {
    const std::size_t size = std::min(left.find('\n'), left.size() - 1) + 1;
    const std::string_view line = without_line_end(left.substr(0, size));
    stream += line.substr(server && !first ? reply_code_size(line) : 0);
    left.remove_prefix(size);
    first = false;
  }
  if (stream.size() < kBlock) return;
  look(stream, {event.sequence, " or shortly before"});
  stream.erase(0, stream.size() - kKept);
}

void LeakCheck::end_session(const Event& event) {
  session_key(event, key_);
  for (const char side : {'<', '>'}) {
    const auto stream = streams_.find(key_ + side);
    if (stream == streams_.end()) continue;
    look(stream->second, {event.sequence, ", where its session ends, or before"});
    streams_.erase(stream);
  }
}

void LeakCheck::finish() {
  for (const auto& [key, stream] : streams_)
    look(stream, {0, "a session without an end"});
  streams_.clear();
}

void LeakCheck::add_meta(const Meta& meta, const Place& where) {
  if (meta.form() != Meta::Form::Object) return look(meta.text(), where);
  for (const Meta::Entry& member : meta.entries()) {
    const std::uint64_t hash = hash_of(member);
    if (members_.find(hash) != nullptr) continue;
    members_.remember(hash, true);
    look(member.json, where);
    ShortLeaks shorts(originals_);
    static_cast<void>(visit(member, shorts));
    for (const Kind kind : shorts.kinds) {
      if (leaks_.size() < kMostLeaks && !kept_[static_cast<std::size_t>(kind)])
        leaks_.push_back({kind, where.text()});
    }
  }
}

void LeakCheck::look(std::string_view text, const Place& where) {
  if (text.empty() || leaks_.size() >= kMostLeaks) return;
  found_.clear();
  originals_.find(text, found_);
  originals_.find_spelled(text, found_);
  for (const Originals::Found& found : found_) {
    if (leaks_.size() == kMostLeaks) return;
    leaks_.push_back({found.kind, where.text()});
  }
}

}  // namespace smtptape
