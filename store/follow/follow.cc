#include "store/follow/follow.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/time_spec.h"
#include "store/follow/followed_row.h"
#include "store/merge/capture_rows.h"
#include "store/merge/double_filter.h"
#include "store/merge/merge.h"
#include "store/merge/seen.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {

// The tapes among `files` that are a row, by directory and source; each other one alone.
std::vector<std::vector<fs::path>> rows_of(const std::vector<std::string>& files) {
  std::vector<std::vector<fs::path>> rows;
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
    std::vector<fs::path>& row = rows.emplace_back();
    for (const NumberedTape& tape : tapes)
      row.push_back(tape.path);
  }
  return rows;
}

}  // namespace

struct FollowSource::Impl {
  using Clock = WatchedDirectory::Clock;

  Impl(FollowOptions the_options, FollowHooks the_hooks)
      : options(std::move(the_options)), hooks(std::move(the_hooks)) {
    if (!options.now) options.now = now_unix_nanos;
    board.poll_interval = options.poll_interval;
    board.window = options.window;
    board.recovery = options.recovery;
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
  struct Lane {
    std::unique_ptr<FollowedRow> tapes;
    Merge::RowId row = 0;
    bool paused = false;
  };
  std::vector<Followed> directories;
  Clock::time_point listed;
  bool incomplete = false;
  bool over = false;
  SeenGaps seen_gaps;
  CaptureRows rows;  // of what was there at the start
  std::map<fs::path, std::vector<std::size_t>> rows_of_tape;
  Merge merge;
  DoubleFilter double_filter;
  std::vector<Lane> lanes;  // by the merge's lanes.  Last: their threads use the board

  // ---- which lanes there are ----

  void open() {
    std::vector<std::string> named;
    for (const std::string& name : options.tapes) {
      std::error_code error;
      const auto type = fs::status(name, error).type();
      if (type == fs::file_type::not_found) throw Error(name + ": no such file or directory");
      if (type == fs::file_type::directory) {
        directories.push_back({std::make_shared<WatchedDirectory>(name), {}});
      } else if (type == fs::file_type::regular) {
        named.push_back(name);
      } else {
        throw Error(name + ": neither a file nor a directory, so it can't be followed");
      }
    }
    look_at_tapes(named);
    look_for_rows();
    for (const auto& of_one : rows_of(named))
      add_files(of_one, true);
    // Copies that were put beside the recordings; what appears later is no recording either.
    for (const Followed& followed : directories) {
      const auto listing = followed.directory->listing({});
      for (const fs::path& path : listing->others)
        add_files({path}, false);
    }
  }

  // What is there, where more is read than the recordings of one directory.
  void look_at_tapes(const std::vector<std::string>& named) {
    std::vector<ListedTape> there;
    for (const std::string& name : named)
      there.push_back({name, true});
    bool several = !named.empty() || directories.size() > 1;
    for (const Followed& followed : directories) {
      const auto listing = followed.directory->listing({});
      several = several || !listing->others.empty();
      for (const fs::path& path : listing->others)
        there.push_back({path, false});
      for (const auto& [source, row] : listing->rows)
        for (const NumberedTape& tape : row)
          there.push_back({tape.path, false});
    }
    if (!several) return;
    std::vector<TapeFile> tapes = describe_tapes(there, board.footers);
    rows = rows_of_merge(tapes, merge);
    for (const TapeFile& tape : tapes)
      rows_of_tape[tape.path] = rows.rows_of(tape);
  }

  void look_for_rows() {
    listed = Clock::now();
    for (Followed& followed : directories) {
      const auto listing = followed.directory->listing(listed);
      for (const auto& [source, row] : listing->rows) {
        if (!followed.known.insert(source).second) continue;
        std::vector<fs::path> tapes;
        for (const NumberedTape& tape : row)
          tapes.push_back(tape.path);
        add_lane(row_of(tapes, source), [&, name = source] {
          return std::make_unique<FollowedRow>(board, followed.directory, name);
        });
      }
    }
  }

  // Tapes of one source, or one tape with events of several.
  void add_files(const std::vector<fs::path>& files, bool named) {
    std::deque<ListedTape> tapes;
    for (const fs::path& file : files)
      tapes.push_back({file, named});
    const std::vector<std::size_t>& of_tape = rows_of_tape[files.front()];
    if (files.size() > 1 || of_tape.size() <= 1) {
      return add_lane(row_of(files, {}), [&] {
        return std::make_unique<FollowedRow>(board, std::move(tapes), TapeShare{});
      });
    }
    for (const std::size_t row : of_tape) {
      const TapeShare share{&rows, row, row == of_tape.front()};
      add_lane(row, [&] { return std::make_unique<FollowedRow>(board, tapes, share); });
    }
  }

  // The row that they are known to belong to, or a new one.
  Merge::RowId row_of(const std::vector<fs::path>& tapes, const std::string& source) {
    for (const fs::path& tape : tapes) {
      const auto known = rows_of_tape.find(tape);
      if (known != rows_of_tape.end() && !known->second.empty()) return known->second.front();
    }
    return merge.add_row(source);
  }

  template <class MakeRow>
  void add_lane(Merge::RowId row, MakeRow make_row) {
    if (lanes.size() == kMostRows) {
      throw Error("more than " + std::to_string(kMostRows) +
                  " sources and single tapes to follow at once; name fewer");
    }
    merge.add_lane(row, {});
    lanes.push_back({make_row(), row});
  }

  // ---- what comes next ----

  bool next(EventBatch& batch) {
    batch.clear();
    while (!over && hooks.go_on()) {
      const auto listing_due = listed + 5 * board.poll_interval;
      if (!directories.empty() && Clock::now() >= listing_due) look_for_rows();
      std::vector<FollowNews> news;
      {
        std::unique_lock lock(board.mutex);
        for (Merge::LaneId lane = 0; lane < lanes.size(); ++lane) {
          if (lanes[lane].paused) look_again(lane);
        }
        const bool settled = merge_what_is_there(batch, news);
        double_filter.leave_out(batch);
        std::erase_if(batch.gaps, [this](const Gap& gap) { return !seen_gaps.add(gap); });
        if (news.empty() && batch.events.empty() && batch.gaps.empty()) {
          if (!batch.pins.empty()) return true;  // all of it was left out
          if (settled && is_over()) return false;
          board.changed.wait_for(lock, board.poll_interval);
          continue;
        }
      }
      tell(news);
      over = incomplete && options.recovery == Recovery::Tail;
      if (!batch.events.empty() || !batch.gaps.empty()) return true;
    }
    return false;
  }

  void tell(const std::vector<FollowNews>& news) {
    for (const FollowNews& piece : news) {
      incomplete = incomplete || piece.loss;
      hooks.report(piece.line);
    }
  }

  // False: the row whose turn it is, is on its way to its next batch.
  bool merge_what_is_there(EventBatch& out, std::vector<FollowNews>& news) {
    while (news.empty()) {
      const auto lane = merge.run(out);
      if (!lane) break;
      if (!ask(*lane, out, news)) return false;
    }
    return true;
  }

  // Tells the merge what a lane has; false when that will be known soon.
  bool ask(Merge::LaneId id, EventBatch& out, std::vector<FollowNews>& news) {
    FollowedRow& row = *lanes[id].tapes;
    news = row.take_news();  // of what lies before its next batch
    if (!news.empty()) return true;
    for (const auto& [capture, url] : row.take_begun()) {
      if (options.doubles == Doubles::LeaveOut) double_filter.add(capture, lanes[id].row, url);
    }
    if (std::shared_ptr<EventBatch> batch = row.take_batch()) {
      take_loose(batch, out);
      if (!batch->events.empty()) merge.give(id, std::move(batch));
      return true;
    }
    switch (row.state()) {
      case FollowedRow::State::Reading: return false;
      case FollowedRow::State::Waiting:
        lanes[id].paused = true;
        merge.pause(id);
        return true;
      case FollowedRow::State::Ended: merge.end(id); return true;
    }
    return true;
  }

  // One that has something again takes part again.
  void look_again(Merge::LaneId id) {
    if (!lanes[id].tapes->has_something()) return;
    lanes[id].paused = false;
    merge.resume(id);
  }

  // What stands beside the events goes on at once.
  static void take_loose(const std::shared_ptr<EventBatch>& from, EventBatch& to) {
    if (from->gaps.empty()) return;
    to.pins.push_back(from);
    std::move(from->gaps.begin(), from->gaps.end(), std::back_inserter(to.gaps));
    from->gaps.clear();
  }

  // Every lane has said what it has, and that is nothing.  A clock that was set back puts events
  // before `until` behind later ones: so all that is there is read.
  [[nodiscard]] bool is_over() const {
    const bool all_ended = std::all_of(lanes.begin(), lanes.end(), [](const Lane& lane) {
      return lane.tapes->state() == FollowedRow::State::Ended;
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

std::uint64_t FollowSource::doubles() const {
  return impl_->double_filter.left_out();
}

}  // namespace smtptape
