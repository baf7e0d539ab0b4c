// Ids of sessions that somebody shortened, as they stand in the tapes: of a sealed tape its rows
// are read and nothing else.
#pragma once

#include <vector>

#include "store/plan/selection.h"
#include "store/read/inputs.h"

namespace smtptape {

// In `selection.sessions` and `selection.named`, for the beginning of an id the id; what is there
// as it is stays, and so does what no id begins with.  Throws UsageError that lists a few where
// several sessions of the window begin so.  True: the tapes were read for it.
bool complete_session_ids(Selection& selection, const std::vector<TapeFile>& tapes);

}  // namespace smtptape
