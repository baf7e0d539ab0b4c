#include "store/plan/question.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hash.h"
#include "format/wire/json.h"

namespace smtptape {

std::string_view name_of(Skipped why) {
  switch (why) {
    case Skipped::Time: return "nothing was received then";
    case Skipped::Property: return "no event has a value that was asked for";
    case Skipped::Session: return "none of the chosen sessions";
    case Skipped::Source: return "other sources' events";
  }
  return "";
}

namespace {

TimeSpan span_of(const GroupIndex& index) {
  return {index.first_received, index.last_received};
}

bool is_one_of(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::vector<std::string> sorted_json(const std::vector<std::string>& texts) {
  std::vector<std::string> json;
  for (const std::string& text : texts)
    append_json_string(json.emplace_back(), text);
  std::sort(json.begin(), json.end());
  return json;
}

}  // namespace

Question::Question(Selection selection, Mode mode, std::shared_ptr<FirstPass> first_pass)
    : selection_(std::move(selection)),
      mode_(mode),
      collects_(mode != Mode::Choose),
      by_sessions_(selection_.chooses_sessions()),
      asks_of_wholes_(selection_.asks_of_wholes()),
      message_ids_(sorted_json(selection_.message_ids)),
      rules_(collects_ ? selection_.session_list() : selection_.allow_list()),
      denied_(selection_.denied_list()),
      the_other_way_(selection_.the_other_way()),
      takes_everything_(!collects_ && rules_.empty() && !by_sessions_ &&
                        !selection_.window.is_set() && selection_.sources.empty()),
      second_pass_(!collects_ && first_pass != nullptr),
      first_pass_(first_pass != nullptr ? std::move(first_pass) : new_pass(selection_)) {
  required_ = first_pass_->sessions.required();
  if (second_pass_) session_hashes_ = first_pass_->sessions.hashes();
}

Question::~Question() = default;

// Whether what is outside the window is not wanted, whatever it is.
bool Question::window_decides() const {
  const bool whole = selection_.takes_whole_sessions();
  return collects_ ? whole && !asks_of_wholes_ : !whole;
}

std::optional<Skipped> Question::why_not(const GroupIndex& index) const {
  if (index.events > 0 && !selection_.within.touches(span_of(index))) return Skipped::Session;
  if (window_decides() && index.events > 0 && !selection_.window.touches(span_of(index))) {
    return Skipped::Time;
  }
  if (is_of_no_source(index)) return Skipped::Source;
  if (is_partly_in_window(index)) return std::nullopt;
  if (summaries_exclude(index)) return Skipped::Property;
  return std::nullopt;
}

// How many of its events are in the window, only the events tell.
bool Question::is_partly_in_window(const GroupIndex& index) const {
  const TimeWindow& window = selection_.window;
  const bool inside = window.holds(index.first_received) && window.holds(index.last_received);
  const bool counts = !collects_ || selection_.takes_whole_sessions();
  return counts && window.touches(span_of(index)) && !inside;
}

bool Question::summaries_exclude(const GroupIndex& index) const {
  if (rules_.empty()) return false;
  const bool by_session = selection_.scope == Scope::Session;
  if (collects_ ? asks_of_wholes_ : by_session) return false;  // rows tell
  const Scope scope = collects_ ? Scope::Strict : selection_.scope;
  // An event about which the manual and a live server differ has to be seen.
  if (the_other_way_ && !the_other_way_->excludes(index, scope)) return false;
  return rules_.excludes(index, scope);
}

bool Question::is_of_no_source(const GroupIndex& index) const {
  if (selection_.sources.empty() || index.origins.empty()) return false;
  return std::none_of(index.origins.begin(), index.origins.end(), [this](const Origin& origin) {
    return is_one_of(selection_.sources, origin.source);
  });
}

bool Question::is_of_source(const Event& event) const {
  return selection_.sources.empty() ||
         (event.origin != nullptr && is_one_of(selection_.sources, event.origin->source));
}

bool Question::chooses_by_session_alone() const {
  // A session that is named by a recipient may have what is denied elsewhere.
  if (collects_) return !selection_.sessions.empty() || (selection_.named && !asks_of_wholes_);
  return by_sessions_ && second_pass_;
}

bool Question::asks_rows(const GroupIndex& index) const {
  if (is_partly_in_window(index)) return false;
  if (collects_) return true;
  if (!second_pass_) return false;
  // Without filters the window chooses, and what has no session as well.
  return by_sessions_ ||
         (selection_.scope == Scope::Session && !selection_.window.touches(span_of(index)));
}

bool Question::rows_answer(const GroupIndex& index, const SessionRows& rows) {
  if (!collects_) return !has_chosen_session(rows);
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
// it, or nothing.
bool Question::collect_rows(const GroupIndex& index, const SessionRows& rows) {
  std::vector<std::pair<std::string_view, SessionMarks>> found;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const auto marks = marks_in_row(index, rows, i);
    if (!marks || (*marks != 0 && rows.rows[i].id_hashed)) return false;
    if (*marks != 0) found.emplace_back(rows.rows[i].id, *marks);
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [id, marks] : found)
    first_pass_->sessions.mark(id, marks);
  return true;
}

// What holds of a session, or may hold where rules are asked afterwards; nullopt: only the events
// tell.
std::optional<SessionMarks> Question::marks_in_row(const GroupIndex& index,
                                                   const SessionRows& rows,
                                                   std::size_t row) const {
  using InRow = AllowList::InRow;
  const bool guesses = mode_ == Mode::Candidates;
  const bool counts =
      !selection_.takes_whole_sessions() || selection_.window.touches(span_of(index));
  SessionMarks marks = guesses ? selection_.rules->may_hold(rows.rows[row]) : 0;
  const InRow passes = counts ? rules_.in_row(rows, row, &index) : InRow::No;
  if (passes == InRow::Maybe && !guesses) return std::nullopt;
  if (passes != InRow::No) marks |= SessionScope::kPasses;
  const TimeSpan of_row{rows.rows[row].first_received, rows.rows[row].last_received};
  if ((required_ & SessionScope::kInTime) != 0 && selection_.window.touches(of_row)) {
    const TimeWindow& window = selection_.window;
    const bool inside = window.holds(of_row.first) || window.holds(of_row.last);
    if (!inside && !guesses) return std::nullopt;
    marks |= SessionScope::kInTime;
  }
  if (may_hold_message(index)) {
    if (!guesses) return std::nullopt;
    marks |= SessionScope::kMessage;
  }
  const InRow denied = denied_.denied_in_row(rows, row);
  if (denied == InRow::Maybe && !guesses) return std::nullopt;
  if (denied == InRow::Yes) marks |= SessionScope::kDenied;
  return marks & (required_ | SessionScope::kDenied);
}

bool Question::may_hold_message(const GroupIndex& index) const {
  return std::any_of(message_ids_.begin(), message_ids_.end(), [&index](const auto& json) {
    return index.index_version < kIndexVersion || may_hold_message_id(index, json);
  });
}

bool Question::is_of_message(const Meta& meta) const {
  if (message_ids_.empty()) return false;
  const auto json = meta.find(kMessageIdKey);
  return json && std::binary_search(message_ids_.begin(), message_ids_.end(), *json, std::less<>());
}

bool Question::may_hold_sessions(const std::vector<std::uint64_t>& ascending) const {
  if (collects_) {
    const auto may_be = [&ascending](const std::string& id) {
      return std::binary_search(ascending.begin(), ascending.end(), hash64(id));
    };
    const auto& ids = selection_.sessions;
    if (!ids.empty()) return std::any_of(ids.begin(), ids.end(), may_be);
    return !selection_.named || selection_.named->may_be_session_of(ascending);
  }
  return std::any_of(session_hashes_.begin(), session_hashes_.end(), [&](std::uint64_t hash) {
    return std::binary_search(ascending.begin(), ascending.end(), hash);
  });
}

bool Question::asks_for_sessions_alone(const GroupIndex& index) const {
  return !collects_ || !selection_.sessions.empty() || !rules_.named_may_be_of_message(index);
}

void Question::note_passed_over(const GroupIndex& index, Skipped why) {
  const std::lock_guard lock(mutex_);
  ReadingPlan::Count& count = plan_.of(why);
  ++count.groups;
  count.bytes += index.bytes;
  if (index.events == 0 || why == Skipped::Source) return;
  if (collects_) {
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
  first_pass_->unmatched.note(index.summaries);
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

void Question::collect(const Meta& meta, SessionMarks marks) {
  const std::lock_guard lock(mutex_);
  first_pass_->sessions.mark(meta, marks);
}

void Question::note_shown(const Meta& meta, bool known) {
  if (!meta.session_id() || meta.form() == Meta::Form::Null) return;
  const std::lock_guard lock(mutex_);
  bool& is_known = shown_[hash64(*meta.session_id())];
  is_known = is_known || known;
}

NotKnown Question::not_known() const {
  const std::lock_guard lock(mutex_);
  const auto unknown = std::count_if(
      shown_.begin(), shown_.end(), [](const auto& session) { return !session.second; });
  return {static_cast<std::size_t>(unknown), shown_.size()};
}

}  // namespace smtptape
