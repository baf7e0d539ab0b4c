// A tape that is the same whenever it is written: the worked example of docs/format.md, and what
// the stock tools are tried on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "format/tape/tape_info.h"

namespace smtptape::testing {

// The feed it records: three events of one session.
[[nodiscard]] const std::vector<std::string>& example_frames();
// What the program would write to a file.
[[nodiscard]] std::string example_tape(Layout layout);
// The same tape with a header that leaves the schema out, so that it fits on a page.
[[nodiscard]] std::string example_tape_without_schema(Layout layout);
// The message of the section that begins there.
[[nodiscard]] std::string message_of_section(std::string_view tape, std::size_t offset);
// What `zstd -dc` makes of a tape.
[[nodiscard]] std::string records_of(std::string_view tape);

}  // namespace smtptape::testing
