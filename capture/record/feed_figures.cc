#include "capture/record/feed_figures.h"

#include "base/hash.h"
#include "base/wall_time.h"

namespace smtptape {

void FeedFigures::add(const Event& event) {
  last_event_at_ = event.received;
  const bool timed = event.verbatim == nullptr || event.verbatim->when_known;
  if (const auto when = to_unix_nanos(event.when); timed && when) {
    const double delay = static_cast<double>(event.received) - static_cast<double>(*when);
    delay_.add(delay / static_cast<double>(kNanosPerSecond));
  }
  if (event.kind != EventKind::Connected && event.kind != EventKind::Closed) return;
  if (event.meta == nullptr || !event.meta->session_id()) return;
  const std::uint64_t session = hash64(*event.meta->session_id());
  if (event.kind == EventKind::Closed) {
    open_.erase(session);
  } else if (open_.size() < kMostSessions) {
    open_.insert(session);
  }
}

}  // namespace smtptape
