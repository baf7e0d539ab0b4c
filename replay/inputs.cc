#include "replay/inputs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/tape_lock.h"
#include "format/tape/tape_reader.h"
#include "replay/tape_check.h"

namespace smtptape {

namespace {

constexpr std::string_view kStandardInput = "-";

bool of_one_capture(const std::vector<Origin>& origins) {
  return !origins.empty() && std::all_of(origins.begin(), origins.end(), [&](const Origin& origin) {
    return origin.capture == origins.front().capture;
  });
}

// From the earliest to the latest event or gap.
std::optional<TimeSpan> receive_times(const TapeFooter& footer) {
  std::optional<TimeSpan> span;
  const auto include = [&span](std::int64_t from, std::int64_t until) {
    if (!span) span = {from, until};
    span->first = std::min(span->first, from);
    span->last = std::max(span->last, until);
  };
  for (const GroupIndex& group : footer.groups) {
    if (group.events > 0) include(group.first_received, group.last_received);
    if (group.gaps.size() < group.gap_count) return std::nullopt;  // nobody knows
    for (const Gap& gap : group.gaps) {
      if (gap.from == 0 && gap.until == 0) continue;  // nobody knows
      include(gap.from != 0 ? gap.from : gap.until, std::max(gap.from, gap.until));
    }
  }
  return span;
}

TapeFile describe_file(const std::filesystem::path& path) {
  TapeFile file;
  file.path = path;
  if (path == kStandardInput) return file;
  const UniqueFd fd = open_for_reading(path);
  try {
    if (const auto summary = read_summary(fd.get())) {
      file.header = summary->header;
      file.origins = summary->footer.origins;
      file.mixed = !of_one_capture(file.origins);
      file.received = receive_times(summary->footer);
    } else {
      file.header = read_header(fd.get());
      if (file.header) file.origins = {file.header->origin};
      // Only a footer tells all the origins of a copy.
      file.mixed = !file.header || file.header->copy_of;
    }
  } catch (const Error& error) {
    throw Error(path.string() + ": " + error.what());
  }
  if (file.header) file.first_sequence = file.header->first_sequence;
  return file;
}

std::vector<std::filesystem::path> tapes_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".tape") continue;
    if (entry.symlink_status().type() == std::filesystem::file_type::regular) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// One tape, opened when its first event is asked for.
class TapeStream : public EventSource {
 public:
  TapeStream(TapeFile file, InputTrouble& trouble, Recovery recovery)
      : file_(std::move(file)), trouble_(trouble), recovery_(recovery) {}

  [[nodiscard]] bool next(EventBatch& batch) override {
    if (told_) return false;
    try {
      if (read(batch)) return true;
      tell();
    } catch (const Error& error) {
      if (file_.named) throw;
      batch.clear();
      trouble_.damage.push_back(std::string(error.what()) + "; passed over");
    }
    told_ = true;
    return false;
  }

  [[nodiscard]] const TapeFile& file() const { return file_; }

 private:
  bool read(EventBatch& batch) {
    if (!reader_) open();
    if (!reader_->next(batch)) return false;
    // What damage there is lies before this batch.
    if (recovery_ == Recovery::Skip || reader_->damage().empty()) return true;
    batch.clear();
    return false;
  }

  void open() {
    const bool standard_input = file_.path == kStandardInput;
    const std::string name = standard_input ? "standard input" : file_.path.string();
    UniqueFd fd = standard_input ? UniqueFd(::dup(STDIN_FILENO)) : open_for_reading(file_.path);
    live_ = !standard_input && is_being_written(fd.get());
    if (!standard_input) share_byte(fd.get(), kReaderByte);
    source_ = std::make_unique<FdSource>(std::move(fd), name);
    reader_ = std::make_unique<TapeReader>(*source_, name);
  }

  void tell() {
    const std::string& name = reader_->name();
    const std::string end = " at " + std::to_string(reader_->good_until());
    if (live_ && ends_normally_while_written(*reader_)) {
      trouble_.notices.push_back(name + ": is being written; read to its end" + end);
      return;
    }
    for (const Damage& damage : reader_->damage())
      trouble_.damage.push_back(name + " " + text_of(damage));
    if (reader_->end() == TapeEnd::Unclosed) {
      trouble_.notices.push_back(name + ": not sealed, its writer died or it was cut; " +
                                 "read to its end" + end);
    }
  }

  TapeFile file_;
  InputTrouble& trouble_;
  Recovery recovery_;
  std::unique_ptr<FdSource> source_;
  std::unique_ptr<TapeReader> reader_;
  bool live_ = false;  // when it was opened
  bool told_ = false;
};

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
  CaptureStream(std::vector<TapeFile> files, InputTrouble& trouble, Recovery recovery) {
    std::stable_sort(files.begin(), files.end(), [](const TapeFile& a, const TapeFile& b) {
      return a.first_sequence < b.first_sequence;
    });
    for (TapeFile& file : files)
      waiting_.push_back(std::make_unique<TapeStream>(std::move(file), trouble, recovery));
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

// Gaps that were given out; a copy of a tape holds those of its origin again.
class SeenGaps {
 public:
  // False when it was there already.
  bool add(const Gap& gap) {
    const Id128 capture = gap.origin == nullptr ? Id128{} : gap.origin->capture;
    return seen_
        .emplace(capture,
                 gap.cause,
                 gap.after_sequence,
                 gap.before_sequence,
                 gap.from,
                 gap.until,
                 gap.notice_sequence)
        .second;
  }

 private:
  using Key = std::tuple<Id128,
                         GapCause,
                         std::uint64_t,
                         std::uint64_t,
                         std::int64_t,
                         std::int64_t,
                         std::uint64_t>;
  std::set<Key> seen_;
};

// Which sequence numbers of a capture were given out, as ranges.
class Seen {
 public:
  // False when it was there already.
  bool add(std::uint64_t sequence) {
    auto after = ranges_.upper_bound(sequence);
    if (after != ranges_.begin()) {
      const auto before = std::prev(after);
      if (sequence <= before->second) return false;
      if (sequence == before->second + 1) {
        before->second = sequence;
        if (after != ranges_.end() && after->first == sequence + 1) {
          before->second = after->second;
          ranges_.erase(after);
        }
        return true;
      }
    }
    if (after != ranges_.end() && after->first == sequence + 1) {
      const std::uint64_t last = after->second;
      ranges_.erase(after);
      ranges_[sequence] = last;
    } else {
      ranges_[sequence] = sequence;
    }
    return true;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ranges_;  // first, last
};

}  // namespace

std::vector<ListedTape> list_tapes(const std::vector<std::string>& arguments) {
  std::vector<ListedTape> files;
  for (const std::string& argument : arguments) {
    if (argument == kStandardInput) {
      files.push_back({argument, true});
      continue;
    }
    std::error_code error;
    const auto status = std::filesystem::status(argument, error);
    if (status.type() == std::filesystem::file_type::not_found) {
      throw Error(argument + ": no such file or directory");
    }
    if (!std::filesystem::is_directory(status)) {
      files.push_back({argument, true});
      continue;
    }
    const auto found = tapes_in(argument);
    if (found.empty()) throw Error(argument + ": no tapes in this directory (*.tape)");
    for (const auto& path : found)
      files.push_back({path, false});
  }
  return files;
}

std::vector<TapeFile> find_tapes(const std::vector<std::string>& arguments) {
  std::vector<TapeFile> files;
  for (const ListedTape& tape : list_tapes(arguments)) {
    TapeFile file;
    try {
      file = describe_file(tape.path);
    } catch (const Error&) {
      if (tape.named) throw;
      file.path = tape.path;
      file.mixed = true;
    }
    file.named = tape.named;
    files.push_back(std::move(file));
  }
  return files;
}

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
  InputTrouble trouble;
  std::vector<Lane> lanes;   // in the order of their sources' names
  std::vector<Lane*> order;  // a heap, on top the lane that comes next; none that has ended
  bool shared_captures = false;
  std::map<Id128, Seen> seen;
  bool several = false;  // tapes: they may tell the same gaps
  SeenGaps seen_gaps;

  Recovery recovery;

  Impl(std::vector<TapeFile> tapes, const TimeWindow& window, Recovery how) : recovery(how) {
    std::map<Id128, std::vector<TapeFile>> by_capture;
    several = tapes.size() > 1;
    for (TapeFile& tape : tapes) {
      if (tape.received && !window.touches(*tape.received)) continue;
      if (tape.mixed || tape.origins.empty()) {
        const std::string source = tape.origins.empty() ? "" : tape.origins.front().source;
        add_lane(source, {tape}, std::make_unique<TapeStream>(tape, trouble, recovery));
        shared_captures = true;
      } else {
        by_capture[tape.origins.front().capture].push_back(std::move(tape));
      }
    }
    for (auto& [capture, files] : by_capture) {
      const std::string source = files.front().origins.front().source;
      add_lane(source, files, std::make_unique<CaptureStream>(files, trouble, recovery));
    }
    std::stable_sort(lanes.begin(), lanes.end(), [](const Lane& a, const Lane& b) {
      return a.source < b.source;
    });
    for (Lane& lane : lanes)
      order.push_back(&lane);
    std::make_heap(order.begin(), order.end(), comes_later);
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
    if (recovery == Recovery::Tail && !trouble.damage.empty()) {
      batch.clear();
      return false;
    }
    const bool more = lanes.size() == 1 ? lanes.front().stream->next(batch) : merge(batch);
    if (several) std::erase_if(batch.gaps, [&](const Gap& gap) { return !seen_gaps.add(gap); });
    return more;
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
  return impl_->trouble;
}

void Inputs::spool_standard_input() {
  FdSource from(UniqueFd(::dup(STDIN_FILENO)), "standard input");
  const UniqueFd spool = unlinked_file();
  std::vector<char> buffer(1 << 20);
  while (const std::size_t got = from.read(buffer.data(), buffer.size())) {
    write_all(spool.get(), {buffer.data(), got}, "a temporary file");
  }
  ::dup2(spool.get(), STDIN_FILENO);
  rewind_standard_input();
}

void Inputs::rewind_standard_input() {
  ::lseek(STDIN_FILENO, 0, SEEK_SET);
}

}  // namespace smtptape
