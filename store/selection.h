// Which events of the inputs are wanted: time window, filters with their scope, and kumod's
// `terse`.  One stage for every command that reads tapes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filters/allow_list.h"
#include "filters/request.h"
#include "filters/session_scope.h"
#include "filters/unmatched_values.h"
#include "format/event.h"
#include "store/inputs.h"

namespace smtptape {

struct Selection {
  TraceRequest request;  // its `terse` abbreviates as kumod does
  Honour honour = Honour::Documented;
  Scope scope = Scope::Event;
  TimeWindow window;
  // Scope::Session: the window chooses events, and these the sessions, which come out whole.
  bool whole_sessions = false;

  // Sessions are chosen by what came later in them: the inputs are read twice.
  [[nodiscard]] bool needs_two_passes() const {
    const bool chosen_by_time = whole_sessions && window.is_set();
    return scope == Scope::Session && (chosen_by_time || !AllowList(request, honour).empty());
  }
};

// What a first pass over all events found, for Scope::Session.
struct FirstPass {
  SessionScope sessions;
  UnmatchedValues unmatched;
};
[[nodiscard]] std::shared_ptr<FirstPass> collect_sessions(EventSource& source,
                                                          const Selection& selection);

class SelectedSource : public EventSource {
 public:
  // `source` outlives it.  With Scope::Session, `first_pass` was made before.
  SelectedSource(EventSource& source, Selection selection, std::shared_ptr<FirstPass> first_pass);
  [[nodiscard]] bool next(EventBatch& batch) override;

  // Gaps that may have cost something of the selection; others are left out of the batches.
  [[nodiscard]] const std::vector<std::string>& gaps() const { return gaps_; }
  [[nodiscard]] std::uint64_t gap_count() const { return gap_count_; }
  // Events that were in the window or chosen.
  [[nodiscard]] std::uint64_t seen() const { return seen_; }

  // What was looked at: all events, what they span, which values that were asked for none of
  // those in the window has.
  [[nodiscard]] std::uint64_t looked_at() const { return looked_at_; }
  [[nodiscard]] const std::optional<TimeSpan>& span() const { return span_; }
  [[nodiscard]] const UnmatchedValues& unmatched() const { return first_pass_->unmatched; }
  // The manual and a live server differ about an event of these.  Scope::Event only: no other
  // is to do what the live tool does.
  [[nodiscard]] bool differs_live() const { return differs_live_; }

 private:
  void look_at(const Event& event);
  [[nodiscard]] bool wanted(const Event& event);
  [[nodiscard]] bool chosen(const Event& event);
  [[nodiscard]] bool chosen_outside_window(const Event& event);
  void tell_of(const Gap& gap);

  EventSource& source_;
  Selection selection_;
  AllowList allow_list_;
  std::shared_ptr<FirstPass> first_pass_;
  bool second_pass_;                        // what was asked for is known from the first
  std::optional<AllowList> the_other_way_;  // as live, or as the manual says, where they may differ
  std::vector<std::string> gaps_;           // the first few, in words
  std::uint64_t gap_count_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t looked_at_ = 0;
  std::optional<TimeSpan> span_;
  bool differs_live_ = false;
};

// One line for a person.
[[nodiscard]] std::string describe(const Gap& gap);

}  // namespace smtptape
