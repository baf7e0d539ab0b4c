#include "store/plan/question.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hash.h"
#include "filters/property.h"

namespace smtptape {

std::string_view name_of(Skipped why) {
  switch (why) {
    case Skipped::Time: return "nothing was received then";
    case Skipped::Property: return "no event has a value that was asked for";
    case Skipped::Session: return "none of the chosen sessions";
  }
  return "";
}

namespace {

// Where the manual and a live server may differ for this selection: the other of the two.
std::optional<AllowList> the_other_way(const Selection& selection) {
  if (selection.scope != Scope::Event) return std::nullopt;
  bool may_differ = false;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    may_differ |= selection.request.allowed[i].is_set() && kProperties[i].is_ignored_by_server();
  }
  if (!may_differ) return std::nullopt;
  const bool as_live = selection.honour == Honour::AsLive;
  return AllowList(selection.request, as_live ? Honour::Documented : Honour::AsLive);
}

TimeSpan span_of(const GroupIndex& index) {
  return {index.first_received, index.last_received};
}

}  // namespace

Question::Question(Selection selection, Mode mode, std::shared_ptr<FirstPass> first_pass)
    : selection_(std::move(selection)),
      mode_(mode),
      rules_(selection_.allow_list()),
      the_other_way_(the_other_way(selection_)),
      takes_everything_(mode == Mode::Choose && rules_.empty() && !selection_.window.is_set()),
      second_pass_(mode == Mode::Choose && first_pass != nullptr),
      first_pass_(first_pass != nullptr ? std::move(first_pass) : new_pass(selection_)) {
  if (second_pass_) session_hashes_ = first_pass_->sessions.hashes();
}

Question::~Question() = default;

// Whether what is outside the window is not wanted, whatever it is.
bool Question::window_decides() const {
  const bool whole = selection_.scope == Scope::Session && selection_.whole_sessions;
  return mode_ == Mode::Collect ? selection_.whole_sessions : !whole;
}

std::optional<Skipped> Question::why_not(const GroupIndex& index) const {
  if (index.events > 0 && !selection_.within.touches(span_of(index))) return Skipped::Session;
  if (window_decides() && index.events > 0 && !selection_.window.touches(span_of(index))) {
    return Skipped::Time;
  }
  if (is_partly_in_window(index)) return std::nullopt;
  if (summaries_exclude(index)) return Skipped::Property;
  return std::nullopt;
}

// How many of its events are in the window, only the events tell.
bool Question::is_partly_in_window(const GroupIndex& index) const {
  const TimeWindow& window = selection_.window;
  const bool inside = window.holds(index.first_received) && window.holds(index.last_received);
  const bool counts = mode_ == Mode::Choose || selection_.whole_sessions;
  return counts && window.touches(span_of(index)) && !inside;
}

bool Question::summaries_exclude(const GroupIndex& index) const {
  if (rules_.empty()) return false;
  const bool by_session = mode_ == Mode::Choose && selection_.scope == Scope::Session;
  if (by_session) return false;  // rows tell
  const Scope scope = mode_ == Mode::Collect ? Scope::Strict : selection_.scope;
  // An event about which the manual and a live server differ has to be seen.
  if (the_other_way_ && !the_other_way_->excludes(index, scope)) return false;
  return rules_.excludes(index, scope);
}

bool Question::chooses_by_session_alone() const {
  if (mode_ == Mode::Collect) return selection_.named.has_value();
  return mode_ == Mode::Choose && selection_.scope == Scope::Session && second_pass_ &&
         !rules_.empty();
}

bool Question::asks_rows(const GroupIndex& index) const {
  if (is_partly_in_window(index)) return false;
  if (mode_ == Mode::Collect) return true;
  if (selection_.scope != Scope::Session || !second_pass_) return false;
  // Without filters the window chooses, and what has no session as well.
  return !rules_.empty() || !selection_.window.touches(span_of(index));
}

bool Question::rows_answer(const GroupIndex& index, const SessionRows& rows) {
  if (mode_ == Mode::Choose) return !has_chosen_session(rows);
  if (!collect_rows(index, rows)) return false;
  const std::lock_guard lock(mutex_);
  note_values(index);
  if (first_pass_->unmatched.knows_too_little()) first_pass_->unmatched.note(rows);
  return true;
}

bool Question::has_chosen_session(const SessionRows& rows) const {
  return std::any_of(rows.rows.begin(), rows.rows.end(), [this](const SessionRow& row) {
    return std::binary_search(session_hashes_.begin(), session_hashes_.end(), row.id_hash());
  });
}

// False: of some session the events have to tell.  Where a window chooses, all of the group is in
// it.
bool Question::collect_rows(const GroupIndex& index, const SessionRows& rows) {
  std::vector<std::string_view> found;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const SessionRow& row = rows.rows[i];
    const AllowList::InRow in_row = rules_.in_row(rows, i, &index);
    if (in_row == AllowList::InRow::No) continue;
    if (in_row == AllowList::InRow::Maybe || row.id_hashed) return false;
    found.push_back(row.id);
  }
  const std::lock_guard lock(mutex_);
  for (const std::string_view id : found)
    first_pass_->sessions.collect_session(id);
  return true;
}

bool Question::may_hold_sessions(const std::vector<std::uint64_t>& ascending) const {
  if (mode_ == Mode::Collect)
    return !selection_.named || selection_.named->may_be_session_of(ascending);
  return std::any_of(session_hashes_.begin(), session_hashes_.end(), [&](std::uint64_t hash) {
    return std::binary_search(ascending.begin(), ascending.end(), hash);
  });
}

bool Question::asks_for_sessions_alone(const GroupIndex& index) const {
  return mode_ == Mode::Choose || !rules_.named_may_be_of_message(index);
}

void Question::note_passed_over(const GroupIndex& index, Skipped why) {
  const std::lock_guard lock(mutex_);
  ReadingPlan::Count& count = plan_.of(why);
  ++count.groups;
  count.bytes += index.bytes;
  if (index.events == 0) return;
  if (mode_ == Mode::Collect) {
    if (why != Skipped::Time) note_values(index);  // which is inside the window, if that counts
    return;
  }
  passed_over_.looked_at += index.events;
  include(passed_over_.span, span_of(index));
  if (why == Skipped::Time) return;
  const bool inside =
      selection_.window.holds(index.first_received) && selection_.window.holds(index.last_received);
  if (inside) passed_over_.seen += index.events;
  if (!second_pass_ && inside) note_values(index);
}

// The values that none of the events had.
void Question::note_values(const GroupIndex& index) {
  for (const PropertySummary& summary : index.summaries)
    first_pass_->unmatched.note(summary);
}

bool Question::lacks_values(const GroupIndex& index) const {
  const TimeWindow& window = selection_.window;
  const bool inside = window.holds(index.first_received) && window.holds(index.last_received);
  const Scope scope = selection_.scope == Scope::Event ? Scope::Event : Scope::Strict;
  return inside && index.events > 0 && rules_.excludes(index, scope);
}

void Question::note_rows(const SessionRows& rows) {
  const std::lock_guard lock(mutex_);
  first_pass_->unmatched.note(rows);
}

void Question::note_read(std::uint64_t bytes, bool columns_only) {
  const std::lock_guard lock(mutex_);
  ReadingPlan::Count& count = columns_only ? plan_.columns : plan_.read;
  ++count.groups;
  count.bytes += bytes;
}

void Question::note_tape(bool whole) {
  const std::lock_guard lock(mutex_);
  ++plan_.tapes;
  if (whole) ++plan_.tapes_whole;
}

void Question::note_outside() {
  const std::lock_guard lock(mutex_);
  ++plan_.tapes_outside;
}

std::unique_ptr<EventChoice> Question::borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!choices_.empty()) {
      auto choice = std::move(choices_.back());
      choices_.pop_back();
      return choice;
    }
  }
  return std::make_unique<EventChoice>(*this);
}

void Question::give_back(std::unique_ptr<EventChoice> choice) {
  const std::lock_guard lock(mutex_);
  choices_.push_back(std::move(choice));
}

void Question::add(const Tally& looked_at) {
  const std::lock_guard lock(mutex_);
  passed_over_ += looked_at;
}

Tally Question::tally() const {
  const std::lock_guard lock(mutex_);
  Tally all = passed_over_;
  for (const auto& choice : choices_)
    all += choice->tally;
  return all;
}

ReadingPlan Question::plan() const {
  const std::lock_guard lock(mutex_);
  return plan_;
}

void Question::note_meta(const Meta& meta) {
  const std::lock_guard lock(mutex_);
  first_pass_->unmatched.note(meta);
}

void Question::collect(const Event& event) {
  const std::lock_guard lock(mutex_);
  first_pass_->sessions.collect({&event, 1});
}

EventChoice::EventChoice(Question& question)
    : question_(question),
      allow_list_(question.selection().allow_list()),
      the_other_way_(the_other_way(question.selection())) {
}

void EventChoice::count_all(Tally& tally, const std::vector<Event>& events) {
  if (events.empty()) return;
  tally.seen += events.size();
  tally.looked_at += events.size();
  // Between these two the clock may have been set: good enough for words.
  include(tally.span, {events.front().received, events.front().received});
  include(tally.span, {events.back().received, events.back().received});
}

void EventChoice::keep(EventBatch& batch, LeftOut& left_out) {
  if (question_.takes_everything()) return take_all(batch.events);
  std::erase_if(batch.events, [&](Event& event) {
    if (!wanted(event)) {
      left_out.add(event.received);
      return true;
    }
    left_out.tell(event);
    return false;
  });
}

bool EventChoice::wanted(const Event& event) {
  const Selection& selection = question_.selection();
  const bool in_window = selection.window.holds(event.received);
  if (question_.mode_ == Question::Mode::Collect) {
    if (event.meta == nullptr) return false;
    if (selection.whole_sessions && !in_window) return false;
    if (noted_.find(*event.meta) != nullptr) return false;
    noted_.remember(*event.meta, true);
    question_.note_meta(*event.meta);
    if (allow_list_.passes(event.meta, Scope::Strict)) question_.collect(event);
    return false;
  }
  look_at(event);
  const bool whole = selection.scope == Scope::Session && selection.whole_sessions;
  const bool is_wanted = in_window ? chosen(event) : whole && in_chosen_session(event.meta);
  if (in_window || is_wanted) ++tally.seen;
  return is_wanted;
}

void EventChoice::look_at(const Event& event) {
  ++tally.looked_at;
  include(tally.span, {event.received, event.received});
  if (!question_.selection().window.holds(event.received)) return;
  if (!question_.second_pass_ && event.meta != nullptr && noted_.find(*event.meta) == nullptr) {
    noted_.remember(*event.meta, true);
    question_.note_meta(*event.meta);
  }
  if (!the_other_way_ || tally.differs_live) return;
  tally.differs_live = allow_list_.passes(event.meta, Scope::Event) !=
                       the_other_way_->passes(event.meta, Scope::Event);
}

bool EventChoice::chosen(const Event& event) {
  const Selection& selection = question_.selection();
  if (allow_list_.empty()) return true;
  if (selection.scope == Scope::Session) return in_chosen_session(event.meta);
  return allow_list_.passes(event.meta, selection.scope);
}

bool EventChoice::in_chosen_session(const Meta* meta) {
  if (meta == nullptr) return false;
  if (const bool* const known = in_session_.find(*meta)) return *known;
  return in_session_.remember(*meta, question_.first_pass_->sessions.has(*meta));
}

}  // namespace smtptape
