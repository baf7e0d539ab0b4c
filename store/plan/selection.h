// Which events of the inputs are wanted: time window, filters with their scope, and kumod's
// `terse`.  One stage for every command that reads tapes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filters/allow_list.h"
#include "filters/named.h"
#include "filters/request.h"
#include "filters/session_scope.h"
#include "filters/unmatched_values.h"
#include "format/event.h"
#include "store/read/inputs.h"

namespace smtptape {

struct Selection {
  TraceRequest request;  // its `terse` abbreviates as kumod does
  Honour honour = Honour::Documented;
  Scope scope = Scope::Event;
  TimeWindow window;
  // Scope::Session: the window chooses events, and these the sessions, which come out whole.
  bool whole_sessions = false;
  // Scope::Session: all of the sessions that were chosen was received in this time.
  TimeWindow within;
  // Scope::Session: of these sessions only what somebody looks for by name.
  std::optional<Named> named;

  // A new one for whoever asks it.
  [[nodiscard]] AllowList allow_list() const;
  // Sessions are chosen by what came later in them: the inputs are read twice.
  [[nodiscard]] bool needs_two_passes() const {
    const bool chosen_by_time = whole_sessions && window.is_set();
    return scope == Scope::Session && (chosen_by_time || !allow_list().empty());
  }
};

// What a first pass over all events found, for Scope::Session.
struct FirstPass {
  SessionScope sessions;
  UnmatchedValues unmatched;
};
// Empty, to be filled.
[[nodiscard]] std::shared_ptr<FirstPass> new_pass(const Selection& selection);

// What was looked at.
struct Tally {
  std::uint64_t seen = 0;       // events that were in the window or chosen
  std::uint64_t looked_at = 0;  // all events
  std::optional<TimeSpan> span;
  // The manual and a live server differ about an event of these.  Scope::Event only: no other is
  // to do what the live tool does.
  bool differs_live = false;

  Tally& operator+=(const Tally& other);
};

class EventChoice;
class Question;

class SelectedSource : public EventSource {
 public:
  // `source` outlives it.  With Scope::Session, `first_pass` was made before.
  SelectedSource(EventSource& source, Selection selection, std::shared_ptr<FirstPass> first_pass);
  // The events of `source` were chosen by the same question before.
  SelectedSource(EventSource& source, std::shared_ptr<Question> question);
  ~SelectedSource() override;
  [[nodiscard]] bool next(EventBatch& batch) override;

  // Gaps that may have cost something of the selection; others are left out of the batches.
  [[nodiscard]] const std::vector<std::string>& gaps() const { return gaps_; }
  [[nodiscard]] std::uint64_t gap_count() const { return gap_count_; }
  // At the end: what was looked at, and which values that were asked for none of the events in the
  // window has.
  [[nodiscard]] Tally tally() const;
  [[nodiscard]] const UnmatchedValues& unmatched() const;

 private:
  void tell_of(const Gap& gap);

  EventSource& source_;
  std::shared_ptr<Question> question_;
  std::unique_ptr<EventChoice> choice_;  // null: the events come chosen
  std::vector<std::string> gaps_;        // the first few, in words
  std::uint64_t gap_count_ = 0;
};

// One line for a person.
[[nodiscard]] std::string describe(const Gap& gap);

}  // namespace smtptape
