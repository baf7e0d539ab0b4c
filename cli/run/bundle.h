// One archive to attach to a bug report: a page, the tape, its sessions in figures, a report to be
// filled in, and what was taken out.
//
// The same input, options and map make the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/options/selection_options.h"
#include "cli/run/extraction.h"

namespace smtptape {

struct BundleWishes {
  ExtractWishes extract;  // the output is the archive
  std::string chosen;     // what chose the sessions, as words of a shell
  bool asks = true;       // before it writes
};

struct Bundle {
  Extraction extraction;
  std::vector<std::pair<std::string, std::uint64_t>> members;  // and their bytes
  std::uint64_t bytes = 0;                                     // of the archive
  std::uint64_t page_misses = 0;  // sessions for which the page had no room
  bool written = false;           // else it was not wanted
};

// The archive appears whole or not at all.  Throws Error when nothing is chosen, or when something
// would be left in it that must not leave the house.
[[nodiscard]] Bundle make_bundle(const BundleWishes& wishes,
                                 const SelectionOptions& options,
                                 const Selection& selection);

// On stderr, once it is written.
void tell_of(const Bundle& bundle);
[[nodiscard]] std::string json_line(const Bundle& bundle);

}  // namespace smtptape
