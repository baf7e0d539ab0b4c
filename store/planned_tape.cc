#include "store/planned_tape.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/group_decoder.h"

namespace smtptape {

namespace {

// Bytes of a file, read again from where one likes.
class Range : public ByteSource {
 public:
  Range(const UniqueFd& fd, const std::string& name, std::uint64_t from, std::uint64_t until)
      : fd_(fd), name_(name), at_(from), until_(until) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    size = std::min<std::uint64_t>(size, until_ - at_);
    if (size == 0) return 0;
    const std::size_t got = read_at(fd_.get(), to, size, at_, name_);
    at_ += got;
    return got;
  }

 private:
  const UniqueFd& fd_;
  const std::string& name_;
  std::uint64_t at_;
  std::uint64_t until_;
};

// All of them, or fewer where the file ends.
std::string bytes_at(int fd, std::uint64_t from, std::uint64_t size, const std::string& name) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const std::size_t got = read_at(fd, bytes.data() + have, size - have, from + have, name);
    if (got == 0) break;
    have += got;
  }
  bytes.resize(have);
  return bytes;
}

// Borrowed from a question, and given back; what it counted is forgotten unless it is kept.
class Borrowed {
 public:
  explicit Borrowed(Question& question)
      : question_(question), choice_(question.borrow()), before_(choice_->tally) {}
  ~Borrowed() {
    if (!kept_) choice_->tally = before_;
    question_.give_back(std::move(choice_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  EventChoice* operator->() const { return choice_.get(); }
  void keep() { kept_ = true; }

 private:
  Question& question_;
  std::unique_ptr<EventChoice> choice_;
  Tally before_;
  bool kept_ = false;
};

// Gaps of a group that is not read, from its index.
EventBatch gaps_of(const std::shared_ptr<const SealedTape>& tape, const GroupIndex& index) {
  EventBatch batch;
  batch.gaps = index.gaps;
  for (Gap& gap : batch.gaps)
    gap.origin = index.origins.empty() ? nullptr : &index.origins.front();
  batch.pins.push_back(tape);
  return batch;
}

}  // namespace

std::shared_ptr<const SealedTape> plan_of(TapeSummary summary) {
  auto extents = group_extents(summary.footer, summary.footer_offset);
  if (!extents || summary.header.flags.compatible != 0) return nullptr;
  summary.footer.session_hashes = {};
  return std::make_shared<const SealedTape>(SealedTape{std::move(summary), std::move(*extents)});
}

// A group that is decoded on a thread of the pool.
struct PlannedTape::Task {
  std::shared_ptr<const UniqueFd> fd;
  std::string name;
  std::shared_ptr<const SealedTape> tape;
  std::shared_ptr<Question> asked;
  std::size_t group = 0;
  std::uint64_t reserved = 0;

  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  bool damaged = false;
  std::exception_ptr failure;
  std::deque<EventBatch> batches;
  LeftOut left_out;

  [[nodiscard]] const GroupIndex& index() const { return tape->summary.footer.groups[group]; }
  [[nodiscard]] Question& question() const { return *asked; }

  void run() {
    bool bad = false;
    std::deque<EventBatch> got;
    std::exception_ptr thrown;
    try {
      bad = !decode(got);
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    batches = std::move(got);
    damaged = bad;
    failure = thrown;
    done = true;
    changed.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return done; });
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  }

  bool decode(std::deque<EventBatch>& out) {
    if (rows_answer(out)) return true;
    Borrowed choice(question());
    std::uint64_t bytes_read = 0;
    bool columns_only = false;
    if (!decode_group(choice, out, bytes_read, columns_only)) return false;
    choice.keep();
    question().note_read(bytes_read, columns_only);
    return true;
  }

  // True: the rows of the group tell that it need not be read.
  bool rows_answer(std::deque<EventBatch>& out) {
    if (index().index_version < kIndexVersion || !question().asks_rows(index())) return false;
    const auto with_rows = read_index(fd->get(), tape->summary.header.tape_id, index());
    if (!with_rows || with_rows->index_version < kIndexVersion) return false;
    try {
      if (!question().rows_answer(*with_rows, read_rows(*with_rows))) return false;
    } catch (const Error&) {
      return false;  // the events tell
    }
    question().note_passed_over(index(), Skipped::Session);
    if (index().events > 0) left_out.add(index().last_received);
    if (!index().gaps.empty()) out.push_back(gaps_of(tape, index()));
    return true;
  }

  bool decode_group(Borrowed& choice,
                    std::deque<EventBatch>& out,
                    std::uint64_t& bytes_read,
                    bool& columns_only) {
    const bool all = question().takes_everything();
    ChooseEvents choose;
    std::vector<Looked> looked;
    if (!all) {
      choose = [&](std::span<const Event> events, std::vector<bool>& wanted) {
        for (std::size_t i = 0; i < events.size(); ++i) {
          wanted[i] = events[i].verbatim != nullptr || choice->wanted(events[i]);
          looked.push_back({events[i].received, wanted[i]});
        }
      };
    }
    GroupDecoder decoder(tape->summary.header.tape_id, index());
    const std::uint64_t columns = GroupDecoder::column_bytes(index());
    const std::string first = bytes_at(fd->get(), index().offset, columns, name);
    try {
      if (!decoder.add_columns(first, choose)) return false;
      bytes_read = columns;
      columns_only = true;
      if (decoder.needs_payload() && !add_payload(decoder, first, bytes_read)) return false;
      columns_only = bytes_read < index().bytes;
      out = decoder.take();
    } catch (const Error&) {
      return false;  // whoever scans it is told what is wrong
    }
    auto next = looked.cbegin();
    for (EventBatch& batch : out)
      all ? choice->take_all(batch.events) : finish_choice(batch, choice, next);
    for (; next != looked.cend(); ++next)
      left_out.add(next->received);
    return true;
  }

  bool add_payload(GroupDecoder& decoder, const std::string& first, std::uint64_t& bytes_read) {
    const std::uint64_t size = index().bytes - first.size();
    const std::string second = bytes_at(fd->get(), index().offset + first.size(), size, name);
    bytes_read = index().bytes;
    Hasher hasher;
    hasher.add(first);
    hasher.add(second);
    return hasher.value() == index().hash && decoder.add_payload(second);
  }

  // An event whose columns were looked at.
  struct Looked {
    std::int64_t received;
    bool wanted;
  };

  // What is kept whole could not be told from the columns.  `next`: what stands between the events
  // was left out, too.
  void finish_choice(EventBatch& batch,
                     Borrowed& choice,
                     std::vector<Looked>::const_iterator& next) {
    std::erase_if(batch.events, [&](Event& event) {
      for (; !next->wanted; ++next)
        left_out.add(next->received);
      ++next;
      const bool told =
          event.verbatim == nullptr || event.verbatim->newer_kind != EventKind::Unknown;
      if (!told && !choice->wanted(event)) {
        left_out.add(event.received);
        return true;
      }
      left_out.tell(event);
      return false;
    });
  }
};

// A group that is read piece by piece.
struct PlannedTape::Scan {
  Scan(const PlannedTape& tape, std::size_t group)
      : source(*tape.fd_, tape.name_, extent(tape, group).offset, extent(tape, group).end),
        reader(source,
               tape.name_,
               TapeReader::Start{tape.tape_->summary.header.tape_id,
                                 extent(tape, group).offset,
                                 static_cast<std::uint32_t>(group)}),
        choice(*tape.reading_.question) {
    choice.keep();
    tape.reading_.question->note_read(tape.tape_->summary.footer.groups[group].bytes, false);
  }
  static const GroupExtent& extent(const PlannedTape& tape, std::size_t group) {
    return tape.tape_->extents[group];
  }

  Range source;
  TapeReader reader;
  Borrowed choice;
  std::size_t damage_told = 0;
};

PlannedTape::PlannedTape(UniqueFd fd,
                         std::string name,
                         std::shared_ptr<const SealedTape> tape,
                         PlannedReading reading)
    : fd_(std::make_shared<const UniqueFd>(std::move(fd))),
      name_(std::move(name)),
      tape_(std::move(tape)),
      reading_(std::move(reading)) {
  plan_groups();
}

PlannedTape::~PlannedTape() {
  while (!tasks_.empty())
    drop_task();
}

void PlannedTape::drop_task() {
  reading_.pool->release(tasks_.front()->reserved);
  tasks_.pop_front();
}

void PlannedTape::plan_groups() {
  Question& question = *reading_.question;
  question.note_tape(false);
  const TapeFooter& footer = tape_->summary.footer;
  // Notes of groups that are not read are told by the footer, if it has all.
  const bool notes_known = footer.notes.size() < kMostFooterNotes;
  const bool not_here = notes_known && in_no_chosen_session();
  for (std::size_t i = 0; i < footer.groups.size(); ++i) {
    const GroupIndex& index = footer.groups[i];
    std::optional<Skipped> why;
    if (notes_known && index.index_version >= kIndexVersion) why = question.why_not(index);
    const bool gaps_known = index.gaps.size() == index.gap_count;
    if (!why && not_here && gaps_known && !question.is_partly_in_window(index)) {
      why = Skipped::Session;
    }
    if (why) {
      passed_over_.push_back(i);
      pass_over(index, *why);
    } else {
      groups_.push_back(i);
    }
  }
  if (!notes_told_) return;
  EventBatch& notes = beside_.emplace_front();
  notes.notes = footer.notes;
  notes.pins.push_back(tape_);
}

// The table of the footer tells, where it is complete.
bool PlannedTape::in_no_chosen_session() const {
  Question& question = *reading_.question;
  if (!question.chooses_by_session_alone()) return false;
  const auto summary = read_summary(fd_->get());
  if (!summary || summary->footer.session_hashes_omitted) return false;
  return !question.may_hold_sessions(summary->footer.session_hashes);
}

void PlannedTape::pass_over(const GroupIndex& index, Skipped why) {
  reading_.question->note_passed_over(index, why);
  notes_told_ = true;
  if (!index.gaps.empty()) beside_.push_back(gaps_of(tape_, index));
}

bool PlannedTape::next(EventBatch& batch) {
  if (!beside_.empty()) {
    batch = std::move(beside_.front());
    beside_.pop_front();
    return true;
  }
  for (;;) {
    if (scan_ != nullptr) {
      if (next_of_scan(batch)) break;
      continue;
    }
    // The first of many is scanned: its first events come at once.
    const bool first = !std::exchange(began_, true);
    if (first && !groups_.empty() && reading_.question->takes_everything()) {
      const std::size_t group = groups_.front();
      groups_.pop_front();
      scan(group);
      ask_ahead();
      continue;
    }
    ask_ahead();
    if (!tasks_.empty()) {
      if (next_of_task(batch)) break;
      continue;
    }
    if (groups_.empty()) {
      pass_groups_before(tape_->summary.footer.groups.size());
      batch.clear();
      return false;
    }
    const std::size_t group = groups_.front();
    groups_.pop_front();
    scan(group);
  }
  if (notes_told_) batch.notes.clear();
  return true;
}

// As many groups as there is room for, and threads.
void PlannedTape::ask_ahead() {
  while (!groups_.empty() && tasks_.size() <= reading_.pool->threads() && ask(groups_.front()))
    groups_.pop_front();
}

bool PlannedTape::ask(std::size_t group) {
  const GroupIndex& index = tape_->summary.footer.groups[group];
  if (!GroupDecoder::can_decode(index)) return false;
  const std::uint64_t bytes = GroupDecoder::memory_of(index);
  if (!reading_.pool->reserve(bytes)) return false;
  auto task = std::make_shared<Task>();
  task->fd = fd_;
  task->name = name_;
  task->tape = tape_;
  task->asked = reading_.question;
  task->group = group;
  task->reserved = bytes;
  tasks_.push_back(task);
  reading_.pool->run([task] { task->run(); });
  return true;
}

// False: nothing more of the task that comes first.
bool PlannedTape::next_of_task(EventBatch& batch) {
  const std::shared_ptr<Task> task = tasks_.front();
  task->wait();
  if (task->damaged) {
    drop_task();
    scan(task->group);
    return false;
  }
  if (task->batches.empty()) {
    left_out_.add(task->left_out.until);
    drop_task();
    return false;
  }
  pass_groups_before(task->group);
  batch = std::move(task->batches.front());
  task->batches.pop_front();
  for (Event& event : batch.events)
    left_out_.tell(event);
  return true;
}

// What stands before a group and is not read was left out.
void PlannedTape::pass_groups_before(std::size_t group) {
  const std::vector<GroupIndex>& groups = tape_->summary.footer.groups;
  while (!passed_over_.empty() && passed_over_.front() < group) {
    const GroupIndex& index = groups[passed_over_.front()];
    if (index.events > 0) left_out_.add(index.last_received);
    passed_over_.pop_front();
  }
}

void PlannedTape::scan(std::size_t group) {
  pass_groups_before(group);
  scan_ = std::make_unique<Scan>(*this, group);
}

bool PlannedTape::next_of_scan(EventBatch& batch) {
  const bool more = scan_->reader.next(batch);
  const std::vector<Damage>& found = scan_->reader.damage();
  damage_.insert(
      damage_.end(), found.begin() + static_cast<std::ptrdiff_t>(scan_->damage_told), found.end());
  scan_->damage_told = found.size();
  if (!more) {
    scan_.reset();
    return false;
  }
  if (reading_.question->takes_everything()) {
    scan_->choice->take_all(batch.events);
  } else {
    scan_->choice->keep_wanted(batch, left_out_);
  }
  return true;
}

}  // namespace smtptape
