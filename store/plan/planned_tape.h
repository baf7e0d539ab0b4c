// A sealed tape read by its footer: the groups that a question passes over are not read, the others
// are decoded side by side and come out in order.
//
// What comes out is what TapeReader and a filter behind it would give.  A group that is not as its
// index says is scanned by TapeReader instead, which tells what is wrong; so is one for whose
// decoding there is no room, and the first one, whose beginning is wanted soon.  Damage is passed
// over: who ends at it reads everything.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/tape_reader.h"
#include "store/plan/group_pool.h"
#include "store/plan/group_task.h"
#include "store/plan/question.h"

namespace smtptape {

// What is asked, and the threads that look for it; outlives the tapes that are read for it.
struct PlannedReading {
  std::shared_ptr<Question> question;
  std::shared_ptr<GroupPool> pool;
};

// Null: the footer makes no sense, or the tape was written by a newer program in a way that we
// don't know: it is read from front to back.
enum class FooterHashes : std::uint8_t { Keep, LeaveOut };
[[nodiscard]] std::shared_ptr<const SealedTape> plan_of(TapeSummary summary, FooterHashes hashes);

class PlannedTape : public EventSource {
 public:
  // `fd` is the tape that `tape` tells of.
  PlannedTape(UniqueFd fd,
              std::string name,
              std::shared_ptr<const SealedTape> tape,
              PlannedReading reading);
  ~PlannedTape() override;

  [[nodiscard]] bool next(EventBatch& batch) override;
  [[nodiscard]] const std::vector<Damage>& damage() const { return damage_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // The latest time of reception of events that were left out so far.
  [[nodiscard]] std::int64_t left_out_until() const { return left_out_.until; }

 private:
  struct Scan;
  struct Asked {
    std::shared_ptr<GroupTask> task;
    std::uint64_t reserved = 0;
    bool taken = false;     // its answer was counted
    std::size_t given = 0;  // batches, where everything is wanted
  };

  void plan_groups();
  [[nodiscard]] bool in_no_chosen_session() const;
  void ask_ahead();
  [[nodiscard]] bool may_ask() const;
  [[nodiscard]] bool ask(std::size_t group);
  bool next_of_task(EventBatch& batch);
  bool next_of_all(EventBatch& batch);
  bool next_of_scan(EventBatch& batch);
  void compare_with_footer();
  void count(const GroupTask& task, const GroupTask::Answer& answer);
  void drop_task();
  void scan(std::size_t group, std::size_t given = 0);
  void pass_groups_before(std::size_t group);

  std::shared_ptr<const UniqueFd> fd_;
  std::string name_;
  std::shared_ptr<const SealedTape> tape_;
  PlannedReading reading_;
  bool footer_tells_notes_ = false;      // all of them, so that they need not be read
  std::deque<std::size_t> groups_;       // to be read, not asked for yet
  std::deque<std::size_t> passed_over_;  // behind what was given
  std::deque<EventBatch> beside_;        // gaps and notes that come next
  LeftOut left_out_;                     // before what comes next
  bool began_ = false;
  std::deque<Asked> tasks_;     // in order
  std::unique_ptr<Scan> scan_;  // the group that is scanned
  std::vector<Damage> damage_;
};

}  // namespace smtptape
