#include "store/inputs.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "store/seen.h"
#include "store/tape_stream.h"

namespace smtptape {

namespace {

// The batch at the head of a stream, and how far it was taken.
struct Head {
  std::shared_ptr<EventBatch> batch;
  std::size_t taken = 0;
  [[nodiscard]] const Event& event() const { return batch->events[taken]; }
  [[nodiscard]] bool used_up() const { return batch == nullptr || taken == batch->events.size(); }
};

// A merged batch keeps alive the batches that its events come from, so it ends early when these
// are large.
class MergedSize {
 public:
  [[nodiscard]] bool full() const { return events_ >= kMostEvents || bytes_ >= kMostBytes; }
  void add(const Event& event) {
    ++events_;
    bytes_ += event.text.size() + (event.verbatim == nullptr ? 0 : event.verbatim->frame.size());
  }

 private:
  static constexpr std::size_t kMostEvents = 512;
  static constexpr std::size_t kMostBytes = kMiB;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
};

// There is something beside events.
bool has_loose(const EventBatch& batch) {
  return !batch.gaps.empty() || !batch.notes.empty() || !batch.foreign.empty();
}

// Fetches the next batch with events; what stands beside events is handed to `loose`.
template <class Source>
bool refill(Source& source, Head& head, EventBatch& loose) {
  for (;;) {
    head = {std::make_shared<EventBatch>(), 0};
    if (!source.next(*head.batch)) {
      head.batch.reset();
      return false;
    }
    // What the batch pins owns the origins of its gaps; the batch itself may be emptied before.
    if (!head.batch->gaps.empty()) {
      loose.pins.insert(loose.pins.end(), head.batch->pins.begin(), head.batch->pins.end());
    }
    for (Gap& gap : head.batch->gaps)
      loose.gaps.push_back(std::move(gap));
    for (Note& note : head.batch->notes)
      loose.notes.push_back(std::move(note));
    for (const std::string_view record : head.batch->foreign)
      loose.foreign.push_back(loose.arena.copy(record));
    head.batch->gaps.clear();
    head.batch->notes.clear();
    head.batch->foreign.clear();
    if (!head.batch->events.empty()) return true;
  }
}

// The tapes of one capture, in order of sequence, each event once.
class CaptureStream : public EventSource {
 public:
  CaptureStream(std::vector<TapeFile> files, InputReport& report, Recovery recovery) {
    std::stable_sort(files.begin(), files.end(), [](const TapeFile& a, const TapeFile& b) {
      return a.first_sequence < b.first_sequence;
    });
    for (TapeFile& file : files)
      waiting_.push_back(std::make_unique<TapeStream>(std::move(file), report, recovery));
  }

  [[nodiscard]] bool next(EventBatch& out) override {
    out.clear();
    open_due(out);
    if (active_.size() == 1 && active_.front().untouched() && runs_alone(active_.front())) {
      return pass_through(out);
    }
    if (active_.empty()) return has_loose(out);
    merge(out);
    return true;
  }

 private:
  struct Active {
    std::unique_ptr<TapeStream> stream;
    Head head;
    [[nodiscard]] bool untouched() const { return head.batch != nullptr && head.taken == 0; }
  };

  // Opens what may hold the next event.  A tape that turns out empty is left behind.
  void open_due(EventBatch& loose) {
    while (!waiting_.empty() &&
           (active_.empty() || waiting_.front()->file().first_sequence <= least_head())) {
      Active opened{std::move(waiting_.front()), {}};
      waiting_.pop_front();
      if (refill(*opened.stream, opened.head, loose)) active_.push_back(std::move(opened));
    }
  }

  [[nodiscard]] std::uint64_t least_head() const {
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (const Active& active : active_)
      least = std::min(least, active.head.event().sequence);
    return least;
  }

  // Everything of its batch comes before whatever another tape may hold.
  [[nodiscard]] bool runs_alone(const Active& active) const {
    const auto& events = active.head.batch->events;
    return events.front().sequence > last_ &&
           (waiting_.empty() || events.back().sequence < waiting_.front()->file().first_sequence);
  }

  bool pass_through(EventBatch& out) {
    Active& only = active_.front();
    std::vector<Gap> gaps = std::move(out.gaps);
    std::vector<Note> notes = std::move(out.notes);
    const std::vector<std::string_view> foreign = std::move(out.foreign);
    std::vector<std::shared_ptr<const void>> pins = std::move(out.pins);
    const std::shared_ptr<EventBatch> batch = std::move(only.head.batch);
    std::swap(out, *batch);
    last_ = out.events.back().sequence;
    out.gaps = std::move(gaps);
    out.notes = std::move(notes);
    for (const std::string_view record : foreign)  // they stood in what `batch` now holds
      out.foreign.push_back(out.arena.copy(record));
    out.pins.insert(out.pins.end(), pins.begin(), pins.end());
    if (!refill(*only.stream, only.head, out)) active_.clear();
    return true;
  }

  void merge(EventBatch& out) {
    MergedSize size;
    while (!size.full() && !active_.empty()) {
      const auto least =
          std::min_element(active_.begin(), active_.end(), [](const Active& a, const Active& b) {
            return a.head.event().sequence < b.head.event().sequence;
          });
      const Event& event = least->head.event();
      if (!waiting_.empty() && waiting_.front()->file().first_sequence <= event.sequence) return;
      if (event.sequence > last_) {
        last_ = event.sequence;
        size.add(event);
        out.events.push_back(event);
        if (out.pins.empty() || out.pins.back() != least->head.batch) {
          out.pins.push_back(least->head.batch);
        }
      }
      ++least->head.taken;
      if (least->head.used_up() && !refill(*least->stream, least->head, out)) active_.erase(least);
    }
  }

  std::deque<std::unique_ptr<TapeStream>> waiting_;  // by first sequence
  std::list<Active> active_;
  std::uint64_t last_ = 0;
};

}  // namespace

struct Inputs::Impl {
  // The tapes of a capture, or one tape that may hold events of several: in that one sequences
  // say nothing, and the order is the file's.
  struct Lane {
    std::unique_ptr<EventSource> stream;
    std::string source;
    Head head;
    // Receive time, never going back; between two batches the next event has this or a later one.
    std::int64_t key = std::numeric_limits<std::int64_t>::min();
  };
  // What batches point into lives as long as they do.
  std::shared_ptr<InputReport> report = std::make_shared<InputReport>();
  std::vector<Lane> lanes;   // in the order of their sources' names
  std::vector<Lane*> order;  // a heap, on top the lane that comes next; none that has ended
  bool shared_captures = false;
  std::map<Id128, Seen> seen;
  bool several;  // tapes: they may tell the same gaps
  SeenGaps seen_gaps;

  TimeWindow window;
  Recovery recovery;

  Impl(std::vector<TapeFile> tapes, const TimeWindow& wanted, Recovery how)
      : several(tapes.size() > 1), window(wanted), recovery(how) {
    look_at_rows(tapes);
    std::map<Id128, std::vector<TapeFile>> by_capture;
    for (TapeFile& tape : tapes) {
      if (is_outside(tape)) continue;
      if (tape.mixed || tape.origins.empty()) {
        const std::string source = tape.origins.empty() ? "" : tape.origins.front().source;
        add_lane(source, {tape}, std::make_unique<TapeStream>(tape, *report, recovery));
        shared_captures = true;
      } else {
        by_capture[tape.origins.front().capture].push_back(std::move(tape));
      }
    }
    for (auto& [capture, files] : by_capture) {
      const std::string source = files.front().origins.front().source;
      add_lane(source, files, std::make_unique<CaptureStream>(files, *report, recovery));
    }
    std::stable_sort(lanes.begin(), lanes.end(), [](const Lane& a, const Lane& b) {
      return a.source < b.source;
    });
    for (Lane& lane : lanes)
      order.push_back(&lane);
    std::make_heap(order.begin(), order.end(), comes_later);
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

  static bool comes_later(const Lane* a, const Lane* b) {
    return a->key != b->key ? a->key > b->key : a > b;
  }

  void add_lane(const std::string& source,
                const std::vector<TapeFile>& files,
                std::unique_ptr<EventSource> stream) {
    Lane& lane = lanes.emplace_back();
    lane.source = source;
    lane.stream = std::move(stream);
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    for (const TapeFile& file : files) {
      if (!file.received) return;
      earliest = std::min(earliest, file.received->first);
    }
    lane.key = earliest;
  }

  bool next(EventBatch& batch) {
    bool more = !ends_here() && read(batch);
    bool ends_before = false;  // this batch
    if (several) std::erase_if(batch.gaps, [&](const Gap& gap) { return !seen_gaps.add(gap); });
    for (Gap& gap : report->rows.take_missing()) {
      if (recovery == Recovery::Skip) {
        if (!std::exchange(more, true)) batch.clear();
        batch.pins.push_back(report);
        batch.gaps.push_back(std::move(gap));
      } else if (window.touches(gap)) {
        report->trouble.damage.push_back(gap.detail);
        ends_before = true;
      }
    }
    if (more && !ends_before) return true;
    batch.clear();
    return false;
  }

  [[nodiscard]] bool ends_here() const {
    return recovery == Recovery::Tail && !report->trouble.damage.empty();
  }

  bool read(EventBatch& batch) {
    return lanes.size() == 1 ? lanes.front().stream->next(batch) : merge(batch);
  }

  // A lane is opened when it may hold the next event: a store of a thousand captures, one after
  // another, needs the memory and descriptors of one.
  bool merge(EventBatch& batch) {
    batch.clear();
    MergedSize size;
    while (!size.full() && !order.empty()) {
      std::pop_heap(order.begin(), order.end(), comes_later);
      Lane& lane = *order.back();
      if (!lane.head.used_up()) {
        size.add(lane.head.event());
        take(lane, batch);
      } else if (!refill(*lane.stream, lane.head, batch)) {
        lane.stream.reset();
        order.pop_back();
        continue;
      }
      if (!lane.head.used_up()) lane.key = std::max(lane.key, lane.head.event().received);
      std::push_heap(order.begin(), order.end(), comes_later);
    }
    return !batch.events.empty() || has_loose(batch);
  }

  void take(Lane& lane, EventBatch& out) {
    const Event& event = lane.head.event();
    ++lane.head.taken;
    if (shared_captures && event.origin != nullptr &&
        !seen[event.origin->capture].add(event.sequence)) {
      return;
    }
    out.events.push_back(event);
    if (out.pins.empty() || out.pins.back() != lane.head.batch) out.pins.push_back(lane.head.batch);
  }
};

Inputs::Inputs(std::vector<TapeFile> tapes, const TimeWindow& window, Recovery recovery)
    : impl_(std::make_unique<Impl>(std::move(tapes), window, recovery)) {
}
Inputs::~Inputs() = default;

bool Inputs::next(EventBatch& batch) {
  return impl_->next(batch);
}
const InputTrouble& Inputs::trouble() const {
  return impl_->report->trouble;
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
