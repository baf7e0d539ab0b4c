#include "store/read/inputs.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "format/limits.h"
#include "store/find/input_files.h"
#include "store/merge/capture_rows.h"
#include "store/merge/double_filter.h"
#include "store/merge/merge.h"
#include "store/merge/seen.h"
#include "store/read/batch_pool.h"
#include "store/read/tape_stream.h"

namespace smtptape {

namespace {

bool has_loose(const EventBatch& batch) {
  return !batch.gaps.empty() || !batch.notes.empty() || !batch.clocks.empty() ||
         !batch.foreign.empty();
}

// Of what stands beside events, enough for one batch.
bool is_much_loose(const EventBatch& batch) {
  return batch.gaps.size() + batch.notes.size() >= kMostGroupGaps || batch.arena.used() > 4 * kMiB;
}

// What stands beside the events of `from`.
void take_loose(const std::shared_ptr<EventBatch>& from, EventBatch& to) {
  if (!has_loose(*from)) return;
  to.pins.push_back(from);  // it owns the origins of its gaps
  std::move(from->gaps.begin(), from->gaps.end(), std::back_inserter(to.gaps));
  std::move(from->notes.begin(), from->notes.end(), std::back_inserter(to.notes));
  to.clocks.insert(to.clocks.end(), from->clocks.begin(), from->clocks.end());
  std::move(from->foreign.begin(), from->foreign.end(), std::back_inserter(to.foreign));
  from->clocks.clear();
  from->gaps.clear();
  from->notes.clear();
  from->foreign.clear();
}

// What the first event that a tape has of `row` has at least.
Merge::Start start_of(const TapeFile& tape, const CaptureRows& rows, std::size_t row) {
  Merge::Start start;
  start.place.tape = std::numeric_limits<std::uint64_t>::max();
  for (const Origin& origin : tape.origins) {
    if (rows.row_of(origin.capture) != row) continue;
    start.place.tape = std::min(start.place.tape, origin.tape_number);
  }
  if (!tape.mixed) start.place.sequence = tape.first_sequence;
  if (tape.sealed) {
    if (tape.received) start.received = tape.received->first;
  } else if (tape.header && !tape.header->copy_of && !tape.header->origin.imported) {
    start.received = tape.header->clock.realtime;
  }
  return start;
}

}  // namespace

struct Inputs::Impl {
  // What batches point into lives as long as they do.
  std::shared_ptr<InputReport> report = std::make_shared<InputReport>();
  CaptureRows rows;
  Merge merge;
  std::vector<std::unique_ptr<TapeStream>> streams;  // by lane; null: ended
  BatchPool batches;
  bool several;  // tapes: they may tell the same gaps
  SeenGaps seen_gaps;
  DoubleFilter double_filter;
  bool over = false;

  TimeWindow window;
  Recovery recovery;

  Impl(std::vector<TapeFile> tapes, const TimeWindow& wanted, Recovery how, Doubles doubles)
      : several(tapes.size() > 1), window(wanted), recovery(how) {
    look_at_rows(tapes);
    if (!several) {
      const Merge::RowId row = merge.add_row({});
      for (const TapeFile& tape : tapes)
        if (!is_outside(tape)) add_lane(row, {}, tape, {});
      return;
    }
    rows = rows_of_merge(tapes, merge);
    for (const TapeFile& tape : tapes)
      if (!is_outside(tape)) add_lanes(tape);
    if (doubles == Doubles::LeaveOut) rows.tell(double_filter, tapes);
  }

  [[nodiscard]] bool is_outside(const TapeFile& tape) const {
    return tape.received && !window.touches(*tape.received);
  }

  // What is not opened tells the tapes beside it what its footer knows.
  void look_at_rows(std::vector<TapeFile>& tapes) {
    for (TapeFile& tape : tapes) {
      if (tape.row) tape.place_in_row = report->rows.add(*tape.row);
    }
    report->rows.link();
    for (const TapeFile& tape : tapes) {
      if (tape.row && is_outside(tape)) report->rows.ended(tape.place_in_row, *tape.row);
    }
  }

  void add_lanes(const TapeFile& tape) {
    const std::vector<std::size_t> of_tape = rows.rows_of(tape);
    if (of_tape.empty()) return add_lane(merge.add_row({}), {}, tape, {});
    for (const std::size_t row : of_tape) {
      TapeShare share;
      if (of_tape.size() > 1) share = {&rows, row, row == of_tape.front()};
      add_lane(row, start_of(tape, rows, row), tape, share);
    }
  }

  void add_lane(Merge::RowId row,
                const Merge::Start& start,
                const TapeFile& tape,
                const TapeShare& share) {
    merge.add_lane(row, start);
    streams.push_back(std::make_unique<TapeStream>(tape, *report, recovery, share));
  }

  bool next(EventBatch& batch) {
    batch.clear();
    if (!note_missing(batch)) over = true;
    while (!over && !is_much_loose(batch)) {
      const auto lane = merge.run(batch);
      if (!lane) {
        over = batch.events.empty();
        break;
      }
      over = !refill(*lane, batch);
    }
    double_filter.leave_out(batch);
    if (several) std::erase_if(batch.gaps, [&](const Gap& gap) { return !seen_gaps.add(gap); });
    return !over || !batch.events.empty() || has_loose(batch);
  }

  // False: the end is here, because something may be missing before whatever comes.
  bool refill(Merge::LaneId lane, EventBatch& loose) {
    std::shared_ptr<EventBatch> batch;
    bool more = true;
    while (more && (batch == nullptr || batch->events.empty())) {
      batch = batches.take();
      more = streams[lane]->next(*batch);
      if (!note_missing(loose)) return false;
      if (recovery == Recovery::Tail && !report->trouble.damage.empty()) return false;
      take_loose(batch, loose);
    }
    if (more) {
      merge.give(lane, batch);
    } else {
      merge.end(lane, streams[lane]->left_out_until());
      streams[lane].reset();
    }
    return true;
  }

  // What is missing between tapes.
  bool note_missing(EventBatch& loose) {
    for (Gap& gap : report->rows.take_missing()) {
      if (recovery == Recovery::Skip) {
        loose.pins.push_back(report);
        loose.gaps.push_back(std::move(gap));
      } else if (window.touches(gap)) {
        report->trouble.damage.push_back(gap.detail);
        return false;
      }
    }
    return true;
  }
};

std::string text_of_doubles(std::uint64_t left_out) {
  return counted(left_out, "event was", "events were") +
         " left out that another recorder of the same endpoint has, too; --keep-doubles shows them";
}

Inputs::Inputs(std::vector<TapeFile> tapes,
               const TimeWindow& window,
               Recovery recovery,
               Doubles doubles)
    : impl_(std::make_unique<Impl>(std::move(tapes), window, recovery, doubles)) {
}
Inputs::~Inputs() = default;

bool Inputs::next(EventBatch& batch) {
  return impl_->next(batch);
}
const InputTrouble& Inputs::trouble() const {
  return impl_->report->trouble;
}
std::uint64_t Inputs::doubles() const {
  return impl_->double_filter.left_out();
}

void Inputs::spool_standard_input() {
  FdSource from(UniqueFd(::dup(STDIN_FILENO)), "standard input");
  const UniqueFd spool = spool_to_unlinked_file(from);
  ::dup2(spool.get(), STDIN_FILENO);
  rewind_standard_input();
}

void Inputs::rewind_standard_input() {
  ::lseek(STDIN_FILENO, 0, SEEK_SET);
}

}  // namespace smtptape
