// What a footer repeats of the groups is bounded, however long the tape.
#pragma once

#include <cstdint>
#include <vector>

#include "format/tape/session_rows.h"

namespace smtptape {

// Hashes of the ids of a tape's sessions; none when there are too many.
class SessionHashes {
 public:
  void add(const std::vector<SessionRow>& rows);
  // Gives the table to a footer.
  void write(TapeFooter& footer);

 private:
  void sort();

  std::vector<std::uint64_t> hashes_;
  bool omitted_ = false;
};

// Takes lists and filters away once the groups of a footer have `used` too many bytes of them; the
// group's own index has them all.
void shorten_for_footer(GroupIndex& group, std::uint64_t& used);

}  // namespace smtptape
