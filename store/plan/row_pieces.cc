#include "store/plan/row_pieces.h"

#include <algorithm>
#include <deque>
#include <future>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "store/plan/row_scan.h"
#include "store/plan/row_tape.h"
#include "store/read/tape_stream.h"

namespace smtptape {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kAhead = 2;  // groups of a recorder whose rows are read

// The tapes of one capture, in their order.
struct Lane {
  struct Task {
    std::shared_ptr<const OpenedTape> tape;
    std::size_t group = 0;
    std::future<std::optional<SessionRows>> rows;
  };
  struct Scan {
    std::unique_ptr<EventSource> events;
    std::unique_ptr<RowScan> rows;
  };
  Id128 capture;
  std::string source;
  std::vector<const TapeFile*> tapes;
  std::vector<std::int64_t> earliest;  // of this tape and those behind it
  std::size_t next_tape = 0;
  std::shared_ptr<const OpenedTape> open;
  std::size_t next_group = 0;  // of it
  std::deque<Task> tasks;
  std::optional<Scan> scan;  // what comes first
  std::int64_t scanned = kNever;
  std::uint64_t run = 0;

  [[nodiscard]] std::int64_t head() const {
    if (scan) return scanned;
    if (!tasks.empty()) {
      const Task& first = tasks.front();
      return std::min(first.tape->earliest[first.group], behind());
    }
    if (has_group()) return std::min(open->earliest[next_group], behind());
    return behind();
  }
  [[nodiscard]] bool has_group() const {
    return open != nullptr && next_group < open->earliest.size();
  }
  [[nodiscard]] std::int64_t behind() const {
    return next_tape < tapes.size() ? earliest[next_tape] : kNever;
  }
};

// The least that may come of a tape.
std::int64_t earliest_of(const TapeFile& tape) {
  if (tape.received) return tape.received->first;
  const bool recorded = tape.header && !tape.header->copy_of && !tape.header->origin.imported;
  return recorded && !tape.sealed ? tape.header->clock.realtime
                                  : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

struct RowPieces::Impl {
  std::shared_ptr<GroupPool> pool;
  std::vector<std::string> keys;
  std::optional<std::vector<std::uint64_t>> chosen;
  std::vector<TapeFile> tapes;
  std::vector<Lane> lanes;
  InputReport report;
  Told told;
  std::uint64_t runs = 0;

  Impl(const std::vector<TapeFile>& from,
       std::shared_ptr<GroupPool> threads,
       std::vector<std::string> row_keys,
       std::optional<std::vector<std::uint64_t>> wanted)
      : pool(std::move(threads)),
        keys(std::move(row_keys)),
        chosen(std::move(wanted)),
        tapes(from) {
    compare_neighbours();
    std::map<Id128, std::vector<const TapeFile*>> captures;
    for (const TapeFile& tape : tapes)
      captures[capture_of(tape)].push_back(&tape);
    for (auto& [capture, of_one] : captures)
      add_lane(capture, std::move(of_one));
  }

  ~Impl() {
    for (Lane& lane : lanes)
      for (Lane::Task& task : lane.tasks)
        task.rows.wait();
  }

  static Id128 capture_of(const TapeFile& tape) {
    return tape.origins.empty() ? Id128() : tape.origins.front().capture;
  }

  // What is missing between two of them; of one that is read, its end tells.
  void compare_neighbours() {
    for (TapeFile& tape : tapes)
      if (tape.row) tape.place_in_row = report.rows.add(*tape.row);
    report.rows.link();
    for (const TapeFile& tape : tapes) {
      if (!tape.row || !has_rows(tape)) continue;
      report.rows.begun(tape.place_in_row, *tape.row);
      report.rows.ended(tape.place_in_row, *tape.row);
    }
    note_missing();
  }

  void note_missing() {
    for (const Gap& gap : report.rows.take_missing()) {
      told.missing = true;
      note(gap);
    }
  }

  void note(Gap gap) {
    ++told.gap_count;
    gap.origin = nullptr;
    if (told.gaps.size() < kMostGapsTold) told.gaps.push_back(std::move(gap));
  }

  void add_lane(const Id128& capture, std::vector<const TapeFile*> of_one) {
    std::sort(of_one.begin(), of_one.end(), [](const TapeFile* a, const TapeFile* b) {
      const auto number = [](const TapeFile& tape) {
        return tape.origins.empty() ? 0 : tape.origins.front().tape_number;
      };
      return std::tuple(number(*a), a->first_sequence) < std::tuple(number(*b), b->first_sequence);
    });
    Lane lane;
    lane.capture = capture;
    for (const TapeFile* const tape : of_one) {
      lane.earliest.push_back(earliest_of(*tape));
      if (!tape->origins.empty()) lane.source = tape->origins.front().source;
    }
    lane.earliest = running_minimum_from_behind(std::move(lane.earliest));
    lane.tapes = std::move(of_one);
    lanes.push_back(std::move(lane));
  }

  Lane* first_lane() {
    const auto first =
        std::min_element(lanes.begin(), lanes.end(), [](const auto& a, const auto& b) {
          return a.head() < b.head();
        });
    return first == lanes.end() ? nullptr : &*first;
  }

  bool next(RowPiece& piece) {
    for (;;) {
      Lane* const lane = first_lane();
      if (lane == nullptr) return false;
      if (!lane->scan) fill(*lane);
      if (lane->scan) {
        if (next_of_scan(*lane, piece)) return true;
        continue;
      }
      if (!lane->tasks.empty()) {
        if (next_of_tasks(*lane, piece)) return true;
        continue;
      }
      if (lane->next_tape >= lane->tapes.size()) {
        if (is_over()) return false;
        continue;
      }
      scan_tape(*lane);
    }
  }

  [[nodiscard]] bool is_over() const {
    return std::all_of(lanes.begin(), lanes.end(), [](const Lane& lane) {
      return !lane.scan && lane.tasks.empty() && !lane.has_group() &&
             lane.next_tape >= lane.tapes.size();
    });
  }

  // Reads rows ahead; ends before a tape that has to be read itself.
  void fill(Lane& lane) {
    while (lane.tasks.size() < kAhead) {
      if (lane.has_group()) {
        ask(lane, lane.next_group++);
        continue;
      }
      if (lane.next_tape >= lane.tapes.size() || !open(lane)) return;
    }
  }

  void ask(Lane& lane, std::size_t group) {
    const auto promise = std::make_shared<std::promise<std::optional<SessionRows>>>();
    lane.tasks.push_back({lane.open, group, promise->get_future()});
    pool->run([promise, tape = lane.open, group, this] {
      try {
        promise->set_value(rows_of(*tape, group, keys));
      } catch (...) {
        promise->set_exception(std::current_exception());
      }
    });
  }

  // False: the next tape has to be read itself.
  bool open(Lane& lane) {
    auto tape = open_for_rows(*lane.tapes[lane.next_tape]);
    if (tape == nullptr) return false;
    ++lane.next_tape;
    if (chosen && !may_hold_sessions(*tape, *chosen)) return true;
    lane.open = std::move(tape);
    lane.next_group = 0;
    return true;
  }

  bool next_of_tasks(Lane& lane, RowPiece& piece) {
    Lane::Task task = std::move(lane.tasks.front());
    lane.tasks.pop_front();
    auto rows = task.rows.get();
    if (!rows) {
      auto events = std::make_unique<GroupStream>(task.tape, task.group, told.trouble);
      begin_scan(lane, std::move(events), task.tape->earliest[task.group]);
      return false;
    }
    const GroupIndex& index = task.tape->index(task.group);
    for (const Gap& gap : index.gaps)
      note(gap);
    told.events += index.events;
    ++told.groups_by_rows;
    if (task.group == 0) lane.run = ++runs;
    piece = {lane.source, std::move(*rows), index.gap_count > 0, lane.run};
    return true;
  }

  void scan_tape(Lane& lane) {
    const std::int64_t earliest = lane.behind();
    const TapeFile& file = *lane.tapes[lane.next_tape++];
    begin_scan(lane, std::make_unique<TapeStream>(file, report, Recovery::Skip), earliest);
  }

  void begin_scan(Lane& lane, std::unique_ptr<EventSource> events, std::int64_t earliest) {
    ++told.groups_scanned;
    Lane::Scan scan{std::move(events), nullptr};
    scan.rows = std::make_unique<RowScan>(*scan.events, keys, lane.capture);
    lane.scan = std::move(scan);
    lane.scanned = earliest;
  }

  bool next_of_scan(Lane& lane, RowPiece& piece) {
    std::vector<Gap> gaps;
    const std::uint64_t before = lane.scan->rows->events();
    const bool more = lane.scan->rows->next(piece.rows, piece.source, gaps);
    told.events += lane.scan->rows->events() - before;
    piece.has_gaps = !gaps.empty();
    piece.run = lane.run;
    for (Gap& gap : gaps)
      note(std::move(gap));
    note_missing();
    if (!more) end_scan(lane);
    return more;
  }

  // Not all that is there was read, it may be.
  void end_scan(Lane& lane) {
    lane.scan.reset();
    lane.run = ++runs;
  }

  static constexpr std::size_t kMostGapsTold = 10'000;
};

RowPieces::RowPieces(const std::vector<TapeFile>& tapes,
                     std::shared_ptr<GroupPool> pool,
                     std::vector<std::string> keys,
                     std::optional<std::vector<std::uint64_t>> chosen)
    : impl_(std::make_unique<Impl>(tapes, std::move(pool), std::move(keys), std::move(chosen))) {
}

RowPieces::~RowPieces() = default;

bool RowPieces::are_worth_it(const std::vector<TapeFile>& tapes) {
  return std::any_of(tapes.begin(), tapes.end(), has_rows);
}

bool RowPieces::next(RowPiece& piece) {
  return impl_->next(piece);
}

std::int64_t RowPieces::frontier() const {
  std::int64_t least = kNever;
  for (const Lane& lane : impl_->lanes)
    least = std::min(least, lane.head());
  return least;
}

const RowPieces::Told& RowPieces::told() const {
  InputTrouble& trouble = impl_->told.trouble;
  for (std::string& notice : impl_->report.trouble.notices)
    trouble.notices.push_back(std::move(notice));
  for (std::string& damage : impl_->report.trouble.damage)
    trouble.damage.push_back(std::move(damage));
  impl_->report.trouble = {};
  return impl_->told;
}

}  // namespace smtptape
