// A sealed tape read by its footer: the groups that a question passes over are not read, the others
// are decoded side by side and come out in order.
//
// What comes out is what TapeReader and a filter behind it would give.  A group that is not as its
// index says is scanned by TapeReader instead, which tells what is wrong; so is one for whose
// decoding there is no room, and the first one, whose beginning is wanted soon.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/event.h"
#include "format/tape/group_extents.h"
#include "format/tape/tape_reader.h"
#include "store/group_pool.h"
#include "store/question.h"

namespace smtptape {

// What is asked, and the threads that look for it; outlives the tapes that are read for it.
struct PlannedReading {
  std::shared_ptr<Question> question;
  std::shared_ptr<GroupPool> pool;
};

// What a footer says of a tape, kept while a command runs.
struct SealedTape {
  TapeSummary summary;  // without session hashes: those are read again where they are asked for
  std::vector<GroupExtent> extents;
};
// Null: the footer makes no sense, or the tape was written by a newer program in a way that we
// don't know: it is read from front to back.
[[nodiscard]] std::shared_ptr<const SealedTape> plan_of(TapeSummary summary);

class PlannedTape : public EventSource {
 public:
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
  struct Task;
  struct Scan;

  void plan_groups();
  [[nodiscard]] bool in_no_chosen_session() const;
  void pass_over(const GroupIndex& index, Skipped why);
  void ask_ahead();
  [[nodiscard]] bool ask(std::size_t group);
  bool next_of_task(EventBatch& batch);
  void drop_task();
  bool next_of_scan(EventBatch& batch);
  void scan(std::size_t group);
  void pass_groups_before(std::size_t group);

  std::shared_ptr<const UniqueFd> fd_;
  std::string name_;
  std::shared_ptr<const SealedTape> tape_;
  PlannedReading reading_;
  std::deque<std::size_t> groups_;       // to be read, not asked for yet
  std::deque<EventBatch> beside_;        // gaps and notes of groups that are passed over
  std::deque<std::size_t> passed_over_;  // these, behind what was given
  LeftOut left_out_;                     // before it
  bool notes_told_ = false;              // by the footer
  bool began_ = false;
  std::deque<std::shared_ptr<Task>> tasks_;  // asked for, in order
  std::unique_ptr<Scan> scan_;               // the group that is scanned
  std::vector<Damage> damage_;
};

}  // namespace smtptape
