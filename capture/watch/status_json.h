// The status of a recorder as one line of JSON, and back: what `smtptape status` asks for.
//
// Times are RFC 3339 with milliseconds.  The line may grow, never change.
#pragma once

#include <string>
#include <string_view>

#include "capture/watch/status.h"

namespace smtptape {

inline constexpr std::string_view kStatusSchema = "smtptape.status/1";

[[nodiscard]] std::string status_json(const RecorderStatus& status);  // without a line end
// Throws Error when this is no status; what it does not know is passed over.
[[nodiscard]] RecorderStatus read_status_json(std::string_view json_untrusted);

}  // namespace smtptape
