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

// What the groups of a footer take of its bounds so far.
struct FooterRoom {
  std::uint64_t values = 0;  // and filters
  std::uint64_t beside = 0;  // origins, keys
};
// Takes from a group what there is no room for; its own index has it all.
void shorten_for_footer(GroupIndex& group, FooterRoom& used);

}  // namespace smtptape
