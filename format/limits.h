// Every bound on what comes from the network or the disk, in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtptape {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;

// A frame larger than this is skipped and leaves a gap (--max-frame).
inline constexpr std::uint64_t kDefaultMaxFrame = 64 * kMiB;
// Cap'n Proto refuses Data of 512 MiB; the batch that holds a frame needs room beside it.
inline constexpr std::uint64_t kLargestMaxFrame = 511 * kMiB;
// kcli (tungstenite) ends at frames larger than this.
inline constexpr std::uint64_t kKcliMaxFrame = 16 * kMiB;

// A batch: the unit of durability.  Wire bytes and time.
inline constexpr std::uint64_t kDefaultBatchBytes = 256 * kKiB;
// A group: the unit of compression, in wire bytes.
inline constexpr std::uint64_t kDefaultGroupBytes = 64 * kMiB;           // files written at once
inline constexpr std::uint64_t kDefaultRecordingGroupBytes = 16 * kMiB;  // while recording

}  // namespace smtptape
