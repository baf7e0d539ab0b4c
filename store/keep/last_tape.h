// What an earlier capture left in the store: where its newest tape ends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "format/tape/tape_info.h"
#include "store/keep/store.h"

namespace smtptape {

struct LastTape {
  Predecessor place;
  std::int64_t last_received = 0;  // of its last event; without one, when it was begun
};

// A sealed tape is asked for its footer; of one that was not closed the end is read, from its last
// whole group to its last whole batch.
// Tapes that can't be read are passed over; nothing when there is none that can.
// `newest`: of one source, ascending by number.
[[nodiscard]] std::optional<LastTape> find_last_tape(std::span<const Store::Tape> newest);

}  // namespace smtptape
