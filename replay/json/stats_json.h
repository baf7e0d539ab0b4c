// Statistics for programs: JSON, one object a key and line, and CSV.
#pragma once

#include <string>
#include <string_view>

#include "replay/stats_text.h"
#include "sessions/statistics.h"

namespace smtptape {

inline constexpr std::string_view kStatsSchema = "smtptape.stats/1";

[[nodiscard]] std::string json_lines(const Statistics& statistics, const StatsView& view);
// As RFC 4180 has it, with a line of names.
[[nodiscard]] std::string csv_lines(const Statistics& statistics, const StatsView& view);

}  // namespace smtptape
