// The header of a batch, and the checksum in it.  Private to format/tape.
//
// Spec: docs/format.md section 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/tape/tape_info.h"

namespace smtptape {

inline constexpr std::size_t kMostHeadWords = 64;

struct BatchHead {
  Id128 tape_id;
  FlagWords flags;
  std::uint64_t checksum = 0;
  std::uint64_t body_bytes = 0;
  std::uint32_t number = 0;
  std::uint32_t group = 0;
  std::uint32_t events = 0;
  std::uint16_t part = 0;
};

// From bytes that begin with the message, its stream framing included, on a word border; nullopt
// when they don't.
[[nodiscard]] std::optional<BatchHead> parse_batch_head(std::string_view bytes);

// The message that begins a batch of this body, its checksum filled in.
[[nodiscard]] std::string batch_head_message(const BatchHead& head,
                                             std::uint64_t first_sequence,
                                             const std::vector<std::string_view>& body);

// Whether `checksum`, which stands in `head`, is that of the batch.
[[nodiscard]] bool is_checksum_good(std::string_view head,
                                    std::uint64_t checksum,
                                    std::string_view body);

}  // namespace smtptape
