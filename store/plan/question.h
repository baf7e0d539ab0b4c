// What a command asks of its tapes: which groups can hold an answer, and which events are one.
//
// Whole groups are passed over for what their index says; of the others the columns are looked at,
// and the text is read only of what was chosen (planned_tape.h).  A Question is shared by all
// threads that read for it; an EventChoice belongs to one of them at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "filters/allow_list.h"
#include "format/event.h"
#include "format/meta.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_info.h"
#include "store/plan/selection.h"

namespace smtptape {

// Why a tape or a group need not be read.
enum class Skipped : std::uint8_t {
  Time,      // nothing was received then
  Property,  // no event has a value that was asked for
  Session,   // none of the sessions that were chosen is in it
  Source,    // it has other recorders' events
};
inline constexpr std::size_t kSkipReasons = 4;
[[nodiscard]] std::string_view name_of(Skipped why);

// What was read and what was passed over, for --explain.
struct ReadingPlan {
  struct Count {
    std::uint64_t groups = 0;
    std::uint64_t bytes = 0;  // compressed
  };
  Count read;
  Count columns;  // of these groups nothing but the columns was read
  std::array<Count, kSkipReasons> skipped{};
  std::uint64_t tapes = 0;
  std::uint64_t tapes_whole = 0;    // read from front to back: unsealed, overlapping, damaged …
  std::uint64_t tapes_outside = 0;  // not opened

  [[nodiscard]] Count& of(Skipped why) { return skipped[static_cast<std::size_t>(why)]; }
};

// Of the events of a tape that were left out so far, the latest time of reception.  The events
// behind them are told (Event::after): within a source time never counts as going back, whatever is
// chosen, so that a choice changes no order.
struct LeftOut {
  std::int64_t until = std::numeric_limits<std::int64_t>::min();

  void add(std::int64_t received) { until = std::max(until, received); }
  void tell(Event& event) const {
    if (until > event.received) event.after = std::max(event.after, until);
  }
};

class EventChoice;

class Question {
 public:
  enum class Mode : std::uint8_t {
    Choose,      // events come out
    Collect,     // none does: it is noted what holds of their sessions (first pass)
    Candidates,  // the same, and what Selection::rules say may hold of them
  };
  // `first_pass`: to be filled, or, in Mode::Choose, what was; it may be null where no sessions are
  // chosen.
  Question(Selection selection, Mode mode, std::shared_ptr<FirstPass> first_pass);
  ~Question();
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  [[nodiscard]] const Selection& selection() const { return selection_; }
  // Every event is wanted.
  [[nodiscard]] bool takes_everything() const { return takes_everything_; }

  // Why a group of a sealed tape holds nothing that is wanted; nullopt: it may.
  [[nodiscard]] std::optional<Skipped> why_not(const GroupIndex& index) const;
  // Whether the rows of a group may tell more, and whether they do: that nothing of it is wanted,
  // or, where sessions are collected, which are.
  [[nodiscard]] bool asks_rows(const GroupIndex& index) const;
  [[nodiscard]] bool rows_answer(const GroupIndex& index, const SessionRows& rows);
  [[nodiscard]] bool is_partly_in_window(const GroupIndex& index) const;
  // Nothing but the chosen sessions is wanted; are there any among these hashes of a tape's?
  [[nodiscard]] bool chooses_by_session_alone() const;
  [[nodiscard]] bool may_hold_sessions(const std::vector<std::uint64_t>& ascending) const;
  // What is in the group could be wanted for its sessions only.
  [[nodiscard]] bool asks_for_sessions_alone(const GroupIndex& index) const;

  // Takes note of a group that was passed over: what it holds was looked at.
  void note_passed_over(const GroupIndex& index, Skipped why);
  void note_read(std::uint64_t bytes, bool columns_only);
  void note_tape(bool whole);
  void note_outside();

  // One that nobody else uses meanwhile.
  [[nodiscard]] std::unique_ptr<EventChoice> borrow();
  void give_back(std::unique_ptr<EventChoice> choice);

  void add(const Tally& looked_at);
  // What was looked at, without what is still borrowed.
  [[nodiscard]] Tally tally() const;
  [[nodiscard]] ReadingPlan plan() const;
  // The group lies in the window, and no event of it has a value that was asked for.
  [[nodiscard]] bool lacks_values(const GroupIndex& index) const;
  // Its rows may list values to be told of instead.
  void note_rows(const SessionRows& rows);
  [[nodiscard]] const UnmatchedValues& unmatched() const { return first_pass_->unmatched; }

 private:
  friend class EventChoice;
  [[nodiscard]] bool window_decides() const;
  [[nodiscard]] bool summaries_exclude(const GroupIndex& index) const;
  [[nodiscard]] bool has_chosen_session(const SessionRows& rows) const;
  [[nodiscard]] bool collect_rows(const GroupIndex& index, const SessionRows& rows);
  [[nodiscard]] std::optional<SessionMarks> marks_in_row(const GroupIndex& index,
                                                         const SessionRows& rows,
                                                         std::size_t row) const;
  [[nodiscard]] bool may_hold_message(const GroupIndex& index) const;
  [[nodiscard]] bool is_of_message(const Meta& meta) const;
  [[nodiscard]] bool is_of_source(const Event& event) const;
  [[nodiscard]] bool is_of_no_source(const GroupIndex& index) const;
  void note_values(const GroupIndex& index);
  void note_meta(const Meta& meta);
  void collect(const Meta& meta, SessionMarks marks);

  Selection selection_;
  Mode mode_;
  bool collects_;     // any mode but Choose
  bool by_sessions_;  // nothing comes out of a session that is not chosen
  bool asks_of_wholes_;
  std::vector<std::string> message_ids_;    // as JSON, ascending
  AllowList rules_;                         // never asked for an event
  AllowList denied_;                        // likewise
  std::optional<AllowList> the_other_way_;  // as live, or as the manual says, where they may differ
  bool takes_everything_;
  bool second_pass_;
  std::shared_ptr<FirstPass> first_pass_;
  SessionMarks required_ = 0;                  // of a session that is chosen
  std::vector<std::uint64_t> session_hashes_;  // of the sessions that were chosen, ascending
  mutable std::mutex mutex_;                   // of what follows, and of first_pass_
  std::vector<std::unique_ptr<EventChoice>> choices_;  // not borrowed
  Tally passed_over_;
  ReadingPlan plan_;
};

// Decides about events, and counts them.
class EventChoice {
 public:
  explicit EventChoice(Question& question);

  [[nodiscard]] bool wanted(const Event& event);
  // Leaves in `batch` what is wanted.
  void keep(EventBatch& batch, LeftOut& left_out);
  // Instead of it, where everything is wanted.
  void take_all(const std::vector<Event>& events) { count_all(tally, events); }
  static void count_all(Tally& tally, const std::vector<Event>& events);

  Tally tally;

 private:
  void look_at(const Event& event);
  void collect(const Event& event, bool in_window);
  [[nodiscard]] SessionMarks marks_of(const Meta& meta, bool counts);
  [[nodiscard]] bool chosen(const Event& event);
  [[nodiscard]] bool in_chosen_session(const Meta* meta);

  Question& question_;
  AllowList allow_list_;
  AllowList denied_;
  std::optional<AllowList> the_other_way_;  // as live, or as the manual says, where they may differ
  MetaMemo<bool> noted_;
  MetaMemo<bool> noted_outside_;  // of the window
  MetaMemo<bool> in_session_;
};

}  // namespace smtptape
