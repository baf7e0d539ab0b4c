// The status of a recorder in words: what `smtptape status` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capture/watch/status.h"

namespace smtptape {

[[nodiscard]] std::string status_text(const RecorderStatus& status);

// Why it is not recording everything that it is to record, a reason each; none: it is.
[[nodiscard]] std::vector<std::string> not_ready(const RecorderStatus& status);

// "25 ms", "2.5 s", "10 min"
[[nodiscard]] std::string show_seconds(double seconds);
// "99 % within 25 ms, mean 12 ms"; "none yet" without any.
[[nodiscard]] std::string show_delays(const DurationHistogram& histogram);

}  // namespace smtptape
