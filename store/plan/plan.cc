#include "store/plan/plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace smtptape {

namespace {

constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

struct SequenceRange : SequenceSpan {
  bool recorded = false;  // not a copy: the recorder's next tape begins behind it
};

// What a tape may hold of its capture; of an unsealed one nobody knows where it ends.
SequenceRange sequences_of(const TapeFile& tape) {
  const bool recorded = tape.header && !tape.header->copy_of;
  return {tape.sequences.value_or(SequenceSpan{tape.first_sequence, kEnd}), recorded};
}

bool overlap(const SequenceRange& a, const SequenceRange& b) {
  const bool next = a.recorded && b.recorded && a.first < b.first && a.last == kEnd;
  return !next && b.first <= a.last;
}

bool any_overlap(std::vector<SequenceRange>& ranges) {
  std::erase_if(ranges, [](const SequenceRange& range) { return range.first > range.last; });
  std::sort(
      ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return std::adjacent_find(ranges.begin(), ranges.end(), overlap) != ranges.end();
}

}  // namespace

bool hold_events_once(const std::vector<TapeFile>& tapes) {
  if (tapes.size() < 2) return true;
  std::map<Id128, std::vector<SequenceRange>> of_capture;
  for (const TapeFile& tape : tapes) {
    // A mixed tape is read once for each of its sources.
    if (tape.origins.empty() || tape.mixed) return false;
    of_capture[tape.origins.front().capture].push_back(sequences_of(tape));
  }
  return std::none_of(
      of_capture.begin(), of_capture.end(), [](auto& each) { return any_overlap(each.second); });
}

bool may_hold_doubles(const std::vector<TapeFile>& tapes) {
  using Recorder = std::pair<std::string, std::string>;  // its source's name, its store
  std::map<std::string, Recorder> of_endpoint;
  return std::any_of(tapes.begin(), tapes.end(), [&](const TapeFile& tape) {
    if (!tape.header || tape.header->url.empty()) return false;
    const Recorder recorder{tape.header->origin.source, tape.path.parent_path().string()};
    return of_endpoint.emplace(tape.header->url, recorder).first->second != recorder;
  });
}

std::vector<TapeFile> planned(std::vector<TapeFile> tapes, const PlannedReading& reading) {
  const auto shared = std::make_shared<const PlannedReading>(reading);
  for (TapeFile& tape : tapes)
    tape.reading = shared;
  return tapes;
}

Collected collect_sessions(const std::vector<TapeFile>& tapes,
                           const Selection& selection,
                           Recovery recovery,
                           const std::shared_ptr<GroupPool>& pool) {
  Collected collected;
  collected.sessions = new_pass(selection);
  const auto question =
      std::make_shared<Question>(selection, Question::Mode::Collect, collected.sessions);
  const TimeWindow window = selection.whole_sessions ? selection.window : TimeWindow{};
  EventBatch batch;
  if (pool != nullptr) {
    Inputs inputs(planned(tapes, {question, pool}), window, recovery);
    while (inputs.next(batch)) {
    }
  } else {
    Inputs inputs(tapes, window, recovery);
    ReadAhead ahead(inputs);
    EventChoice choice(*question);
    while (ahead.next(batch)) {
      for (const Event& event : batch.events)
        static_cast<void>(choice.wanted(event));
    }
  }
  collected.plan = question->plan();
  return collected;
}

}  // namespace smtptape
