// The sessions that were chosen, a line each, in the order of their beginnings.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/io.h"
#include "cli/run/session_source.h"

namespace smtptape {

// `story`: where stories were asked for; else null.
using SessionLine = std::function<std::string(const SessionSummary& session, const Story* story)>;

// How many there were.
[[nodiscard]] std::uint64_t write_session_lines(SelectedTapes& tapes,
                                                SessionSource::Facts facts,
                                                const SessionLine& line_of,
                                                ByteSink& out);

}  // namespace smtptape
