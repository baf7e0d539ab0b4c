#include "capture/event_queue.h"

#include <cstring>
#include <utility>

namespace smtptape {

namespace {

bool is_data(const WsMessage& message) {
  return message.opcode == Opcode::Text || message.opcode == Opcode::Binary;
}

struct Extent {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  [[nodiscard]] std::uint64_t cost() const {
    return sizeof(FrameChunk) + frames * sizeof(QueuedFrame) + bytes;
  }
};

Extent extent_of(std::span<const WsMessage> messages) {
  Extent extent;
  for (const WsMessage& message : messages) {
    if (!is_data(message)) continue;
    ++extent.frames;
    extent.bytes += message.payload.size();
  }
  return extent;
}

FrameChunk copy_of(std::span<const WsMessage> messages, const Extent& extent) {
  FrameChunk chunk;
  chunk.cost = extent.cost();
  chunk.bytes.reset(new char[extent.bytes]);
  chunk.frames.reserve(extent.frames);
  char* to = chunk.bytes.get();
  for (const WsMessage& message : messages) {
    if (!is_data(message)) continue;
    const std::size_t size = message.payload.size();
    if (size > 0) std::memcpy(to, message.payload.data(), size);
    chunk.frames.push_back({{to, size}, message.size, message.opcode, message.oversize});
    to += size;
  }
  return chunk;
}

}  // namespace

EventQueue::EventQueue(std::uint64_t most_bytes, std::size_t sources)
    : most_bytes_(most_bytes), dropped_(sources), held_of_(sources) {
}

bool EventQueue::fits(std::size_t source, std::uint64_t cost) const {
  const std::uint64_t held = bytes_held_.load();
  const std::uint64_t own = held_of_[source].load();
  // Having begun to drop it goes on until there is real room again: one gap instead of hundreds.
  const std::uint64_t most = dropped_[source].frames > 0 ? most_bytes_ / 2 : most_bytes_;
  if (dropped_[source].frames > 0 && held > most) return false;
  if (held + cost > most_bytes_) return false;
  const bool others_wait = held > own;
  return !others_wait || own + cost <= most / 2;
}

void EventQueue::push(std::size_t source, std::span<const WsMessage> messages, Moment received) {
  const Extent extent = extent_of(messages);
  if (extent.frames == 0) return;
  if (!fits(source, extent.cost())) {
    Dropped& dropped = dropped_[source];
    if (dropped.frames == 0) dropped.from = received;
    dropped.frames += extent.frames;
    dropped.until = received;
    return;
  }
  FrameChunk chunk = copy_of(messages, extent);
  chunk.source = source;
  chunk.received = received;
  hand_over(std::move(chunk));
}

void EventQueue::push(std::size_t source, Gap gap, Moment received) {
  FrameChunk chunk;
  chunk.source = source;
  chunk.received = received;
  chunk.cost = sizeof(FrameChunk) + sizeof(Gap) + gap.detail.size();
  chunk.gaps.push_back(std::move(gap));
  hand_over(std::move(chunk));
}

void EventQueue::end() {
  for (std::size_t source = 0; source < dropped_.size(); ++source) {
    if (dropped_[source].frames == 0) continue;
    FrameChunk chunk;
    chunk.source = source;
    chunk.received = dropped_[source].until;
    hand_over(std::move(chunk));
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  filled_.notify_one();
}

void EventQueue::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  filled_.notify_one();
}

void EventQueue::hand_over(FrameChunk chunk) {
  Dropped& dropped = dropped_[chunk.source];
  if (dropped.frames > 0) {
    Gap gap;
    gap.cause = GapCause::QueueFull;
    gap.count = dropped.frames;
    gap.from = dropped.from.real;
    gap.until = dropped.until.real;
    chunk.gaps.insert(chunk.gaps.begin(), std::move(gap));
    chunk.cost += sizeof(Gap);
    dropped = {};
  }
  bytes_held_ += chunk.cost;
  held_of_[chunk.source] += chunk.cost;
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = chunks_.empty();
    chunks_.push_back(std::move(chunk));
  }
  if (was_empty) filled_.notify_one();
}

EventQueue::Taken EventQueue::take(FrameChunk& chunk, std::optional<TimePoint> deadline) {
  chunk = {};
  held_of_[source_in_hand_] -= bytes_in_hand_;
  bytes_held_ -= std::exchange(bytes_in_hand_, 0);
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !chunks_.empty() || ended_ || woken_; };
  if (!deadline) {
    filled_.wait(lock, ready);
  } else if (!filled_.wait_until(lock, *deadline, ready)) {
    return Taken::Nothing;
  }
  if (std::exchange(woken_, false)) return Taken::Nothing;
  if (chunks_.empty()) return Taken::End;
  chunk = std::move(chunks_.front());
  chunks_.pop_front();
  bytes_in_hand_ = chunk.cost;
  source_in_hand_ = chunk.source;
  return Taken::Chunk;
}

}  // namespace smtptape
