#include "store/plan/selection.h"

#include <algorithm>

#include "base/counted.h"
#include "base/time_spec.h"
#include "filters/property.h"
#include "format/wire/wire.h"
#include "store/plan/question.h"

namespace smtptape {

namespace {
constexpr std::size_t kMostGapsInWords = 20;
}  // namespace

std::string describe(const Gap& gap) {
  std::string text = "gap: " + std::string(gap_cause_name(gap.cause)) + ": ";
  if (gap.cause == GapCause::Oversize) {
    text += "a frame of " + counted(gap.frame_bytes, "byte") + " was not kept";
  } else if (gap.count) {
    if (gap.count == kMostCounted) text += "at least ";
    text += counted(*gap.count, "event") + " missing";
  } else {
    text += "events missing, nobody knows how many";
  }
  if (gap.origin != nullptr && !gap.origin->source.empty())
    text += ", source " + gap.origin->source;
  if (gap.from != 0) text += ", " + show_time(gap.from);
  const std::string until = show_time(gap.until);
  if (gap.until != 0 && until != show_time(gap.from)) text += " to " + until;
  if (!gap.detail.empty()) text += " (" + gap.detail + ")";
  return text;
}

AllowList Selection::allow_list() const {
  AllowList list(request, honour);
  if (named) list.require(*named);
  if (scope != Scope::Session) list.deny(denied);
  list.require_sessions(sessions);
  if (sessions_shortened) list.take_beginnings();
  return list;
}

AllowList Selection::session_list() const {
  if (scope == Scope::Session) return allow_list();
  AllowList list({}, honour);
  list.require_sessions(sessions);
  return list;
}

std::optional<AllowList> Selection::the_other_way() const {
  if (scope != Scope::Event) return std::nullopt;
  bool may_differ = false;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    may_differ |= request.allowed[i].is_set() && kProperties[i].is_ignored_by_server();
  }
  if (!may_differ) return std::nullopt;
  Selection other = *this;
  other.honour = honour == Honour::AsLive ? Honour::Documented : Honour::AsLive;
  return other.allow_list();
}

AllowList Selection::denied_list() const {
  AllowList list({}, honour);
  if (scope == Scope::Session) list.deny(denied);
  return list;
}

std::shared_ptr<FirstPass> new_pass(const Selection& selection) {
  AllowList list = selection.session_list();
  SessionMarks required = selection.rules != nullptr ? selection.rules->all() : 0;
  if (!selection.message_ids.empty()) required |= SessionScope::kMessage;
  const bool by_time = selection.takes_whole_sessions() && selection.window.is_set();
  if (by_time || !list.empty() || required == 0) required |= SessionScope::kPasses;
  // Of the others nothing would come out.
  const bool in_time = selection.window.is_set() && !selection.takes_whole_sessions();
  if (in_time && selection.asks_of_wholes()) required |= SessionScope::kInTime;
  auto pass = std::make_shared<FirstPass>(
      FirstPass{SessionScope(std::move(list), SessionScope::NoFilter::TakesCollected),
                UnmatchedValues(selection.request, selection.honour, selection.denied)});
  pass->sessions.require(required);
  return pass;
}

Tally& Tally::operator+=(const Tally& other) {
  seen += other.seen;
  looked_at += other.looked_at;
  if (other.span) include(span, *other.span);
  differs_live = differs_live || other.differs_live;
  return *this;
}

SelectedSource::SelectedSource(EventSource& source,
                               Selection selection,
                               std::shared_ptr<FirstPass> first_pass)
    : source_(source),
      question_(std::make_shared<Question>(
          std::move(selection), Question::Mode::Choose, std::move(first_pass))),
      choice_(question_->borrow()) {
}

SelectedSource::SelectedSource(EventSource& source, std::shared_ptr<Question> question)
    : source_(source), question_(std::move(question)) {
}

SelectedSource::~SelectedSource() = default;

bool SelectedSource::next(EventBatch& batch) {
  if (!source_.next(batch)) return false;
  const Selection& selection = question_->selection();
  std::erase_if(batch.gaps, [&](const Gap& gap) { return !selection.window.touches(gap); });
  for (const Gap& gap : batch.gaps)
    tell_of(gap);
  LeftOut unused;  // nothing is merged behind it
  if (choice_ != nullptr) choice_->keep(batch, unused);
  if (selection.request.terse) {
    for (Event& event : batch.events)
      abbreviate(event, batch.arena);
  }
  return true;
}

Tally SelectedSource::tally() const {
  Tally all = question_->tally();
  if (choice_ != nullptr) all += choice_->tally;
  return all;
}

NotKnown SelectedSource::not_known() const {
  return question_->not_known();
}

const UnmatchedValues& SelectedSource::unmatched() const {
  return question_->unmatched();
}

void SelectedSource::tell_of(const Gap& gap) {
  ++gap_count_;
  if (gaps_.size() < kMostGapsInWords) gaps_.push_back(describe(gap));
}

}  // namespace smtptape
