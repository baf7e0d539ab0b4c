// When no session was chosen: what there is instead of what was asked for.
#pragma once

#include <string>
#include <vector>

#include "cli/options/choice_options.h"
#include "store/read/inputs.h"

namespace smtptape {

// A line each.  Looks into the tapes again, for a few seconds at most.
[[nodiscard]] std::vector<std::string> choice_instead(const ChoiceOptions& options,
                                                      const std::vector<TapeFile>& tapes);

}  // namespace smtptape
