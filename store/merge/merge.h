// Which event comes next: the one merge of every command that reads tapes.
//
//   within a source   by the number of the tape that the event was recorded into, then by sequence
//   between sources   by receive time, which within a source never counts as going back, then by
//                     the source's name
//   each event once   by capture and sequence, whatever copies hold it
//
// Pure: it reads nothing and waits for nothing.  Events come to it in lanes: a tape, or as much of
// one as belongs to a source; or the tapes that a recorder adds to.  Lanes of one source share a
// row.  run() goes on until it has to know what a lane has next, and says which lane; the caller
// gives it a batch, ends it, or pauses it, which leaves it out until it is given something.  A lane
// is asked when it may hold the next event, and not before: what was not opened yet costs nothing.
//
//     while (const auto lane = merge.run(out))
//       …merge.give(*lane, batch), merge.pause(*lane) or merge.end(*lane)…
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/event.h"
#include "store/merge/seen.h"

namespace smtptape {

class Merge {
 public:
  using RowId = std::size_t;
  using LaneId = std::size_t;
  static constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::min();

  // Where an event stands in its source.
  struct Place {
    std::uint64_t tape = 0;
    std::uint64_t sequence = 0;
    auto operator<=>(const Place&) const = default;
  };
  // What a lane's first event has at least.
  struct Start {
    Place place = {};
    std::int64_t received = kAnyTime;
  };

  // Rows of one name are told apart by the order in which they are added.
  RowId add_row(std::string name);
  // Lanes are numbered from 0.
  LaneId add_lane(RowId row, const Start& start);

  // What the lane has next: events, at least one.  It was asked, or is paused.
  void give(LaneId lane, std::shared_ptr<EventBatch> batch);
  void pause(LaneId lane);
  // It is paused, and will be given something soon: it is waited for again.
  void resume(LaneId lane);
  // `after`: the latest time of reception of events that it left out at its end.
  void end(LaneId lane, std::int64_t after = kAnyTime);

  // Adds to the events of `out`, and pins what they come from.  The lane that has to say what it
  // has next; nullopt: `out` is full, or, when it has no events, no lane has any.
  [[nodiscard]] std::optional<LaneId> run(EventBatch& out);

 private:
  enum class State : std::uint8_t {
    Asked,  // what comes next is not known
    Ready,  // `batch` holds it
    Paused,
    Ended,
  };
  struct Lane {
    RowId row = 0;
    State state = State::Asked;
    Place place = {};                  // of its next event; Asked: at least
    std::int64_t received = kAnyTime;  // likewise
    std::shared_ptr<EventBatch> batch = {};
    std::size_t taken = 0;
    // Of the latest event that was looked at, as long as the batch is the same.
    const Origin* origin = nullptr;
    Seen* seen = nullptr;
  };
  struct Later {
    LaneId lane = 0;
    std::int64_t earliest = kAnyTime;  // that it or one behind it has
  };
  struct Row {
    std::string name;
    std::vector<Later> later;  // whose first event is not near: by place, descending
    bool sorted = true;        // `later` is
    std::vector<LaneId> active;
    std::int64_t time = kAnyTime;  // of its last event, never going back
    std::int64_t turn = kAnyTime;  // of its next event, at least
    LaneId first = 0;              // the lane that has it
  };
  // What goes into a batch that pins others: it ends early when these are large.
  struct Size {
    std::size_t events = 0;
    std::size_t bytes = 0;
    [[nodiscard]] bool full() const;
    void add(const Event& event);
    void fill();
  };

  void sort_rows();
  void put_back(RowId row);
  [[nodiscard]] bool comes_before(RowId a, RowId b) const;
  [[nodiscard]] bool has_turn(RowId row) const;
  [[nodiscard]] bool find_first(Row& row);
  void bring_near(Row& row, const Lane* first);
  void sort_later(Row& row) const;
  void take(RowId row, EventBatch& out);
  void take_whole(Row& row, Lane& lane, EventBatch& out);
  [[nodiscard]] Place least_beside(const Row& row) const;
  void look_at_head(Lane& lane);
  void hand_over(Lane& lane, std::size_t from, std::size_t to, EventBatch& out);

  std::deque<Lane> lanes_;
  std::deque<Row> rows_;
  std::vector<RowId> order_;    // a heap: on top the row whose turn it is; none that has nothing
  std::optional<RowId> asked_;  // not in `order_`: one of its lanes was asked
  bool stale_ = true;           // `order_` is
  Size size_;
  std::map<Id128, Seen> seen_;
};

}  // namespace smtptape
