// Where each event's text stands in the payload of a batch whose texts are ordered by session: a
// session's texts repeat each other, and those of a dialogue follow from one another.  Private to
// format/tape.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace smtptape {

enum class PayloadOrder : std::uint8_t {
  AsEvents,
  // The texts of the events of one root together, in the order of the events; roots in the order of
  // their first event in the batch.
  BySession,
};

// The place of each text.  `roots`: of each event, the root of its meta (GroupNames::root_of).
// Throws Error when the texts are more than `size` bytes.
[[nodiscard]] std::vector<std::uint64_t> places_by_session(
    std::span<const std::int64_t> lengths_untrusted,
    std::span<const std::uint32_t> roots,
    std::uint64_t size);

}  // namespace smtptape
