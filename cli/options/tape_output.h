// A new tape under a name of the user's: what import and extract share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/tape/tape_writer.h"
#include "format/wire/feed_file.h"

namespace smtptape {

// A header with fresh ids, clocks and our version; the layout of files written at once.
[[nodiscard]] TapeHeader new_tape_header(const Origin& origin);
// The metadata keys that session rows list: those of the filters.
[[nodiscard]] std::vector<std::string> indexed_keys();

[[nodiscard]] FeedFormat parse_feed_format(const std::string& text);
// --max-frame, checked against the largest that a tape can hold.
[[nodiscard]] std::uint64_t parse_max_frame(const std::string& text);

}  // namespace smtptape
