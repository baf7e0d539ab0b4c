// The sessions that were chosen and failed, as command lines of swaks, in the order of their
// beginnings.
#pragma once

#include <cstdint>

#include "base/io.h"
#include "cli/run/selected_tapes.h"

namespace smtptape {

struct SwaksTotals {
  std::uint64_t sessions = 0;  // that were looked at
  std::uint64_t failed = 0;    // of these
  std::uint64_t commands = 0;  // that swaks can repeat
};

[[nodiscard]] SwaksTotals write_swaks_commands(SelectedTapes& tapes, ByteSink& out);

}  // namespace smtptape
