#include "replay/top/kept_events.h"

#include <string_view>

namespace smtptape {

namespace {

// `view`, copied behind what is in `text`, which has room.
std::string_view moved_to(std::string& text, std::string_view view) {
  const std::size_t at = text.size();
  text.append(view);
  return std::string_view(text).substr(at);
}

}  // namespace

std::size_t KeptEvents::add(const Event& event) {
  Kept& kept = events_.emplace_back();
  kept.event = event;
  if (event.meta != nullptr) kept.meta = event.meta->kept();
  kept.event.meta = kept.meta.get();
  if (event.origin != nullptr && !origin_) origin_ = *event.origin;
  kept.event.origin = event.origin == nullptr ? nullptr : &*origin_;
  const Verbatim* const verbatim = event.verbatim;
  std::size_t size = event.text.size() + event.level.size();
  if (verbatim != nullptr) {
    size += verbatim->frame.size() + verbatim->payload.size() + verbatim->tag.size() +
            verbatim->why.size();
  }
  kept.text.reserve(size);
  kept.event.text = moved_to(kept.text, event.text);
  kept.event.level = moved_to(kept.text, event.level);
  if (verbatim != nullptr) {
    kept.verbatim = *verbatim;
    kept.verbatim->frame = moved_to(kept.text, verbatim->frame);
    kept.verbatim->payload = moved_to(kept.text, verbatim->payload);
    kept.verbatim->tag = moved_to(kept.text, verbatim->tag);
    kept.verbatim->why = moved_to(kept.text, verbatim->why);
    kept.event.verbatim = &*kept.verbatim;
  }
  return size + sizeof(Kept);
}

}  // namespace smtptape
