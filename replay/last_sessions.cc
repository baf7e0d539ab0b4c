#include "replay/last_sessions.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"

namespace smtptape {

namespace {

// Empty: it belongs to none.
std::string_view session_of(const Event& event) {
  if (event.meta == nullptr) return {};
  return event.meta->session_id().value_or(std::string_view{});
}

}  // namespace

void LastSessions::look_at(const EventBatch& batch) {
  for (const Event& event : batch.events)
    look_at(event);
}

void LastSessions::look_at(const Event& event) {
  latest_ = std::max(event.received, latest_.value_or(event.received));
  if (event.origin != nullptr) {
    std::uint64_t& last = sequences_[event.origin->capture];
    last = std::max(last, event.sequence);
  }
  const std::string_view session = session_of(event);
  const bool may_begin = !session.empty() && (!only_new_ || event.kind == EventKind::BeginSession);
  if (may_begin && seen_.insert(hash128(session)).second) {
    if (seen_.size() > most_) {
      throw Error("-n: more than " + std::to_string(most_) +
                  " sessions to choose the last ones from; give a time with --since");
    }
    last_.push_back({hash128(session), event.received});
    kept_.insert(last_.back().key);
    if (last_.size() > wanted_) {
      kept_.erase(last_.front().key);
      last_.pop_front();
    }
  }
  if (!last_.empty()) {
    last_.back().first_received = std::min(last_.back().first_received, event.received);
  }
}

std::optional<std::int64_t> LastSessions::since() const {
  if (last_.empty()) return latest_;
  return std::min_element(
             last_.begin(),
             last_.end(),
             [](const Session& a, const Session& b) { return a.first_received < b.first_received; })
      ->first_received;
}

bool LastSessions::holds(const Event& event) const {
  const std::string_view session = session_of(event);
  if (kept_.contains(hash128(session))) return true;
  const auto known =
      event.origin == nullptr ? sequences_.end() : sequences_.find(event.origin->capture);
  const bool is_new = known == sequences_.end() || event.sequence > known->second;
  return is_new || (session.empty() && !last_.empty());
}

bool LastSessionsSource::next(EventBatch& batch) {
  if (!source_.next(batch)) return false;
  std::erase_if(batch.events, [&](const Event& event) { return !sessions_.holds(event); });
  return true;
}

}  // namespace smtptape
