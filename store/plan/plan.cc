#include "store/plan/plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/session_rows.h"
#include "store/find/input_files.h"

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

namespace {

// Of sections with rows, over all tapes.
constexpr std::uint64_t kMostLookedThrough = 32 * kMiB;
constexpr std::size_t kMostGroupsLookedInto = 32;

bool lists_too_little(const GroupIndex& index) {
  return std::any_of(index.summaries.begin(), index.summaries.end(), [](const auto& summary) {
    return !summary.complete;
  });
}

}  // namespace

void look_for_values(const std::vector<TapeFile>& tapes, Question& question) {
  std::uint64_t bytes = 0;
  std::size_t groups = 0;
  for (const TapeFile& tape : tapes) {
    if (tape.footer == nullptr || tape.path == kStandardInput) continue;
    const TapeSummary& summary = tape.footer->summary;
    UniqueFd fd;
    for (const GroupIndex& group : summary.footer.groups) {
      if (!question.lacks_values(group) || !lists_too_little(group)) continue;
      if (!question.unmatched().knows_too_little()) return;
      const std::uint64_t place = group.offset + group.bytes;
      bytes += tape.footer->extents[group.number].end - place;
      if (bytes > kMostLookedThrough || ++groups > kMostGroupsLookedInto) return;
      try {
        if (!fd) fd = open_input(tape.path, links_to(tape.named));
        const auto index = read_index(fd.get(), summary.header.tape_id, group);
        if (index) question.note_rows(read_rows(*index));
      } catch (const Error&) {
        break;  // gone, or damaged: what is told is told without it
      }
    }
  }
}

}  // namespace smtptape
