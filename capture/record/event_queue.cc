#include "capture/record/event_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "format/wire/wire.h"

namespace smtptape {

namespace {

constexpr std::int64_t next_beat(std::int64_t now) {
  return (now / EventQueue::kBeat + 1) * EventQueue::kBeat;
}

bool is_data(const WsMessage& message) {
  return message.opcode == Opcode::Text || message.opcode == Opcode::Binary;
}

}  // namespace

namespace {

// What a notice of the server says that it dropped.  Notices are rare, and only they have no
// metadata.
std::uint64_t told_as_dropped(const WsMessage& message) {
  if (!message.payload.starts_with(R"({"conn_meta":null)")) return 0;
  WireDecoder decoder;
  EventBatch batch;
  const Event& event = decoder.decode(message.payload, message.opcode, batch);
  const std::optional<Gap> gap = lag_gap(event, event.received);
  return gap ? gap->count.value_or(0) : 0;
}

}  // namespace

// Of the data frames in what a network read brought.
struct EventQueue::Extent {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;       // that are queued
  std::uint64_t wire_bytes = 0;  // that came
  std::uint64_t by_server = 0;   // dropped, as notices among the frames say
  [[nodiscard]] std::uint64_t cost() const {
    return sizeof(FrameChunk) + frames * sizeof(QueuedFrame) + bytes;
  }
};

EventQueue::Extent EventQueue::extent_of(std::span<const WsMessage> messages) {
  Extent extent;
  for (const WsMessage& message : messages) {
    if (!is_data(message)) continue;
    ++extent.frames;
    extent.bytes += message.payload.size();
    if (!message.oversize) extent.wire_bytes += message.size;
    extent.by_server += told_as_dropped(message);
  }
  return extent;
}

FrameChunk EventQueue::copy_of(std::span<const WsMessage> messages, const Extent& extent) {
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

namespace {

std::uint64_t guaranteed_of(std::uint64_t most_bytes, std::size_t sources) {
  return std::min(EventQueue::kGuaranteed, most_bytes / (2 * sources));
}

}  // namespace

EventQueue::EventQueue(std::uint64_t most_bytes, std::size_t sources)
    : most_bytes_(most_bytes),
      guaranteed_(guaranteed_of(most_bytes, sources)),
      common_(most_bytes - sources * guaranteed_),
      enough_(std::min(kEnough, guaranteed_ / 2)),
      sources_(sources) {
}

std::uint64_t EventQueue::bytes_held() const {
  const std::lock_guard lock(mutex_);
  return bytes_held_;
}

bool EventQueue::is_drained(std::size_t source) const {
  const std::lock_guard lock(mutex_);
  return sources_[source].items.empty();
}

QueueFigures EventQueue::figures(std::size_t source) const {
  const std::lock_guard lock(mutex_);
  const Source& of = sources_[source];
  QueueFigures figures;
  figures.received = of.received;
  figures.received_bytes = of.received_bytes;
  figures.dropped = of.all_dropped;
  figures.drops = of.drops;
  figures.dropping = of.dropped.frames > 0;
  figures.waiting = of.waiting;
  figures.bytes_held = of.held;
  const auto* const first = of.items.empty() ? nullptr : std::get_if<FrameChunk>(&of.items.front());
  if (of.oldest_in_hand) {
    figures.waits_since = of.oldest_in_hand->steady;
  } else if (first != nullptr) {
    figures.waits_since = first->received.steady;
  }
  if (of.in_hand) {
    figures.stalled_since = of.taken_at;
  } else if (figures.waits_since) {
    figures.stalled_since = std::max(*figures.waits_since, of.done_at);
  }
  return figures;
}

// ---- the budget ----

std::uint64_t EventQueue::common_part(std::uint64_t held) const {
  return held - std::min(held, guaranteed_);
}

bool EventQueue::fits(const Source& source, std::uint64_t cost) const {
  const std::uint64_t now = common_part(source.held);
  const std::uint64_t then = common_part(source.held + cost);
  // Having begun to drop it goes on until there is real room again: one gap instead of hundreds.
  const bool dropping = source.dropped.frames > 0;
  if (dropping && source.held > guaranteed_ / 2 && common_held_ > common_ / 2) return false;
  if (then == 0) return true;
  if (common_held_ - now + then > common_) return false;
  const bool others_have_some = common_held_ > now;
  return !others_have_some || then <= common_ / 2 || source.held == 0;
}

void EventQueue::hold(Source& source, std::uint64_t bytes) {
  common_held_ += common_part(source.held + bytes) - common_part(source.held);
  bytes_held_ += bytes;
  source.held += bytes;
}

void EventQueue::give_back(Source& source, std::uint64_t bytes) {
  common_held_ -= common_part(source.held) - common_part(source.held - bytes);
  bytes_held_ -= bytes;
  source.held -= bytes;
}

bool EventQueue::reserve(std::size_t source, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (!fits(sources_[source], bytes)) return false;
  hold(sources_[source], bytes);
  return true;
}

void EventQueue::release(std::size_t source, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  give_back(sources_[source], bytes);
}

// ---- the network thread ----

EventQueue::Verdict EventQueue::judge(std::size_t source, const Extent& extent, Arrival received) {
  const std::lock_guard lock(mutex_);
  Source& to = sources_[source];
  to.received += extent.frames;
  to.received_bytes += extent.wire_bytes;
  if (fits(to, extent.cost())) {
    hold(to, extent.cost());  // before the copy is made, which takes no lock
    return Verdict::Take;
  }
  const bool first = to.dropped.frames == 0;
  if (first) to.dropped.from = received;
  if (first) ++to.drops;
  to.dropped.frames += extent.frames;
  to.dropped.by_server += extent.by_server;
  to.dropped.until = received;
  to.all_dropped += extent.frames;
  make_ready(source);  // where nothing is queued, it is told at once
  return first ? Verdict::DropFirst : Verdict::Drop;
}

void EventQueue::push(std::size_t source, std::span<const WsMessage> messages, Arrival received) {
  const Extent extent = extent_of(messages);
  if (extent.frames == 0) return;
  switch (judge(source, extent, received)) {
    case Verdict::Drop: return;
    case Verdict::DropFirst:
      if (hooks_.on_first_drop) hooks_.on_first_drop(source);
      return;
    case Verdict::Take: break;
  }
  FrameChunk chunk = copy_of(messages, extent);
  chunk.received = received;
  hand_over(source, std::move(chunk));
}

void EventQueue::push(std::size_t source, Gap gap, Arrival received) {
  FrameChunk chunk;
  chunk.received = received;
  chunk.cost = sizeof(FrameChunk) + sizeof(Gap) + gap.detail.size();
  chunk.gaps.push_back(std::move(gap));
  {
    const std::lock_guard lock(mutex_);
    hold(sources_[source], chunk.cost);
  }
  hand_over(source, std::move(chunk));
}

// Its cost is held already.
void EventQueue::hand_over(std::size_t source, FrameChunk chunk) {
  std::optional<Dropped> told;
  {
    const std::lock_guard lock(mutex_);
    Source& to = sources_[source];
    told = tell_dropped(to, chunk);
    to.waiting += chunk.frames.size();
    to.queued += chunk.cost;
    to.items.emplace_back(std::move(chunk));
    if (must_be_taken(to)) make_ready(source);
  }
  if (told && hooks_.on_last_drop) hooks_.on_last_drop(source, *told);
}

// What was dropped becomes a gap before the chunk, and what it told of another one.
std::optional<EventQueue::Dropped> EventQueue::tell_dropped(Source& source, FrameChunk& chunk) {
  if (source.dropped.frames == 0) return std::nullopt;
  const Dropped dropped = std::exchange(source.dropped, {});
  Gap gap;
  gap.cause = GapCause::QueueFull;
  gap.count = dropped.frames;
  gap.from = dropped.from.real;
  gap.until = dropped.until.real;
  std::vector<Gap> gaps{gap};
  if (dropped.by_server > 0) {
    gap.cause = GapCause::Lag;
    gap.count = dropped.by_server;
    gaps.push_back(gap);
  }
  chunk.gaps.insert(chunk.gaps.begin(), gaps.begin(), gaps.end());
  chunk.cost += gaps.size() * sizeof(Gap);
  hold(source, gaps.size() * sizeof(Gap));
  return dropped;
}

void EventQueue::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (std::size_t source = 0; source < sources_.size(); ++source)
      if (must_be_taken(sources_[source])) make_ready(source);
  }
  filled_.notify_all();
}

// ---- any thread ----

void EventQueue::post(std::size_t source, QueuedTask task, When when) {
  const std::lock_guard lock(mutex_);
  std::deque<Item>& items = sources_[source].items;
  if (when == When::InTurn) {
    items.emplace_back(std::move(task));
  } else {
    // Behind the tasks that are there already: they keep their order.
    const auto first_chunk = std::find_if(items.begin(), items.end(), [](const Item& item) {
      return std::holds_alternative<FrameChunk>(item);
    });
    items.insert(first_chunk, Item(std::move(task)));
  }
  make_ready(source);
}

// ---- the workers ----

void EventQueue::make_ready(std::size_t source) {
  Source& of = sources_[source];
  if (std::exchange(of.wanted, true) || of.in_hand) return;
  ready_.push_back(source);
  filled_.notify_one();
}

// Before its next beat.
bool EventQueue::must_be_taken(const Source& source) const {
  if (source.items.empty()) return source.dropped.frames > 0;
  return ended_ || source.queued >= enough_ || !(source.on_beat || source.in_hand);
}

std::optional<EventQueue::Turn> EventQueue::take() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (closed_) return std::nullopt;
    const std::int64_t now = this_moment().steady;
    if (const std::optional<std::size_t> source = next_ready(now)) {
      std::optional<Dropped> told;
      Turn turn = take_of(*source, now, told);
      if (next_due().value_or(kNever) < watched_) filled_.notify_one();  // goes on watching
      lock.unlock();
      if (told && hooks_.on_last_drop) hooks_.on_last_drop(*source, *told);
      return turn;
    }
    if (all_done()) {
      closed_ = true;  // whoever takes what is left of the sources now has them for himself
      filled_.notify_all();
      return std::nullopt;
    }
    wait_for_something(lock);
  }
}

// One of those that wait watches the time, so that no other is woken by it.
void EventQueue::wait_for_something(std::unique_lock<std::mutex>& lock) {
  const std::int64_t due = next_due().value_or(kNever);
  if (due >= watched_) return filled_.wait(lock);
  watched_ = due;
  filled_.wait_until(lock, steady_time_point(due));
  watched_ = kNever;
}

std::optional<std::size_t> EventQueue::next_ready(std::int64_t now) {
  if (!ready_.empty()) {
    const std::size_t source = ready_.front();
    ready_.pop_front();
    return source;
  }
  if (ended_) return std::nullopt;  // then everything ends, whatever is due
  for (std::size_t source = 0; source < sources_.size(); ++source) {
    const Source& of = sources_[source];
    if (!of.in_hand && of.due && *of.due <= now) return source;
  }
  return std::nullopt;
}

std::optional<std::int64_t> EventQueue::next_due() const {
  std::optional<std::int64_t> next;
  for (const Source& source : sources_) {
    if (source.in_hand || !source.due || ended_) continue;
    if (!next || *source.due < *next) next = source.due;
  }
  return next;
}

bool EventQueue::all_done() const {
  return ended_ && std::none_of(sources_.begin(), sources_.end(), [](const Source& source) {
           return source.in_hand || !source.items.empty() || source.dropped.frames > 0;
         });
}

EventQueue::Turn EventQueue::take_of(std::size_t source,
                                     std::int64_t now,
                                     std::optional<Dropped>& told) {
  Source& of = sources_[source];
  Turn turn;
  turn.source = source;
  if (of.items.empty() && of.dropped.frames > 0) {
    FrameChunk chunk;
    chunk.received = of.dropped.until;
    chunk.cost = sizeof(FrameChunk);
    hold(of, chunk.cost);
    told = tell_dropped(of, chunk);
    of.queued += chunk.cost;
    of.items.emplace_back(std::move(chunk));
  }
  while (!of.items.empty()) {
    if (const auto* const chunk = std::get_if<FrameChunk>(&of.items.front())) {
      if (turn.cost > 0 && turn.cost + chunk->cost > kMostInHand) break;
      turn.cost += chunk->cost;
      turn.frames += chunk->frames.size();
      of.queued -= chunk->cost;
      if (!of.oldest_in_hand) of.oldest_in_hand = chunk->received;
    }
    turn.items.push_back(std::move(of.items.front()));
    of.items.pop_front();
  }
  of.in_hand = true;
  of.on_beat = false;
  of.wanted = false;
  of.taken_at = now;
  of.due.reset();
  return turn;
}

void EventQueue::done(const Turn& turn, std::optional<std::int64_t> due) {
  const std::lock_guard lock(mutex_);
  Source& of = sources_[turn.source];
  give_back(of, turn.cost);
  of.waiting -= turn.frames;
  of.in_hand = false;
  of.oldest_in_hand.reset();
  of.done_at = this_moment().steady;
  of.due = due;
  of.on_beat = turn.frames > 0 || !of.items.empty();
  if (of.on_beat) of.due = std::min(due.value_or(kNever), next_beat(of.done_at));
  const bool wanted = std::exchange(of.wanted, false);
  if (wanted || must_be_taken(of)) make_ready(turn.source);
  if (all_done()) filled_.notify_all();
}

}  // namespace smtptape
