#include "capture/record/event_queue.h"

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
    : most_bytes_(most_bytes), sources_(sources) {
}

std::uint64_t EventQueue::pushed() const {
  const std::lock_guard lock(mutex_);
  return taken_ + chunks_.size();
}

std::uint64_t EventQueue::bytes_held() const {
  const std::lock_guard lock(mutex_);
  return bytes_held_;
}

std::uint64_t EventQueue::bytes_held_of(std::size_t source) const {
  const std::lock_guard lock(mutex_);
  return sources_[source].held;
}

// ---- the network thread ----

void EventQueue::push(std::size_t source, std::span<const WsMessage> messages, Moment received) {
  const Extent extent = extent_of(messages);
  if (extent.frames == 0 || drops(source, extent.frames, extent.cost(), received)) return;
  FrameChunk chunk = copy_of(messages, extent);
  chunk.source = source;
  chunk.received = received;
  hand_over(std::move(chunk));
}

bool EventQueue::drops(std::size_t source, std::uint64_t frames, std::uint64_t cost, Moment now) {
  const std::lock_guard lock(mutex_);
  Source& from = sources_[source];
  if (fits(from, cost)) return false;
  if (from.frames_dropped == 0) from.from = now;
  from.frames_dropped += frames;
  from.until = now;
  if (chunks_.empty()) filled_.notify_one();  // larger than all the room there is
  return true;
}

bool EventQueue::fits(const Source& source, std::uint64_t cost) const {
  // Having begun to drop it goes on until there is real room again: one gap instead of hundreds.
  const bool dropping = source.frames_dropped > 0;
  const std::uint64_t most = dropping ? most_bytes_ / 2 : most_bytes_;
  if (dropping && bytes_held_ > most) return false;
  if (bytes_held_ + cost > most_bytes_) return false;
  const bool others_wait = bytes_held_ > source.held;
  return !others_wait || source.held + cost <= most / 2;
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
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = chunks_.empty();
    add(std::move(chunk));
  }
  if (was_empty) filled_.notify_one();
}

void EventQueue::add(FrameChunk chunk) {
  Source& source = sources_[chunk.source];
  if (source.frames_dropped > 0) {
    Gap gap;
    gap.cause = GapCause::QueueFull;
    gap.count = std::exchange(source.frames_dropped, 0);
    gap.from = source.from.real;
    gap.until = source.until.real;
    chunk.gaps.insert(chunk.gaps.begin(), std::move(gap));
    chunk.cost += sizeof(Gap);
  }
  bytes_held_ += chunk.cost;
  source.held += chunk.cost;
  chunks_.push_back(std::move(chunk));
}

// ---- the writer thread ----

EventQueue::Taken EventQueue::take(FrameChunk& chunk, std::optional<TimePoint> deadline) {
  chunk = {};
  std::unique_lock lock(mutex_);
  sources_[source_in_hand_].held -= bytes_in_hand_;
  bytes_held_ -= std::exchange(bytes_in_hand_, 0);
  const auto ready = [this] {
    if (chunks_.empty()) add_dropped();
    return !chunks_.empty() || ended_ || woken_;
  };
  if (!deadline) {
    filled_.wait(lock, ready);
  } else if (!filled_.wait_until(lock, *deadline, ready)) {
    return Taken::Nothing;
  }
  if (std::exchange(woken_, false)) return Taken::Nothing;
  if (chunks_.empty()) return Taken::End;
  chunk = std::move(chunks_.front());
  chunks_.pop_front();
  ++taken_;
  bytes_in_hand_ = chunk.cost;
  source_in_hand_ = chunk.source;
  return Taken::Chunk;
}

// Nothing may come for hours: what was lost before is told now.
void EventQueue::add_dropped() {
  for (std::size_t source = 0; source < sources_.size(); ++source) {
    if (sources_[source].frames_dropped == 0) continue;
    FrameChunk chunk;
    chunk.source = source;
    chunk.received = sources_[source].until;
    chunk.cost = sizeof(FrameChunk);
    add(std::move(chunk));
  }
}

}  // namespace smtptape
