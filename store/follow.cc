#include "store/follow.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/time_spec.h"
#include "format/limits.h"
#include "store/followed_row.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {

// A batch given out ends after so much, because it keeps alive what its events come from.
constexpr std::size_t kMostEvents = 512;

// A row and the batch at its head.
struct Lane {
  std::unique_ptr<FollowedRow> row;
  std::string name;
  std::shared_ptr<EventBatch> head;
  std::size_t taken = 0;
  std::int64_t key = std::numeric_limits<std::int64_t>::min();  // receive time, never going back

  [[nodiscard]] bool has_event() const { return head != nullptr && taken < head->events.size(); }
  [[nodiscard]] const Event& event() const { return head->events[taken]; }
};

// Whether `a` comes out first; equal ones of a capture in the order of their sequences.
bool comes_before(const Lane& a, const Lane& b) {
  if (a.key != b.key) return a.key < b.key;
  const Event& of_a = a.event();
  const Event& of_b = b.event();
  const bool same = of_a.origin != nullptr && of_b.origin != nullptr &&
                    of_a.origin->capture == of_b.origin->capture;
  return same ? of_a.sequence < of_b.sequence : a.name < b.name;
}

// The tapes among `files` that are a row, by directory and source; each other one alone.
std::vector<std::deque<fs::path>> rows_of(const std::vector<std::string>& files) {
  std::vector<std::deque<fs::path>> rows;
  std::map<std::pair<fs::path, std::string>, std::vector<NumberedTape>> numbered;
  for (const std::string& file : files) {
    const fs::path path = file;
    std::optional<TapeName> name = parse_tape_name(path.filename().native());
    if (name) {
      const std::string source = name->source;
      numbered[{path.parent_path(), source}].push_back({std::move(*name), path});
    } else {
      rows.push_back({path});
    }
  }
  for (auto& [key, tapes] : numbered) {
    std::stable_sort(tapes.begin(), tapes.end(), [](const NumberedTape& a, const NumberedTape& b) {
      return a.name.number < b.name.number;
    });
    std::deque<fs::path>& row = rows.emplace_back();
    for (const NumberedTape& tape : tapes)
      row.push_back(tape.path);
  }
  return rows;
}

// The last sequence that came out of each capture.
class LastOfCaptures {
 public:
  // False when it came out before.
  bool add(const Event& event) {
    if (event.origin == nullptr) return true;
    if (last_ == nullptr || event.origin->capture != capture_) {
      capture_ = event.origin->capture;
      last_ = &of_capture_[capture_];
    }
    if (event.sequence <= *last_) return false;
    *last_ = event.sequence;
    return true;
  }

 private:
  std::map<Id128, std::uint64_t> of_capture_;
  Id128 capture_{};
  std::uint64_t* last_ = nullptr;  // of `capture_`
};

}  // namespace

struct FollowSource::Impl {
  using Clock = WatchedDirectory::Clock;

  Impl(FollowOptions the_options, FollowHooks the_hooks)
      : options(std::move(the_options)), hooks(std::move(the_hooks)) {
    if (!options.now) options.now = now_unix_nanos;
    board.poll_interval = options.poll_interval;
    board.window = options.window;
  }
  ~Impl() {
    {
      const std::lock_guard lock(board.mutex);
      board.stopped = true;
    }
    board.changed.notify_all();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  FollowOptions options;
  FollowHooks hooks;
  FollowBoard board;
  struct Followed {
    std::shared_ptr<WatchedDirectory> directory;
    std::set<std::string> known;  // sources that have a lane
  };
  std::vector<Followed> directories;
  Clock::time_point listed;
  LastOfCaptures last;
  bool incomplete = false;
  std::vector<Lane> lanes;  // after the board: their threads use it

  // ---- which rows there are ----

  void open() {
    std::vector<std::string> files;
    for (const std::string& name : options.tapes) {
      std::error_code error;
      const auto type = fs::status(name, error).type();
      if (type == fs::file_type::not_found) throw Error(name + ": no such file or directory");
      if (type == fs::file_type::directory) {
        directories.push_back({std::make_shared<WatchedDirectory>(name), {}});
      } else if (type == fs::file_type::regular) {
        files.push_back(name);
      } else {
        throw Error(name + ": neither a file nor a directory, so it can't be followed");
      }
    }
    look_for_rows();
    for (const Followed& followed : directories) {
      // Copies that were put beside the recordings; what appears later is no recording either.
      const auto listing = followed.directory->listing({});
      for (const fs::path& path : listing->others)
        files.push_back(path.string());
    }
    for (auto& row : rows_of(files))
      add_lane(row.front().string(),
               [&] { return std::make_unique<FollowedRow>(board, std::move(row)); });
  }

  void look_for_rows() {
    listed = Clock::now();
    for (Followed& followed : directories) {
      const auto listing = followed.directory->listing(listed);
      for (const auto& [source, row] : listing->rows) {
        if (!followed.known.insert(source).second) continue;
        add_lane(source, [&, name = source] {
          return std::make_unique<FollowedRow>(board, followed.directory, name);
        });
      }
    }
  }

  template <class MakeRow>
  void add_lane(const std::string& name, MakeRow make_row) {
    if (lanes.size() == kMostRows) {
      throw Error("more than " + std::to_string(kMostRows) +
                  " sources and single tapes to follow at once; name fewer");
    }
    Lane& lane = lanes.emplace_back();
    lane.name = name;
    lane.row = make_row();
  }

  // ---- what comes next ----

  bool next(EventBatch& batch) {
    batch.clear();
    for (;;) {
      if (!hooks.go_on()) return false;
      const auto listing_due = listed + 5 * board.poll_interval;
      if (!directories.empty() && Clock::now() >= listing_due) look_for_rows();
      std::vector<FollowNews> news;
      bool mergeable = false;
      {
        std::unique_lock lock(board.mutex);
        const bool settled = fetch(batch, news);
        mergeable = settled && has_event();
        if (!mergeable && news.empty() && batch.gaps.empty()) {
          if (settled && is_over()) return false;
          board.changed.wait_for(lock, board.poll_interval);
          continue;
        }
      }
      tell(news);
      if (incomplete && options.recovery == Recovery::Tail) return false;
      if (mergeable) merge(batch);
      if (!batch.events.empty() || !batch.gaps.empty()) return true;
    }
  }

  void tell(const std::vector<FollowNews>& news) {
    for (const FollowNews& piece : news) {
      incomplete = incomplete || piece.loss;
      hooks.report(piece.line);
    }
  }

  // Takes what the rows have; false while one is on its way to its next batch.
  bool fetch(EventBatch& loose, std::vector<FollowNews>& news) {
    bool settled = true;
    for (Lane& lane : lanes) {
      if (lane.has_event()) continue;
      for (FollowNews& piece : lane.row->take_news())
        news.push_back(std::move(piece));
      lane.head = lane.row->take_batch();
      lane.taken = 0;
      if (lane.head != nullptr) take_loose(*lane.head, lane.head, loose);
      if (lane.has_event()) {
        note_key(lane);
      } else if (lane.head != nullptr || lane.row->state() == FollowedRow::State::Reading) {
        settled = false;
      }
    }
    return settled;
  }

  // What stands beside the events goes on at once.
  static void take_loose(EventBatch& from, const std::shared_ptr<EventBatch>& pin, EventBatch& to) {
    if (from.gaps.empty()) return;
    to.pins.push_back(pin);
    for (Gap& gap : from.gaps)
      to.gaps.push_back(std::move(gap));
    from.gaps.clear();
  }

  static void note_key(Lane& lane) { lane.key = std::max(lane.key, lane.event().received); }

  [[nodiscard]] bool has_event() const {
    return std::any_of(
        lanes.begin(), lanes.end(), [](const Lane& lane) { return lane.has_event(); });
  }

  // Until the head of a lane is used up: what follows it is not known.
  void merge(EventBatch& out) {
    while (out.events.size() < kMostEvents) {
      Lane* first = nullptr;
      for (Lane& lane : lanes) {
        if (lane.has_event() && (first == nullptr || comes_before(lane, *first))) first = &lane;
      }
      if (first == nullptr) return;
      if (last.add(first->event())) {
        out.events.push_back(first->event());
        if (out.pins.empty() || out.pins.back() != first->head) out.pins.push_back(first->head);
      }
      ++first->taken;
      if (!first->has_event()) return;
      note_key(*first);
    }
  }

  // Every lane has said what it has, and that is nothing.  A clock that was set back puts events
  // before `until` behind later ones: so all that is there is read.
  [[nodiscard]] bool is_over() const {
    const bool all_ended = std::all_of(lanes.begin(), lanes.end(), [](const Lane& lane) {
      return lane.row->state() == FollowedRow::State::Ended;
    });
    if (directories.empty() && all_ended) return true;
    if (!options.window.until) return false;
    return options.now() - options.flush_grace.count() >= *options.window.until;
  }
};

FollowSource::FollowSource(FollowOptions options, FollowHooks hooks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hooks))) {
  impl_->open();
}

FollowSource::~FollowSource() = default;

bool FollowSource::next(EventBatch& batch) {
  return impl_->next(batch);
}

bool FollowSource::incomplete() const {
  return impl_->incomplete;
}

}  // namespace smtptape
