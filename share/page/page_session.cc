#include "share/page/page_session.h"

#include <algorithm>
#include <utility>

namespace smtptape {

namespace {

std::string_view kind_word(EventKind kind) {
  switch (kind) {
    case EventKind::BeginSession: return "begin";
    case EventKind::Connected: return "connected";
    case EventKind::Closed: return "closed";
    case EventKind::Read: return "read";
    case EventKind::Write: return "write";
    case EventKind::Diagnostic: return "diagnostic";
    case EventKind::MessageObtained: return "message";
    case EventKind::AbbreviatedWrite: return "write";
    case EventKind::Unknown: return "unknown";
  }
  return "unknown";
}

RenderOptions of_a_page() {
  RenderOptions options;
  options.visible = true;
  options.prefix = false;
  return options;
}

// Of a session that is only counted, no details are kept.
ReplyWatcher& nobody() {
  class Nobody : public ReplyWatcher {
    void watch(const SmtpReply& /*reply*/) override {}
  };
  static Nobody watcher;
  return watcher;
}

// Cut back to at most `most` bytes and whole characters; how many that are too many.
std::uint64_t cut_back(std::string& text, std::uint64_t most) {
  if (text.size() <= most) return 0;
  std::size_t size = most;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  const std::uint64_t left_out = text.size() - size;
  text.resize(size);
  return left_out;
}

}  // namespace

PageSessionBuilder::PageSessionBuilder(std::string id, PageRoom& room)
    : room_(&room),
      story_(std::move(id), room.is_full() ? &nobody() : nullptr),
      renderer_(of_a_page()) {
  session_.left_out = room.is_full();
}

void PageSessionBuilder::add(const Event& event) {
  story_.add(event);
  if (session_.left_out) return;
  if (session_.held_events >= room_->limits().session_events) {
    ++session_.transcript_left_out;
    return;
  }
  PageEvent kept;
  kept.kind = kind_word(event.kind);
  kept.when = event.kind == EventKind::Unknown ? story_.so_far().ended : event.when;
  static_cast<void>(renderer_.render({&event, 1}, kept.text));
  if (!kept.text.empty()) kept.text.pop_back();
  keep(std::move(kept));
}

void PageSessionBuilder::add_gaps(std::string_view what, std::uint64_t count) {
  story_.add_gaps(what, count);
  if (session_.left_out || session_.held_events >= room_->limits().session_events) return;
  std::string text(what);
  if (count > 1) text += ", and " + std::to_string(count - 1) + " more gaps";
  keep({"gap", story_.so_far().ended, std::move(text)});
}

void PageSessionBuilder::keep(PageEvent event) {
  const PageLimits& limits = room_->limits();
  const std::uint64_t left =
      limits.session_bytes - std::min(limits.session_bytes, session_.held_bytes);
  event.left_out = cut_back(event.text, std::min(limits.event_bytes, left));
  const std::uint64_t bytes = event.text.size() + sizeof event;
  if (!room_->take(1, bytes)) return leave_out();
  ++session_.held_events;
  session_.held_bytes += bytes;
  session_.transcript.push_back(std::move(event));
}

void PageSessionBuilder::leave_out() {
  room_->give_back(session_.held_events, session_.held_bytes);
  session_ = {};
  session_.left_out = true;
}

PageSession PageSessionBuilder::finish() {
  session_.story = story_.finish();
  return std::move(session_);
}

}  // namespace smtptape
