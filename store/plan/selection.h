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
#include "filters/session_rules.h"
#include "filters/session_scope.h"
#include "filters/unmatched_values.h"
#include "format/event.h"
#include "store/read/inputs.h"

namespace smtptape {

struct Selection {
  TraceRequest request;  // its `terse` abbreviates as kumod does
  // Of Scope::Session: a session in which an event has such a value is not chosen.
  DeniedValues denied;
  Honour honour = Honour::Documented;
  Scope scope = Scope::Event;
  TimeWindow window;
  // Scope::Session: the window chooses events, and these the sessions, which come out whole.
  bool whole_sessions = false;
  // Scope::Session: all of the sessions that were chosen was received in this time.
  TimeWindow within;
  // Scope::Session: of these sessions only what somebody looks for by name.
  std::optional<Named> named;
  std::vector<std::string> sources;   // what recorders of these names have; none: all
  std::vector<std::string> sessions;  // nothing but these; none: all
  bool sessions_shortened = false;    // they may be the beginnings of ids
  // Sessions are chosen, whatever the scope: one of these messages was in it, and the rules hold of
  // it.  Of the chosen sessions comes out what passes in the scope.
  std::vector<std::string> message_ids;
  std::shared_ptr<const SessionRules> rules;

  // Scope::Event: to be noted is which sessions come out though none of their events passes
  // strictly, because what is filtered was not known in them.
  bool notes_not_known = false;

  // A new one for whoever asks it: what an event has to pass.
  [[nodiscard]] AllowList allow_list() const;
  // The same of what a session has to have an event that passes it, and what it must not have.
  [[nodiscard]] AllowList session_list() const;
  [[nodiscard]] AllowList denied_list() const;
  // Where the manual and a live server may differ: what the other of the two lets pass.
  [[nodiscard]] std::optional<AllowList> the_other_way() const;
  // Events outside of the window are wanted, too.
  [[nodiscard]] bool takes_whole_sessions() const {
    return scope == Scope::Session && whole_sessions;
  }
  // Something has to hold of a session as a whole, wherever the window is.
  [[nodiscard]] bool asks_of_wholes() const {
    return !message_ids.empty() || rules != nullptr ||
           (scope == Scope::Session && is_any_set(denied));
  }
  // Sessions are chosen by more than their times.
  [[nodiscard]] bool chooses_sessions() const {
    return asks_of_wholes() || (scope == Scope::Session && !allow_list().empty());
  }
  // Sessions are chosen by what came later in them: the inputs are read twice.
  [[nodiscard]] bool needs_two_passes() const {
    return chooses_sessions() || (takes_whole_sessions() && window.is_set());
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

struct NotKnown {
  std::size_t sessions = 0;  // of which nothing was known
  std::size_t shown = 0;     // of which something came out
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
  // See Selection::notes_not_known.
  [[nodiscard]] NotKnown not_known() const;

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
