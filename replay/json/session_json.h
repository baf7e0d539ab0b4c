// A session in figures as JSON: what `smtptape sessions --json` prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "sessions/summary.h"

namespace smtptape {

inline constexpr std::string_view kSessionsSchema = "smtptape.sessions/1";

[[nodiscard]] boost::json::object json_of(const SessionSummary& session,
                                          std::optional<std::int64_t> slowest_reply);
// The same as a line, with its end.
[[nodiscard]] std::string json_line(const SessionSummary& session,
                                    std::optional<std::int64_t> slowest_reply);
// Of recipients, without `mixed`.
[[nodiscard]] boost::json::object json_of(const OutcomeCounts& outcomes);

}  // namespace smtptape
