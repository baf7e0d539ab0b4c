// A row of tapes, or what a tape has of a row, read on a thread of its own.  Part of follow.h.
//
// The row hands over one batch at a time and is then on its way to the next, or waits for its
// recorder.  Whoever takes them knows which: a row that reads is worth waiting for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "format/event.h"
#include "store/find/footers.h"
#include "store/find/watched_directory.h"
#include "store/read/batch_pool.h"
#include "store/read/inputs.h"
#include "store/read/tape_stream.h"

namespace smtptape {

// What all rows share.
struct FollowBoard {
  std::mutex mutex;
  std::condition_variable changed;  // in any direction
  bool stopped = false;

  std::chrono::milliseconds poll_interval{100};
  TimeWindow window;
  Recovery recovery = Recovery::Skip;
  BatchPool batches;
  Footers footers{0};
};

struct FollowNews {
  std::string line;
  bool loss = false;  // else it is normal
};

class FollowedRow {
 public:
  enum class State : std::uint8_t { Reading, Waiting, Ended };

  // The row of `source` in a directory, for ever.
  FollowedRow(FollowBoard& board, std::shared_ptr<WatchedDirectory> directory, std::string source);
  // These, to the end of the last.  Of what was named, what can't be read is an Error.
  FollowedRow(FollowBoard& board, std::deque<ListedTape> tapes, const TapeShare& share);
  // The board is stopped before.
  ~FollowedRow();
  FollowedRow(const FollowedRow&) = delete;
  FollowedRow& operator=(const FollowedRow&) = delete;

  // With the board's mutex held:
  [[nodiscard]] State state() const { return state_; }
  // It waits no longer, or has told or given something.
  [[nodiscard]] bool has_something() const {
    return state_ != State::Waiting || ready_ != nullptr || !news_.empty() || failure_;
  }
  // What happened before the next batch, once the batch before it was used up.
  [[nodiscard]] std::vector<FollowNews> take_news();
  // Captures that were met before the next batch, and the URLs that they were recorded from.
  [[nodiscard]] std::vector<std::pair<Id128, std::string>> take_begun();
  // Null: there is none yet.  Rethrows what ended the row.
  [[nodiscard]] std::shared_ptr<EventBatch> take_batch();

 private:
  struct Stopped {};
  class File;

  void run();
  [[nodiscard]] std::optional<ListedTape> next_tape();
  [[nodiscard]] ListedTape next_of_directory();
  void read_tape(const ListedTape& tape);
  void read_open_tape(File& file, const std::string& name);
  [[nodiscard]] bool is_outside_window(const std::filesystem::path& path) const;
  [[nodiscard]] bool has_successor() const;
  void note_missing(std::uint64_t count, const TapeName& next);
  // Wakes up after the poll interval; throws Stopped.
  void wait();
  void set_state(State state);
  void note_begun(const TapeHeader& header);
  void hand_over(std::shared_ptr<EventBatch> batch);
  void tell(std::string line, bool loss);

  FollowBoard& board_;
  std::shared_ptr<WatchedDirectory> directory_;  // null: `tapes_`
  std::string source_;
  std::deque<ListedTape> tapes_;
  TapeShare share_;
  std::optional<TapeName> last_;  // the tape that is read, or was
  bool last_left_out_ = false;    // because of the window

  // under the board's mutex
  State state_ = State::Reading;
  std::shared_ptr<EventBatch> ready_;
  std::vector<FollowNews> news_;
  std::vector<std::pair<Id128, std::string>> begun_;
  std::exception_ptr failure_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace smtptape
