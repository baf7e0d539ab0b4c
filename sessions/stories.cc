#include "sessions/stories.h"

#include <algorithm>
#include <limits>

#include "base/counted.h"
#include "format/tape/tape_info.h"

namespace smtptape {

namespace {

Id128 capture_of(const Origin* origin) {
  return origin == nullptr ? Id128() : origin->capture;
}

}  // namespace

std::string words_of(const Gap& gap) {
  std::string text(gap_cause_name(gap.cause));
  if (gap.count) {
    text += ": " + counted(*gap.count, "event") + " missing";
  } else {
    text += ": events missing, nobody knows how many";
  }
  return text;
}

std::vector<Story> Stories::add(const EventBatch& batch) {
  std::vector<Story> complete;
  for (const Gap& gap : batch.gaps)
    add_gap(gap);
  for (const Event& event : batch.events)
    add(event, complete);
  return complete;
}

std::vector<Story> Stories::finish() {
  open_.splice(open_.end(), closed_);
  open_.sort([](const Open& a, const Open& b) { return a.number < b.number; });
  std::vector<Story> all;
  while (!open_.empty())
    complete(open_, all);
  return all;
}

std::optional<std::int64_t> Stories::oldest() const {
  if (beginnings_.empty()) return std::nullopt;
  return *beginnings_.begin();
}

void Stories::add_gap(const Gap& gap) {
  const Id128 capture = capture_of(gap.origin);
  std::uint64_t after = gap.after_sequence;
  if (after == 0) {
    after = gap.before_sequence != 0 ? gap.before_sequence - 1 : last_sequences_[capture];
  }
  std::vector<Missing>& missing = gaps_[capture];
  if (missing.size() >= kMostGaps) missing.erase(missing.begin());
  const auto place =
      std::upper_bound(missing.begin(), missing.end(), after, [](std::uint64_t a, const auto& b) {
        return a < b.after;
      });
  missing.insert(place, {after, words_of(gap)});
  if (after < last_sequences_[capture]) tell_late(capture, gap, after);
}

// Copies tell gaps where a group ends: then the events around it have been here.
void Stories::tell_late(const Id128& capture, const Gap& gap, std::uint64_t after) {
  for (std::list<Open>* const list : {&open_, &closed_}) {
    for (Open& story : *list) {
      if (story.capture != capture || after < story.first_sequence) continue;
      if (after < story.last_sequence) story.builder.note_gap(words_of(gap));
    }
  }
}

void Stories::add(const Event& event, std::vector<Story>& complete_now) {
  if (!gaps_.empty() || event.sequence > 0)
    last_sequences_[capture_of(event.origin)] = event.sequence;
  if (event.meta == nullptr || !event.meta->session_id() || event.meta->session_id()->empty())
    return;
  Open& story = open(event, *event.meta->session_id(), complete_now);
  tell_gaps(story, event.sequence);
  story.builder.add(event);
  story.last_sequence = event.sequence;
  story.last_received = event.received;
  const bool closed = story.builder.is_closed();
  const auto place = places_.find(story.id)->second;
  std::list<Open>& from = story.closed ? closed_ : open_;
  std::list<Open>& to = closed ? closed_ : open_;
  story.closed = closed;
  to.splice(to.end(), from, place);
  if (until_ == Until::End) return;
  while (!closed_.empty() && closed_.front().last_received < event.received - kSilence)
    complete(closed_, complete_now);
}

Stories::Open& Stories::open(const Event& event,
                             std::string_view id,
                             std::vector<Story>& complete_now) {
  const auto known = places_.find(id);
  if (known != places_.end()) return *known->second;
  if (places_.size() >= most_open_) {
    ++cut_short_;
    complete(closed_.empty() ? open_ : closed_, complete_now);
  }
  Open& story = open_.emplace_back(id, details_);
  story.number = ++seen_;
  story.capture = capture_of(event.origin);
  story.last_sequence = event.sequence;
  story.first_sequence = event.sequence;
  story.first_received = event.received;
  beginnings_.insert(event.received);
  places_.emplace(story.id, std::prev(open_.end()));
  return story;
}

// Those behind its last event and before this sequence.
void Stories::tell_gaps(Open& story, std::uint64_t before) const {
  const auto gaps = gaps_.find(story.capture);
  if (gaps == gaps_.end()) return;
  auto gap = std::lower_bound(
      gaps->second.begin(),
      gaps->second.end(),
      story.last_sequence,
      [](const Missing& missing, std::uint64_t sequence) { return missing.after < sequence; });
  for (; gap != gaps->second.end() && gap->after < before; ++gap)
    story.builder.add_gap(gap->what);
}

void Stories::complete(std::list<Open>& list, std::vector<Story>& to) {
  Open& story = list.front();
  // Of one that was not over its end may be missing.
  if (!story.closed) tell_gaps(story, std::numeric_limits<std::uint64_t>::max());
  places_.erase(story.id);
  beginnings_.erase(beginnings_.find(story.first_received));
  to.push_back(story.builder.finish());
  list.pop_front();
}

}  // namespace smtptape
