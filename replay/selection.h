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
#include "format/event.h"
#include "replay/inputs.h"

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

class SelectedSource : public EventSource {
 public:
  // `source` outlives it.  With Scope::Session, `sessions` were collected before.
  SelectedSource(EventSource& source, Selection selection, std::shared_ptr<SessionScope> sessions);
  [[nodiscard]] bool next(EventBatch& batch) override;

  // Gaps that may have cost something of the selection; others are left out of the batches.
  [[nodiscard]] const std::vector<std::string>& gaps() const { return gaps_; }
  [[nodiscard]] std::uint64_t gap_count() const { return gap_count_; }
  // Events that were in the window or chosen.
  [[nodiscard]] std::uint64_t seen() const { return seen_; }

 private:
  [[nodiscard]] bool wanted(const Event& event);
  [[nodiscard]] bool chosen(const Event& event);
  [[nodiscard]] bool chosen_outside_window(const Event& event);
  void tell_of(const Gap& gap);

  EventSource& source_;
  Selection selection_;
  AllowList allow_list_;
  std::shared_ptr<SessionScope> sessions_;
  std::vector<std::string> gaps_;  // the first few, in words
  std::uint64_t gap_count_ = 0;
  std::uint64_t seen_ = 0;
};

// First pass of Scope::Session: reads all of `source`.
[[nodiscard]] std::shared_ptr<SessionScope> collect_sessions(EventSource& source,
                                                             const Selection& selection);

// One line for a person.
[[nodiscard]] std::string describe(const Gap& gap);

}  // namespace smtptape
