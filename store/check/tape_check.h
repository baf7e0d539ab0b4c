// Is a tape what its writer wrote, and is a tape missing between two others?
//
// check_tape() reads everything: the reader compares every checksum; here the footer is held
// against the content.  check_neighbours() is pure: it knows only what the checks found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "format/tape/tape_info.h"
#include "format/tape/tape_reader.h"

namespace smtptape {

// Whether somebody holds a tape's lock.  Asked before reading: whoever writes it may have sealed it
// when its end is reached.
[[nodiscard]] bool is_being_written(int fd);
// At its end: nothing is wrong with a tape that was being written when it was opened.  It may end
// inside a batch, of which the rest came a moment later.
[[nodiscard]] bool ends_normally_while_written(const TapeReader& reader);
// Of a tape that ended without a footer, though nobody writes it any more: one line.
[[nodiscard]] std::string text_of_unclosed(const TapeReader& reader);

enum class TapeState : std::uint8_t {
  Sealed,
  Unclosed,  // normal: ends between two batches, without a footer
  Live,      // normal: somebody is writing it
  TornTail,  // ends inside a batch: the last moments before a crash are missing
  Damaged,   // bytes are not those that were written
};
[[nodiscard]] std::string_view name_of(TapeState state);
// Of a tape that was read to its end, by what its reader found; `live`: somebody was writing it
// when it was opened.
[[nodiscard]] TapeState state_at_end(const TapeReader& reader, bool live);
// Whether an operator has to know.
[[nodiscard]] bool is_alarm(TapeState state);

struct TapeCheck {
  std::filesystem::path path;
  TapeState state = TapeState::Sealed;
  std::optional<TapeHeader> header;
  std::optional<TapeFooter> footer;
  std::optional<Origin> origin;  // of the first event
  std::vector<Damage> damage;
  std::uint64_t events = 0;
  std::uint64_t groups = 0;
  std::uint64_t last_sequence = 0;  // 0: no events
  std::uint64_t good_until = 0;     // where the last whole batch ends
  bool known_loss = false;          // it holds a gap of cause Disk
  std::vector<Gap> disk_gaps;       // the first of these
};

// "at OFFSET: WHAT, so many bytes passed over, so many events lost".
[[nodiscard]] std::string text_of(const Damage& damage);

// Throws Error when this is no tape, needs a newer program, or can't be opened.
[[nodiscard]] TapeCheck check_tape(const std::filesystem::path& path, Links links = Links::Follow);

// Leaves out the tapes that were deleted since they were checked: beside one of them, what was
// deleted before it could be checked is no hole.
void forget_deleted(std::vector<TapeCheck>& checks);

// One line for each place where tape_row.h finds something missing.
[[nodiscard]] std::vector<std::string> check_neighbours(const std::vector<TapeCheck>& tapes);

}  // namespace smtptape
