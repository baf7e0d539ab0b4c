#include "store/merge/merge.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "format/limits.h"

namespace smtptape {

// ---- the size of what goes out ----

bool Merge::Size::full() const {
  constexpr std::size_t kMostEvents = 512;
  constexpr std::size_t kMostBytes = kMiB;
  return events >= kMostEvents || bytes >= kMostBytes;
}

void Merge::Size::add(const Event& event) {
  ++events;
  bytes += event.text.size() + (event.verbatim == nullptr ? 0 : event.verbatim->frame.size());
}

void Merge::Size::fill() {
  bytes = std::max<std::size_t>(bytes, kMiB);
}

// ---- lanes ----

Merge::RowId Merge::add_row(std::string name) {
  rows_.push_back({std::move(name), {}, true, {}});
  return rows_.size() - 1;
}

Merge::LaneId Merge::add_lane(RowId row, const Start& start) {
  lanes_.push_back({row, State::Asked, start.place, start.received});
  rows_[row].later.push_back({lanes_.size() - 1});
  rows_[row].sorted = false;
  stale_ = true;
  return lanes_.size() - 1;
}

void Merge::give(LaneId id, std::shared_ptr<EventBatch> batch) {
  Lane& lane = lanes_[id];
  if (lane.state == State::Paused) stale_ = true;
  lane.state = State::Ready;
  lane.batch = std::move(batch);
  lane.taken = 0;
  lane.origin = nullptr;
  look_at_head(lane);
}

void Merge::pause(LaneId lane) {
  lanes_[lane].state = State::Paused;
}

void Merge::resume(LaneId lane) {
  lanes_[lane].state = State::Asked;
  stale_ = true;
}

void Merge::end(LaneId lane, std::int64_t after) {
  lanes_[lane].state = State::Ended;
  Row& row = rows_[lanes_[lane].row];
  row.time = std::max(row.time, after);
  std::erase(rows_[lanes_[lane].row].active, lane);
}

void Merge::look_at_head(Lane& lane) {
  const Event& event = lane.batch->events[lane.taken];
  if (event.origin != lane.origin || event.origin == nullptr) {
    lane.origin = event.origin;
    lane.place.tape = event.origin == nullptr ? 0 : event.origin->tape_number;
    lane.seen = event.origin == nullptr ? nullptr : &seen_[event.origin->capture];
  }
  lane.place.sequence = event.sequence;
  lane.received = std::max(event.received, event.after);
}

// ---- which row, and which of its lanes ----

bool Merge::comes_before(RowId a, RowId b) const {
  const Row& one = rows_[a];
  const Row& two = rows_[b];
  if (one.turn != two.turn) return one.turn < two.turn;
  if (const int order = one.name.compare(two.name); order != 0) return order < 0;
  return a < b;
}

void Merge::put_back(RowId row) {
  if (!find_first(rows_[row])) return;
  order_.push_back(row);
  std::push_heap(
      order_.begin(), order_.end(), [this](RowId a, RowId b) { return comes_before(b, a); });
}

void Merge::sort_rows() {
  order_.clear();
  for (RowId row = 0; row < rows_.size(); ++row)
    put_back(row);
  stale_ = false;
  asked_.reset();
}

// The lane with the least place; of equal ones one that has the event.  False: the row has nothing.
bool Merge::find_first(Row& row) {
  const Lane* first = nullptr;
  std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0;; ++i) {
    if (i == row.active.size()) bring_near(row, first);
    if (i == row.active.size()) break;
    const Lane& lane = lanes_[row.active[i]];
    if (lane.state == State::Paused) continue;
    earliest = std::min(earliest, lane.received);
    const bool less = first == nullptr || lane.place < first->place ||
                      (lane.place == first->place && lane.state > first->state);
    if (!less) continue;
    first = &lane;
    row.first = row.active[i];
  }
  if (first == nullptr) return false;
  // Who has to be asked may have something later than all the others.
  if (!row.later.empty()) earliest = std::min(earliest, row.later.back().earliest);
  row.turn = std::max(row.time, first->state == State::Ready ? first->received : earliest);
  return true;
}

// Makes the next of the later lanes active when it may have something before `first`.
void Merge::bring_near(Row& row, const Lane* first) {
  if (row.later.empty()) return;
  if (!std::exchange(row.sorted, true)) sort_later(row);
  if (first != nullptr && lanes_[row.later.back().lane].place >= first->place) return;
  row.active.push_back(row.later.back().lane);
  row.later.pop_back();
}

void Merge::sort_later(Row& row) const {
  std::sort(row.later.begin(), row.later.end(), [this](const Later& a, const Later& b) {
    const Lane& one = lanes_[a.lane];
    const Lane& two = lanes_[b.lane];
    return std::tie(one.place, one.received, a.lane) > std::tie(two.place, two.received, b.lane);
  });
  std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
  for (Later& later : row.later)
    later.earliest = earliest = std::min(earliest, lanes_[later.lane].received);
}

bool Merge::has_turn(RowId row) const {
  return order_.empty() || comes_before(row, order_.front());
}

// What the other lanes of the row may have next, at least.
Merge::Place Merge::least_beside(const Row& row) const {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  Place least{kMost, kMost};
  if (!row.later.empty()) least = lanes_[row.later.back().lane].place;
  for (const LaneId id : row.active) {
    const Lane& lane = lanes_[id];
    if (id != row.first && lane.state != State::Paused) least = std::min(least, lane.place);
  }
  return least;
}

// ---- what comes next ----

std::optional<Merge::LaneId> Merge::run(EventBatch& out) {
  if (stale_) sort_rows();
  if (asked_) put_back(*std::exchange(asked_, std::nullopt));
  if (out.events.empty()) size_ = {};
  while (!order_.empty() && !size_.full()) {
    std::pop_heap(
        order_.begin(), order_.end(), [this](RowId a, RowId b) { return comes_before(b, a); });
    const RowId id = order_.back();
    Row& row = rows_[id];
    order_.pop_back();
    do {
      if (lanes_[row.first].state == State::Asked) {
        asked_ = id;
        return row.first;
      }
      take(id, out);
    } while (!size_.full() && find_first(row) && has_turn(id));
    put_back(id);
  }
  return std::nullopt;
}

namespace {

// They are of one origin, and each is behind the one before.
bool is_run(const std::vector<Event>& events) {
  for (std::size_t i = 1; i < events.size(); ++i) {
    if (events[i].sequence <= events[i - 1].sequence) return false;
    if (events[i].origin != events[0].origin) return false;
  }
  return true;
}

}  // namespace

// What take() does with events that are all new and between which nothing comes, in less than half
// the instructions: one tape, read alone, is nothing else.
void Merge::take_whole(Row& row, Lane& lane, EventBatch& out) {
  for (const Event& event : lane.batch->events) {
    row.time = std::max({row.time, event.received, event.after});
    static_cast<void>(lane.seen->add(event.sequence));
  }
  row.turn = row.time;
  lane.place.sequence = lane.batch->events.back().sequence;
  hand_over(lane, 0, lane.batch->events.size(), out);
  lane.state = State::Asked;
  lane.received = kAnyTime;
  lane.batch.reset();
}

// From the first lane, as long as no other comes before.
void Merge::take(RowId id, EventBatch& out) {
  Row& row = rows_[id];
  Lane& lane = lanes_[row.first];
  const std::vector<Event>& events = lane.batch->events;
  const Place beside = least_beside(row);
  std::size_t from = lane.taken;
  // A batch that nothing comes between goes on as it is, however large.
  const bool may_be_whole = out.events.empty() && from == 0;
  const bool alone = order_.empty() && row.later.empty() && row.active.size() == 1;
  if (alone && may_be_whole && lane.seen != nullptr && lane.seen->none_from(lane.place.sequence) &&
      is_run(events)) {
    return take_whole(row, lane, out);
  }
  while (lane.taken < events.size() && (may_be_whole || !size_.full())) {
    look_at_head(lane);
    row.turn = std::max(row.time, lane.received);
    if (lane.place > beside || !has_turn(id)) break;
    row.time = row.turn;
    if (lane.seen == nullptr || lane.seen->add(lane.place.sequence)) {
      size_.add(events[lane.taken++]);
      continue;
    }
    hand_over(lane, from, lane.taken, out);
    from = ++lane.taken;
  }
  const bool used_up = lane.taken == events.size();
  hand_over(lane, from, lane.taken, out);
  if (!used_up) return look_at_head(lane);
  lane.state = State::Asked;
  lane.received = kAnyTime;
  lane.batch.reset();
}

void Merge::hand_over(Lane& lane, std::size_t from, std::size_t to, EventBatch& out) {
  if (from == to) return;
  std::vector<Event>& events = lane.batch->events;
  if (out.events.empty() && from == 0 && to == events.size()) {
    out.events.swap(events);
    size_.fill();
  } else {
    const auto at = [&events](std::size_t i) {
      return events.begin() + static_cast<std::ptrdiff_t>(i);
    };
    out.events.insert(out.events.end(), at(from), at(to));
  }
  if (out.pins.empty() || out.pins.back() != lane.batch) out.pins.push_back(lane.batch);
}

}  // namespace smtptape
