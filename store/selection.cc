#include "store/selection.h"

#include <algorithm>

#include "base/counted.h"
#include "base/time_spec.h"
#include "format/wire/wire.h"

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

std::shared_ptr<FirstPass> new_pass(const Selection& selection) {
  return std::make_shared<FirstPass>(
      FirstPass{SessionScope(AllowList(selection.request, selection.honour),
                             SessionScope::NoFilter::TakesCollected),
                UnmatchedValues(selection.request, selection.honour)});
}

}  // namespace

SelectedSource::SelectedSource(EventSource& source,
                               Selection selection,
                               std::shared_ptr<FirstPass> first_pass)
    : source_(source),
      selection_(std::move(selection)),
      allow_list_(selection_.request, selection_.honour),
      first_pass_(std::move(first_pass)),
      second_pass_(first_pass_ != nullptr),
      the_other_way_(the_other_way(selection_)) {
  if (!second_pass_) first_pass_ = new_pass(selection_);
}

bool SelectedSource::next(EventBatch& batch) {
  if (!source_.next(batch)) return false;
  std::erase_if(batch.gaps, [this](const Gap& gap) { return !selection_.window.touches(gap); });
  for (const Gap& gap : batch.gaps)
    tell_of(gap);
  const bool all = allow_list_.empty() && !selection_.window.is_set();
  if (all && !batch.events.empty()) {
    seen_ += batch.events.size();
    looked_at_ += batch.events.size();
    // Between these two the clock may have been set: good enough for words.
    include(span_, {batch.events.front().received, batch.events.front().received});
    include(span_, {batch.events.back().received, batch.events.back().received});
  } else if (!all) {
    std::erase_if(batch.events, [this](const Event& event) { return !wanted(event); });
  }
  if (selection_.request.terse) {
    for (Event& event : batch.events)
      abbreviate(event, batch.arena);
  }
  return true;
}

void SelectedSource::look_at(const Event& event) {
  ++looked_at_;
  include(span_, {event.received, event.received});
  if (!selection_.window.holds(event.received)) return;
  if (!second_pass_ && event.meta != nullptr) first_pass_->unmatched.note(*event.meta);
  if (!the_other_way_ || differs_live_) return;
  differs_live_ = allow_list_.passes(event.meta, Scope::Event) !=
                  the_other_way_->passes(event.meta, Scope::Event);
}

bool SelectedSource::wanted(const Event& event) {
  look_at(event);
  const bool in_window = selection_.window.holds(event.received);
  const bool is_wanted = in_window ? chosen(event) : chosen_outside_window(event);
  if (in_window || is_wanted) ++seen_;
  return is_wanted;
}

bool SelectedSource::chosen(const Event& event) {
  if (allow_list_.empty()) return true;
  if (selection_.scope == Scope::Session) return first_pass_->sessions.contains(event.meta);
  return allow_list_.passes(event.meta, selection_.scope);
}

bool SelectedSource::chosen_outside_window(const Event& event) {
  const bool possible = selection_.scope == Scope::Session && selection_.whole_sessions;
  return possible && first_pass_->sessions.contains(event.meta);
}

void SelectedSource::tell_of(const Gap& gap) {
  ++gap_count_;
  if (gaps_.size() < kMostGapsInWords) gaps_.push_back(describe(gap));
}

std::shared_ptr<FirstPass> collect_sessions(EventSource& source, const Selection& selection) {
  std::shared_ptr<FirstPass> found = new_pass(selection);
  EventBatch batch;
  while (source.next(batch)) {
    if (selection.whole_sessions) {
      std::erase_if(batch.events,
                    [&](const Event& event) { return !selection.window.holds(event.received); });
    }
    found->sessions.collect(batch.events);
    for (const Event& event : batch.events) {
      if (event.meta != nullptr) found->unmatched.note(*event.meta);
    }
  }
  return found;
}

}  // namespace smtptape
