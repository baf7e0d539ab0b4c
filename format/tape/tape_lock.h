// The bytes of a tape that are locked: not what stands in them, which may be read at any time.
#pragma once

#include <cstdint>

namespace smtptape {

inline constexpr std::uint64_t kLiveByte = 0;  // by whoever writes the tape
inline constexpr std::uint64_t kReaderByte =
    1;  // shared by whoever reads it: told, never in the way

}  // namespace smtptape
