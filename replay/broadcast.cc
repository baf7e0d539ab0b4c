#include "replay/broadcast.h"

#include <utility>

namespace smtptape {

namespace {

std::size_t size_of(const Event& event) {
  return event.text.size() + (event.verbatim == nullptr ? 0 : event.verbatim->frame.size());
}

}  // namespace

bool Broadcast::read() {
  if (at_end_) return false;
  // What nothing of waits any more.
  if (waiting_.empty()) {
    while (batches_.size() > 1)
      batches_.pop_front();
  }
  const bool reuse = waiting_.empty() && !batches_.empty();
  if (reuse) {
    spare_ = std::move(batches_.front());
    batches_.pop_front();
  }
  if (spare_ == nullptr) spare_ = std::make_unique<EventBatch>();
  at_end_ = !source_.next(*spare_);
  if (at_end_) return false;
  faults_.apply(*spare_);
  batches_.push_back(std::move(spare_));
  looked_at_ = 0;
  return true;
}

std::optional<Broadcast::Next> Broadcast::next(Pace::Clock::time_point now) {
  while (!waiting_.empty() || look_at_next(now)) {
    const Waiting first = waiting_.front();
    take_off_oldest();
    if (first.chosen) return first.next;
  }
  return std::nullopt;
}

bool Broadcast::catch_up(Pace::Clock::time_point now) {
  while (waiting_.empty() || waiting_.back().next.due <= now) {
    if (!look_at_next(now)) return !at_end_;
    const std::size_t unmade = waiting_.back().next.due > now ? 1 : 0;
    if (unmade == 0) newest_ = waiting_.back().next;
    while (waiting_.size() - unmade > limits_.events)
      drop_oldest();
    while (waiting_.size() - unmade > 1 && bytes_ > limits_.bytes)
      drop_oldest();
  }
  return false;
}

std::optional<Broadcast::Missed> Broadcast::take_missed() {
  if (missed_ == 0) return std::nullopt;
  return Missed{std::exchange(missed_, 0), newest_};
}

// False: there is no next one before more is read.
bool Broadcast::look_at_next(Pace::Clock::time_point now) {
  if (batches_.empty() || looked_at_ == batches_.back()->events.size()) return false;
  EventBatch& batch = *batches_.back();
  Event& event = batch.events[looked_at_++];
  const bool chosen = filter_.passes(event.meta, Scope::Event);
  const auto due = chosen ? pace_.due(event.received, now) : pace_.would_be_due(event.received);
  waiting_.push_back({{&event, &batch, due}, chosen});
  bytes_ += size_of(event);
  return true;
}

void Broadcast::drop_oldest() {
  ++missed_;
  take_off_oldest();
}

void Broadcast::take_off_oldest() {
  const Next oldest = waiting_.front().next;
  waiting_.pop_front();
  bytes_ -= size_of(*oldest.event);
  while (batches_.front().get() != oldest.batch)
    batches_.pop_front();
}

}  // namespace smtptape
