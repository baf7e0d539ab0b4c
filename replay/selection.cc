#include "replay/selection.h"

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

SelectedSource::SelectedSource(EventSource& source,
                               Selection selection,
                               std::shared_ptr<SessionScope> sessions)
    : source_(source),
      selection_(std::move(selection)),
      allow_list_(selection_.request, selection_.honour),
      sessions_(std::move(sessions)) {
}

bool SelectedSource::next(EventBatch& batch) {
  if (!source_.next(batch)) return false;
  std::erase_if(batch.gaps, [this](const Gap& gap) { return !selection_.window.touches(gap); });
  for (const Gap& gap : batch.gaps)
    tell_of(gap);
  const bool all = allow_list_.empty() && !selection_.window.is_set();
  if (all) {
    seen_ += batch.events.size();
  } else {
    std::erase_if(batch.events, [this](const Event& event) { return !wanted(event); });
  }
  if (selection_.request.terse) {
    for (Event& event : batch.events)
      abbreviate(event, batch.arena);
  }
  return true;
}

bool SelectedSource::wanted(const Event& event) {
  const bool in_window = selection_.window.holds(event.received);
  const bool is_wanted = in_window ? chosen(event) : chosen_outside_window(event);
  if (in_window || is_wanted) ++seen_;
  return is_wanted;
}

bool SelectedSource::chosen(const Event& event) {
  if (allow_list_.empty()) return true;
  if (selection_.scope == Scope::Session) return sessions_->contains(event.meta);
  return allow_list_.passes(event.meta, selection_.scope);
}

bool SelectedSource::chosen_outside_window(const Event& event) {
  const bool possible = selection_.scope == Scope::Session && selection_.whole_sessions;
  return possible && sessions_->contains(event.meta);
}

void SelectedSource::tell_of(const Gap& gap) {
  ++gap_count_;
  if (gaps_.size() < kMostGapsInWords) gaps_.push_back(describe(gap));
}

std::shared_ptr<SessionScope> collect_sessions(EventSource& source, const Selection& selection) {
  auto sessions = std::make_shared<SessionScope>(AllowList(selection.request, selection.honour),
                                                 SessionScope::NoFilter::TakesCollected);
  EventBatch batch;
  while (source.next(batch)) {
    if (selection.whole_sessions) {
      std::erase_if(batch.events,
                    [&](const Event& event) { return !selection.window.holds(event.received); });
    }
    sessions->collect(batch.events);
  }
  return sessions;
}

}  // namespace smtptape
