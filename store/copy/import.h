// A file of frames as a sealed tape.
#pragma once

#include <cstdint>

#include "format/tape/tape_writer.h"
#include "format/wire/feed_file.h"

namespace smtptape {

struct Imported {
  Ledger ledger;
  std::uint64_t bytes = 0;       // of the tape
  std::uint64_t wire_bytes = 0;  // of the frames
  std::uint64_t verbatim = 0;    // frames that are kept as they are
  // Frames that are events, and that are none; blank ones are neither.
  std::uint64_t readable = 0;
  std::uint64_t unreadable = 0;
};

// Writes all that `feed` gives, decoded on a thread of its own, and seals the tape at `now`.  A lag
// notice gets its gap.
[[nodiscard]] Imported import_feed(FeedFileSource& feed, TapeWriter& writer, std::int64_t now);

}  // namespace smtptape
