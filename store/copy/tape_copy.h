// A tape's content in a new tape: what `recover` and `compact` share.
//
// The copy has an id of its own and says whose copy it is; it keeps origin, number and predecessor,
// so that it can stand in its original's place.  Where bytes of the original can't be read, the
// copy has a gap of cause Disk.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "format/tape/tape_writer.h"
#include "store/check/tape_check.h"

namespace smtptape {

// The header of a copy of the tape that was checked, but for what the caller wants else.
[[nodiscard]] TapeHeader header_of_copy(const TapeCheck& original);

struct CopyTotals {
  std::uint64_t events = 0;
  std::uint64_t lost = 0;          // events, where it is known
  std::uint64_t lost_unknown = 0;  // places of which nobody knows how many
  std::uint64_t bytes = 0;         // of the copy
};

// Reads the tape that was checked once more, and writes the copy to `sink`, sealed at `now`.
// `header` comes from header_of_copy().
[[nodiscard]] CopyTotals copy_tape(const TapeCheck& original,
                                   TapeHeader header,
                                   const TapeOptions& options,
                                   std::int64_t now,
                                   ByteSink& sink);

// Whether both files hold the same events, with their numbers and times, and the same gaps and
// notes.  Reads both.
[[nodiscard]] bool same_content(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace smtptape
