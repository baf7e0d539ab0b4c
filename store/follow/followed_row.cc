#include "store/follow/followed_row.h"

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "base/io.h"
#include "base/thread_name.h"
#include "format/tape/tape_reader.h"
#include "store/check/tape_check.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {
// A directory is listed after so many poll intervals.
constexpr int kListingEvery = 5;
}  // namespace

// A tape's bytes; at the end of what is there it waits while the recorder has the tape.
class FollowedRow::File : public ByteSource {
 public:
  File(FollowedRow& row, UniqueFd fd, const std::string& name)
      : row_(row), source_(std::move(fd), name) {}

  std::size_t read(char* to, std::size_t size) override {
    for (;;) {
      // The lock before the bytes: who has let go of it has written everything.
      const bool more_may_come = may_grow();
      const std::size_t got = source_.read(to, size);
      if (got > 0) began_ = true;
      if (got > 0 || !more_may_come) {
        if (std::exchange(waited_, false)) row_.set_state(State::Reading);
        return got;
      }
      waited_ = true;
      row_.wait();
    }
  }

 private:
  // A recorder makes a tape, then locks it, then writes.
  bool may_grow() {
    if (is_being_written(source_.fd())) return true;
    return !began_ && row_.directory_ != nullptr && !row_.has_successor();
  }

  FollowedRow& row_;
  FdSource source_;
  bool began_ = false;
  bool waited_ = false;
};

FollowedRow::FollowedRow(FollowBoard& board,
                         std::shared_ptr<WatchedDirectory> directory,
                         std::string source)
    : board_(board),
      directory_(std::move(directory)),
      source_(std::move(source)),
      thread_([this] { run(); }) {
}

FollowedRow::FollowedRow(FollowBoard& board, std::deque<ListedTape> tapes, const TapeShare& share)
    : board_(board), tapes_(std::move(tapes)), share_(share), thread_([this] { run(); }) {
}

FollowedRow::~FollowedRow() {
  thread_.join();
}

std::shared_ptr<EventBatch> FollowedRow::take_batch() {
  if (ready_ == nullptr && failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (ready_ != nullptr) board_.changed.notify_all();
  return std::exchange(ready_, nullptr);
}

std::vector<FollowNews> FollowedRow::take_news() {
  return std::exchange(news_, {});
}

std::vector<std::pair<Id128, std::string>> FollowedRow::take_begun() {
  return std::exchange(begun_, {});
}

void FollowedRow::run() {
  name_this_thread("follow");
  std::exception_ptr failure;
  try {
    while (const auto tape = next_tape())
      read_tape(*tape);
  } catch (const Stopped&) {
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(board_.mutex);
  failure_ = failure;
  state_ = State::Ended;
  board_.changed.notify_all();
}

// ---- which tape ----

std::optional<ListedTape> FollowedRow::next_tape() {
  if (directory_ != nullptr) return next_of_directory();
  if (tapes_.empty()) return std::nullopt;
  ListedTape tape = std::move(tapes_.front());
  tapes_.pop_front();
  return tape;
}

ListedTape FollowedRow::next_of_directory() {
  auto since = WatchedDirectory::Clock::now();
  for (;;) {
    const std::optional<NextTape> next = directory_->next(source_, last_, since);
    if (next) {
      set_state(State::Reading);
      const bool left_out = is_outside_window(next->tape.path);
      if (!(left_out && last_left_out_)) note_missing(next->missing, next->tape.name);
      last_ = next->tape.name;
      last_left_out_ = left_out;
      if (!left_out) return {next->tape.path, false};
      continue;
    }
    set_state(State::Waiting);
    wait();
    since = WatchedDirectory::Clock::now() - kListingEvery * board_.poll_interval;
  }
}

// Of a sealed tape the footer tells; what can't be read is told of when it is read.
bool FollowedRow::is_outside_window(const fs::path& path) const {
  if (!board_.window.is_set()) return false;
  try {
    const TapeFile tape = board_.footers.of({path, directory_ == nullptr});
    board_.footers.forget(path);  // each tape's turn comes once
    return tape.received && !board_.window.touches(*tape.received);
  } catch (const Error&) {
    return false;
  }
}

bool FollowedRow::has_successor() const {
  const auto since = WatchedDirectory::Clock::now() - kListingEvery * board_.poll_interval;
  return directory_->next(source_, last_, since).has_value();
}

void FollowedRow::note_missing(std::uint64_t count, const TapeName& next) {
  if (count == 0) return;
  tell("source " + source_ + ": " + counted(count, "tape") + " before number " +
           std::to_string(next.number) +
           " deleted before it could be read; what was in it is missing here",
       true);
}

// ---- one tape ----

void FollowedRow::read_tape(const ListedTape& tape) {
  const fs::path& path = tape.path;
  if (directory_ == nullptr && is_outside_window(path)) return;
  try {
    File file(*this, open_for_reading(path, links_to(tape.named)), path.string());
    read_open_tape(file, path.string());
  } catch (const Error& error) {
    if (tape.named) throw;
    std::error_code ignored;
    const bool gone = !fs::exists(fs::symlink_status(path, ignored));
    tell(gone ? path.string() + ": deleted before it could be read; what was in it is missing here"
              : std::string(error.what()) + "; passed over",
         true);
  }
}

void FollowedRow::read_open_tape(File& file, const std::string& name) {
  TapeReader reader(file, name);
  std::size_t told = 0;
  bool begun = false;
  const auto tell_damage = [&] {
    for (; told < reader.damage().size(); ++told)
      tell(name + " " + text_of(reader.damage()[told]), true);
  };
  for (;;) {
    std::shared_ptr<EventBatch> batch = board_.batches.take();
    const bool more = reader.next(*batch);
    tell_damage();
    if (!more) break;
    if (!std::exchange(begun, true) && reader.header()) note_begun(*reader.header());
    share_.keep(*batch);
    hand_over(std::move(batch));
  }
  if (reader.end() == TapeEnd::Unclosed) tell(text_of_unclosed(reader), false);
}

// ---- towards the reader ----

void FollowedRow::wait() {
  std::unique_lock lock(board_.mutex);
  if (state_ != State::Waiting) {
    state_ = State::Waiting;
    board_.changed.notify_all();
  }
  // Not before its time: others are told of changes here, too.
  const auto until = std::chrono::steady_clock::now() + board_.poll_interval;
  board_.changed.wait_until(lock, until, [this] { return board_.stopped; });
  if (board_.stopped) throw Stopped{};
}

void FollowedRow::set_state(State state) {
  const std::lock_guard lock(board_.mutex);
  state_ = state;
  board_.changed.notify_all();
}

void FollowedRow::note_begun(const TapeHeader& header) {
  if (header.url.empty()) return;
  const std::lock_guard lock(board_.mutex);
  begun_.emplace_back(header.origin.capture, header.url);
}

void FollowedRow::hand_over(std::shared_ptr<EventBatch> batch) {
  std::unique_lock lock(board_.mutex);
  board_.changed.wait(lock, [this] { return board_.stopped || ready_ == nullptr; });
  if (board_.stopped) throw Stopped{};
  ready_ = std::move(batch);
  board_.changed.notify_all();
}

// Behind the batch before it: so it is told where it belongs.  Of a tape that is read for several
// rows once, except where it is the end.
void FollowedRow::tell(std::string line, bool loss) {
  if (!share_.rest && !(loss && board_.recovery == Recovery::Tail)) return;
  std::unique_lock lock(board_.mutex);
  board_.changed.wait(lock, [this] { return board_.stopped || ready_ == nullptr; });
  if (board_.stopped) throw Stopped{};
  news_.push_back({std::move(line), loss});
  board_.changed.notify_all();
}

}  // namespace smtptape
