// What the rows of one group hand on to those of the next: the dialogues that the group's end cuts
// through, each as far as it was followed, and where gaps were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/event.h"
#include "smtp/transactions.h"

namespace smtptape {

// How far one session's dialogue was followed.
struct Dialogue {
  SmtpTransactions smtp;
  Id128 capture;
  std::uint64_t first_sequence = 0;  // of what was followed
  std::int64_t last_received = 0;
  bool begins = false;    // with the session's first event
  bool connected = true;  // as far as is known
  bool goes_on = false;   // from an earlier group
  bool from_rest = true;  // where that ended, nothing was unfinished

  // What comes is of a later group.
  void begin_group();
};

struct RowsBefore {
  std::set<Id128> gaps;  // captures that had some
  // By session.  Nothing is unsure about them, and no gap has touched them.
  boost::unordered_flat_map<std::string, Dialogue, TextHash> dialogues;

  // Lets go of those that were silent for longest, so that no more than `most` are left.
  void shorten(std::size_t most);
};

}  // namespace smtptape
