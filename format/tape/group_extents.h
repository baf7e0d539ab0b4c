// Where the groups of a sealed tape stand, as its footer says and as it can be: one after another
// between header and footer, none missing, none twice, and together what the footer counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "format/tape/tape_info.h"

namespace smtptape {

// A group with the index behind it: [offset, end).
struct GroupExtent {
  std::uint64_t offset = 0;
  std::uint64_t end = 0;
};

// One for each group of the footer; the groups fill [begin, end), between header and footer.
// nullopt when the footer makes no sense: then the tape is read from its beginning, and the reader
// tells what is wrong.
[[nodiscard]] std::optional<std::vector<GroupExtent>> group_extents(const TapeFooter& footer,
                                                                    std::uint64_t begin,
                                                                    std::uint64_t end);

}  // namespace smtptape
