// Reading by footers: which tapes can be, and the two passes of a question.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "store/plan/planned_tape.h"
#include "store/plan/question.h"
#include "store/read/inputs.h"

namespace smtptape {

// No event stands in two of the tapes, as far as headers and footers tell: then what is wanted can
// be chosen before they are merged.  Copies beside their originals are read whole.
[[nodiscard]] bool hold_events_once(const std::vector<TapeFile>& tapes);

// Two recorders may have recorded one endpoint: what both have is found when all of it is merged.
[[nodiscard]] bool may_hold_doubles(const std::vector<TapeFile>& tapes);

// The same tapes, to be read for this question.
[[nodiscard]] std::vector<TapeFile> planned(std::vector<TapeFile> tapes,
                                            const PlannedReading& reading);

// When nothing was found: tells the question what its tapes have instead, from the rows of groups
// whose summaries list no values.  Reads the rows of a few groups.
void look_for_values(const std::vector<TapeFile>& tapes, Question& question);

// The sessions that are chosen: by what rows and metadata tell, and then, where there are rules for
// what happened in them, by their events.  `pool` null: the tapes are read from front to back.
struct Collected {
  std::shared_ptr<FirstPass> sessions;
  ReadingPlan plan;
  std::optional<ReadingPlan> judging;
  std::size_t candidates = 0;  // that were judged, where that is known
};
[[nodiscard]] Collected collect_sessions(const std::vector<TapeFile>& tapes,
                                         const Selection& selection,
                                         Recovery recovery,
                                         const std::shared_ptr<GroupPool>& pool);

}  // namespace smtptape
