// Events as the frames that they came in, byte for byte.
#pragma once

#include <cstdint>

#include "base/io.h"
#include "format/event.h"
#include "format/wire/feed_file.h"

namespace smtptape {

// All that `events` gives, to `out`.  How many there were.
[[nodiscard]] std::uint64_t write_frames(EventSource& events, FeedFormat format, ByteSink& out);

}  // namespace smtptape
