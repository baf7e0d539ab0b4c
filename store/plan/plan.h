// Reading by footers: which tapes can be, and the two passes of a question.
#pragma once

#include <memory>
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

// The sessions that Scope::Session chooses.  `reading` empty: the tapes are read from front to
// back.
struct Collected {
  std::shared_ptr<FirstPass> sessions;
  ReadingPlan plan;
};
[[nodiscard]] Collected collect_sessions(const std::vector<TapeFile>& tapes,
                                         const Selection& selection,
                                         Recovery recovery,
                                         const std::shared_ptr<GroupPool>& pool);

}  // namespace smtptape
