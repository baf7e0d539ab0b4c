// What an earlier capture left in the store: where its newest tape ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "capture/keep/store.h"
#include "format/tape/tape_info.h"

namespace smtptape {

struct LastTape {
  Predecessor place;
  std::int64_t last_received = 0;  // of its last event; without one, when it was begun
};

// A sealed tape is asked for its footer; one that was not closed is read to its last whole batch.
// Tapes that can't be read are passed over; nothing when there is none that can.
[[nodiscard]] std::optional<LastTape> find_last_tape(const Store& store, std::string_view source);

}  // namespace smtptape
