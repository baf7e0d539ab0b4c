#include "store/plan/group_task.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/growing_bytes.h"
#include "base/hash.h"
#include "format/tape/session_rows.h"

namespace smtptape {

namespace {

// All of them, or fewer where the file ends; good until the thread asks again.
std::string_view bytes_at(int fd, std::uint64_t from, std::uint64_t size, const std::string& name) {
  thread_local GrowingBytes room;  // used again by the threads of a pool
  room.grow(size);
  std::size_t have = 0;
  while (have < size) {
    const std::size_t got = read_at(fd, room.data() + have, size - have, from + have, name);
    if (got == 0) break;
    have += got;
  }
  return {room.data(), have};
}

}  // namespace

bool tells_what_is_beside(const GroupIndex& index) {
  return index.index_version >= kIndexVersion && index.gaps.size() == index.gap_count &&
         (index.gap_count == 0 || index.origins.size() <= 1);
}

EventBatch gaps_of(const std::shared_ptr<const SealedTape>& tape, const GroupIndex& index) {
  EventBatch batch;
  batch.gaps = index.gaps;
  for (Gap& gap : batch.gaps)
    gap.origin = index.origins.empty() ? nullptr : &index.origins.front();
  batch.pins.push_back(tape);
  return batch;
}

void GroupTask::run() {
  std::optional<Answer> got;
  std::exception_ptr thrown;
  try {
    got = answer();
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  answer_ = std::move(got);
  failure_ = thrown;
  changed_.notify_all();
}

GroupTask::Answer& GroupTask::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return answer_ || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  return *answer_;
}

GroupTask::Answer GroupTask::answer() {
  Answer answer;
  if (may_ask_rows_ && question_->asks_rows(index()) && rows_answer(answer)) return answer;
  auto choice = question_->borrow();
  const Tally before = std::exchange(choice->tally, {});
  try {
    answer.damaged = !is_index_sound() || !decode(*choice, answer);
  } catch (const Error&) {
    answer.damaged = true;  // whoever scans it is told what is wrong
  }
  answer.tally = std::exchange(choice->tally, before);
  question_->give_back(std::move(choice));
  return answer;
}

// When everything is asked for, everything is looked at.
bool GroupTask::is_index_sound() const {
  return !question_->takes_everything() || is_index_whole(where_.fd->get(),
                                                          where_.tape->summary.header.tape_id,
                                                          index(),
                                                          where_.tape->extents[group()].end);
}

// True: the rows of the group tell that it need not be read.
bool GroupTask::rows_answer(Answer& answer) const {
  if (!tells_what_is_beside(index())) return false;
  const auto with_rows = read_index(where_.fd->get(), where_.tape->summary.header.tape_id, index());
  if (!with_rows || with_rows->index_version < kIndexVersion) return false;
  try {
    if (!question_->rows_answer(index(), read_rows(*with_rows))) return false;
  } catch (const Error&) {
    return false;  // the events tell
  }
  answer.by_rows = true;
  if (index().events > 0) answer.left_out.add(index().last_received);
  if (!index().gaps.empty()) answer.batches.push_back(gaps_of(where_.tape, index()));
  return true;
}

// Null: everything is wanted.
ChooseEvents GroupTask::chooser(EventChoice& choice, Choice& made) const {
  if (question_->takes_everything()) return nullptr;
  return [&](std::span<const Event> events, std::vector<bool>& wanted) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      const bool told = events[i].verbatim == nullptr;
      wanted[i] = !told || choice.wanted(events[i]);
      if (wanted[i]) {
        made.looked.push_back({made.left_out, told});
      } else {
        made.left_out.add(events[i].received);
      }
    }
  };
}

bool GroupTask::decode(EventChoice& choice, Answer& answer) const {
  Choice made;
  const ChooseEvents choose = chooser(choice, made);
  auto decoder =
      std::make_unique<GroupDecoder>(where_.tape->summary.header.tape_id, index(), where_.rooms);
  if (!add_frames(*decoder, choose, answer)) return false;
  if (!choose) {
    answer.all = std::move(decoder);
    return true;
  }
  answer.batches = decoder->take();
  finish_choice(choice, made, answer);
  return true;
}

bool GroupTask::add_frames(GroupDecoder& decoder,
                           const ChooseEvents& choose,
                           Answer& answer) const {
  const int fd = where_.fd->get();
  const std::uint64_t columns = GroupDecoder::column_bytes(index());
  answer.bytes_read = columns;
  Hasher hasher;
  const std::string_view first = bytes_at(fd, index().offset, columns, where_.name);
  hasher.add(first);
  if (columns == index().bytes && hasher.value() != index().hash) return false;
  if (!decoder.add_columns(first, choose)) return false;
  if (!decoder.needs_payload()) return true;
  const std::uint64_t rest = index().bytes - columns;
  const std::string_view second = bytes_at(fd, index().offset + columns, rest, where_.name);
  hasher.add(second);
  answer.bytes_read = index().bytes;
  return hasher.value() == index().hash && decoder.add_payload(second);
}

// Of what is kept whole the columns could not tell.
void GroupTask::finish_choice(EventChoice& choice, const Choice& made, Answer& answer) {
  auto next = made.looked.begin();
  for (EventBatch& batch : answer.batches) {
    std::erase_if(batch.events, [&](Event& event) {
      const Looked& looked = *next++;
      answer.left_out.add(looked.before.until);
      if (!looked.told && !choice.wanted(event)) {
        answer.left_out.add(event.received);
        return true;
      }
      answer.left_out.tell(event);
      return false;
    });
  }
  answer.left_out.add(made.left_out.until);
}

}  // namespace smtptape
