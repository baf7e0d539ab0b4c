#include "store/plan/planned_tape.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/group_decoder.h"
#include "store/plan/file_range.h"

namespace smtptape {

std::shared_ptr<const SealedTape> plan_of(TapeSummary summary, FooterHashes hashes) {
  auto extents = group_extents(summary.footer, summary.header_bytes, summary.footer_offset);
  if (!extents || summary.header.flags.compatible != 0) return nullptr;
  const bool keep = hashes == FooterHashes::Keep;
  if (!keep) summary.footer.session_hashes = {};
  return std::make_shared<const SealedTape>(
      SealedTape{std::move(summary), std::move(*extents), keep});
}

// A group that is read piece by piece; the first batches, which were given, are passed over.
struct PlannedTape::Scan {
  Scan(const PlannedTape& tape, std::size_t the_group, std::size_t given)
      : group(the_group),
        source(*tape.fd_, tape.name_, tape.tape_->extents[group]),
        reader(source,
               tape.name_,
               TapeReader::Start{tape.tape_->summary.header.tape_id,
                                 tape.tape_->extents[group].offset,
                                 static_cast<std::uint32_t>(group)}),
        question(*tape.reading_.question),
        choice(question.borrow()),
        pass_over(given) {
    question.note_read(tape.tape_->summary.footer.groups[group].bytes, false);
  }
  ~Scan() { question.give_back(std::move(choice)); }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  std::size_t group;
  FileRange source;
  TapeReader reader;
  Question& question;
  std::unique_ptr<EventChoice> choice;
  std::size_t pass_over;
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

void PlannedTape::plan_groups() {
  Question& question = *reading_.question;
  question.note_tape(false);
  const TapeFooter& footer = tape_->summary.footer;
  footer_tells_notes_ = footer.notes.size() < kMostFooterNotes;
  const bool not_here = footer_tells_notes_ && in_no_chosen_session();
  for (std::size_t i = 0; i < footer.groups.size(); ++i) {
    const GroupIndex& index = footer.groups[i];
    std::optional<Skipped> why;
    if (footer_tells_notes_ && tells_what_is_beside(index)) {
      why = question.why_not(index);
      const bool session_decides =
          !question.is_partly_in_window(index) && question.asks_for_sessions_alone(index);
      if (!why && not_here && session_decides) why = Skipped::Session;
    }
    if (why) {
      passed_over_.push_back(i);
      question.note_passed_over(index, *why);
    } else {
      groups_.push_back(i);
    }
  }
  if (!footer_tells_notes_ || footer.notes.empty()) return;
  EventBatch& notes = beside_.emplace_back();
  notes.notes = footer.notes;
}

// The table of the footer tells, where it is complete.
bool PlannedTape::in_no_chosen_session() const {
  const Question& question = *reading_.question;
  if (!question.chooses_by_session_alone()) return false;
  const TapeFooter& kept = tape_->summary.footer;
  if (kept.session_hashes_omitted) return false;
  if (tape_->has_hashes) return !question.may_hold_sessions(kept.session_hashes);
  const auto summary = read_summary(fd_->get());
  return summary && !question.may_hold_sessions(summary->footer.session_hashes);
}

bool PlannedTape::next(EventBatch& batch) {
  batch.clear();
  for (;;) {
    if (!beside_.empty()) {
      batch = std::move(beside_.front());
      beside_.pop_front();
      return true;
    }
    if (scan_ != nullptr) {
      if (next_of_scan(batch)) break;
      continue;
    }
    // The first of many is scanned: its first events come at once.
    const bool first = !std::exchange(began_, true);
    const bool soon = first && reading_.question->takes_everything();
    if (!soon) ask_ahead();
    if (!tasks_.empty()) {
      if (next_of_task(batch)) break;
      continue;
    }
    if (!groups_.empty()) {
      const std::size_t group = groups_.front();
      groups_.pop_front();
      scan(group);
      ask_ahead();
      continue;
    }
    pass_groups_before(tape_->summary.footer.groups.size());
    if (beside_.empty()) return false;
  }
  // The footer told them, but for what is found in reading.
  if (footer_tells_notes_) {
    std::erase_if(batch.notes, [](const Note& note) { return note.key != kNewerColumns; });
  }
  return true;
}

// As many groups as there is room for, and threads.
void PlannedTape::ask_ahead() {
  while (!groups_.empty() && may_ask() && ask(groups_.front()))
    groups_.pop_front();
}

// Where everything is wanted, a group is decompressed while the one before becomes events, and not
// before whoever takes these has given back the last ones of the group before that: more would only
// take memory.
bool PlannedTape::may_ask() const {
  if (!reading_.question->takes_everything()) return tasks_.size() <= reading_.pool->threads();
  constexpr std::size_t kHeld = 16;  // batches
  constexpr std::uint64_t kSmall = 8 * kMiB;
  if (tasks_.empty()) return true;
  const Asked& first = tasks_.front();
  return tasks_.size() == 1 && (first.given >= kHeld || first.reserved <= kSmall);
}

bool PlannedTape::ask(std::size_t group) {
  const GroupIndex& index = tape_->summary.footer.groups[group];
  if (!GroupDecoder::can_decode(index)) return false;
  const std::uint64_t bytes = GroupDecoder::memory_of(index);
  if (!reading_.pool->reserve(bytes)) return false;
  auto task = std::make_shared<GroupTask>(
      GroupTask::Where{fd_, name_, tape_, group, reading_.pool->rooms()},
      reading_.question,
      footer_tells_notes_);
  tasks_.push_back({task, bytes});
  reading_.pool->run([task] { task->run(); });
  return true;
}

// False: nothing more of the task that comes first.
bool PlannedTape::next_of_task(EventBatch& batch) {
  Asked& asked = tasks_.front();
  GroupTask::Answer& answer = asked.task->wait();
  const std::size_t group = asked.task->group();
  pass_groups_before(group);
  if (!beside_.empty()) return false;
  if (answer.damaged) {
    drop_task();
    scan(group);
    return false;
  }
  if (answer.all != nullptr) return next_of_all(batch);
  if (!std::exchange(asked.taken, true)) count(*asked.task, answer);
  if (answer.batches.empty()) {
    left_out_.add(answer.left_out.until);
    drop_task();
    return false;
  }
  batch = std::move(answer.batches.front());
  answer.batches.pop_front();
  for (Event& event : batch.events)
    left_out_.tell(event);
  return true;
}

// Of a group of which everything is wanted.  Where a batch makes no sense, it is scanned from there
// on: that tells what is wrong.
bool PlannedTape::next_of_all(EventBatch& batch) {
  Asked& asked = tasks_.front();
  GroupTask::Answer& answer = asked.task->wait();
  try {
    if (answer.all->next(batch)) {
      ++asked.given;
      EventChoice::count_all(answer.tally, batch.events);
      return true;
    }
    count(*asked.task, answer);
    drop_task();
  } catch (const Error&) {
    batch.clear();
    const std::size_t group = asked.task->group();
    const std::size_t given = asked.given;
    drop_task();
    scan(group, given);
  }
  return false;
}

void PlannedTape::count(const GroupTask& task, const GroupTask::Answer& answer) {
  Question& question = *reading_.question;
  if (answer.by_rows) {
    question.note_passed_over(task.index(), Skipped::Session);
  } else {
    question.add(answer.tally);
    question.note_read(answer.bytes_read, answer.bytes_read < task.index().bytes);
  }
}

void PlannedTape::drop_task() {
  reading_.pool->release(tasks_.front().reserved);
  tasks_.pop_front();
}

// What stands before a group and is not read was left out; its gaps are told.
void PlannedTape::pass_groups_before(std::size_t group) {
  const std::vector<GroupIndex>& groups = tape_->summary.footer.groups;
  while (!passed_over_.empty() && passed_over_.front() < group) {
    const GroupIndex& index = groups[passed_over_.front()];
    if (index.events > 0) left_out_.add(index.last_received);
    if (!index.gaps.empty()) beside_.push_back(gaps_of(tape_, index));
    passed_over_.pop_front();
  }
}

// `given`: so many of its batches were given before.
void PlannedTape::scan(std::size_t group, std::size_t given) {
  pass_groups_before(group);
  scan_ = std::make_unique<Scan>(*this, group, given);
}

// Nothing was wrong with the group that was scanned: then it is as the footer says.
void PlannedTape::compare_with_footer() {
  if (!scan_->reader.damage().empty()) return;
  const std::vector<GroupIndex>& found = scan_->reader.indexes();
  const std::size_t group = scan_->group;
  if (found.size() == 1 && is_same_group(found[0], tape_->summary.footer.groups[group])) return;
  damage_.push_back({tape_->extents[group].offset,
                     0,
                     "the footer tells of another group than the one that is there",
                     {}});
}

bool PlannedTape::next_of_scan(EventBatch& batch) {
  const bool more = scan_->reader.next(batch);
  const std::vector<Damage>& found = scan_->reader.damage();
  damage_.insert(
      damage_.end(), found.begin() + static_cast<std::ptrdiff_t>(scan_->damage_told), found.end());
  scan_->damage_told = found.size();
  if (!more) {
    compare_with_footer();
    scan_.reset();
    return false;
  }
  scan_->choice->keep(batch, left_out_);
  if (scan_->pass_over == 0) return true;
  --scan_->pass_over;
  batch.clear();
  return false;
}

}  // namespace smtptape
