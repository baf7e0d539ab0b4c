// What a question says of single events.
#include <algorithm>

#include "store/plan/question.h"

namespace smtptape {

EventChoice::EventChoice(Question& question)
    : question_(question),
      allow_list_(question.collects_ ? question.selection().session_list()
                                     : question.selection().allow_list()),
      denied_(question.selection().denied_list()),
      the_other_way_(question.selection().the_other_way()) {
  if (question.selection().notes_not_known)
    positive_.emplace(question.selection().request, question.selection().honour);
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
  if (!question_.is_of_source(event)) return false;
  const bool in_window = selection.window.holds(event.received);
  if (question_.collects_) {
    if (event.meta != nullptr) collect(event, in_window);
    return false;
  }
  look_at(event);
  const bool whole = selection.takes_whole_sessions();
  const bool is_wanted = in_window ? chosen(event) : whole && in_chosen_session(event.meta);
  if (in_window || is_wanted) ++tally.seen;
  return is_wanted;
}

void EventChoice::collect(const Event& event, bool in_window) {
  const bool counts = in_window || !question_.selection().takes_whole_sessions();
  if (!counts && !question_.asks_of_wholes_) return;
  MetaMemo<bool>& noted = in_window ? noted_ : noted_outside_;
  if (noted.find(*event.meta) != nullptr) return;
  noted.remember(*event.meta, true);
  if (counts) question_.note_meta(*event.meta);
  SessionMarks marks = marks_of(*event.meta, counts);
  if (in_window) marks |= SessionScope::kInTime;
  if (marks != 0) question_.collect(*event.meta, marks);
}

SessionMarks EventChoice::marks_of(const Meta& meta, bool counts) {
  SessionMarks marks = 0;
  if (counts && allow_list_.passes(&meta, Scope::Strict)) marks |= SessionScope::kPasses;
  if (question_.is_of_message(meta)) marks |= SessionScope::kMessage;
  if (!denied_.passes(&meta, Scope::Event)) marks |= SessionScope::kDenied;
  if (question_.mode_ == Question::Mode::Candidates) marks |= question_.selection().rules->all();
  return marks & (question_.required_ | SessionScope::kDenied);
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
  if (question_.by_sessions_ && !in_chosen_session(event.meta)) return;
  tally.differs_live = allow_list_.passes(event.meta, Scope::Event) !=
                       the_other_way_->passes(event.meta, Scope::Event);
}

bool EventChoice::chosen(const Event& event) {
  if (question_.by_sessions_ && !in_chosen_session(event.meta)) return false;
  const Scope scope = question_.selection().scope;
  if (scope != Scope::Session && !allow_list_.passes(event.meta, scope)) return false;
  if (positive_ && event.meta != nullptr && shown_.find(*event.meta) == nullptr)
    note_shown(*event.meta);
  return true;
}

void EventChoice::note_shown(const Meta& meta) {
  shown_.remember(meta, true);
  question_.note_shown(meta, positive_->passes(&meta, Scope::Strict));
}

bool EventChoice::in_chosen_session(const Meta* meta) {
  if (meta == nullptr) return false;
  if (const bool* const known = in_session_.find(*meta)) return *known;
  return in_session_.remember(*meta, question_.first_pass_->sessions.has(*meta));
}

}  // namespace smtptape
