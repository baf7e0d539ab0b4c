// Is a tape, or the end of one, missing between two others?
//
// The tapes of a source are a row by their numbers.  A tape's header tells of the tape before it:
// its id, and how far it was whole.  What that tape no longer holds is missing.  The oldest of a
// row may follow one that was deleted: that is normal.  Everything here is pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "format/event.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// What counts of a tape.
struct RowTape {
  std::string name;  // for messages
  TapeHeader header;
  bool live = false;                // its end was not written yet when it was read
  std::uint64_t last_sequence = 0;  // 0: no events
  std::uint64_t good_until = 0;     // where its last whole batch ends
  std::int64_t last_received = 0;   // 0: nobody knows
  bool known_loss = false;          // it holds a gap of cause Disk
  std::vector<Gap> disk_gaps;       // the first of these
};

// Takes note of a gap that the tape holds.
void note_gap(RowTape& tape, const Gap& gap);

// Recorded tapes, and copies that keep their place (recover, compact), belong to a row; extracts
// and imports to none.
[[nodiscard]] bool belongs_to_row(const TapeHeader& header);

// What is missing between two tapes of one source: a gap of cause Disk whose detail says it in
// words.  Its origin is null.  nullopt: nothing, or a gap of `next` tells of it.
[[nodiscard]] std::optional<Gap> missing_between(const RowTape& before, const RowTape& next);

// The rows of the tapes that are read, some of them known in advance and some while they are read.
class TapeRows {
 public:
  using Place = std::size_t;
  // All of them first; they are told apart by source and sorted by number.
  Place add(RowTape tape);
  // Then: from here on two tapes that are known are compared.
  void link();
  // Everything is known that the comparison with the tape before needs …
  void begun(Place place, const RowTape& tape);
  // … and with the tape behind.
  void ended(Place place, const RowTape& tape);
  // What was found since the last time.  Origins point into this object.
  [[nodiscard]] std::vector<Gap> take_missing();

 private:
  struct Member {
    RowTape tape;
    bool begun = false;
    bool ended = false;
    std::optional<Place> before = {};
    std::optional<Place> behind = {};
  };
  void compare(std::optional<Place> before, std::optional<Place> next);

  std::vector<Member> members_;
  std::vector<Gap> missing_;
  std::deque<Origin> origins_;  // of what was given out; another thread may read them
};

}  // namespace smtptape
