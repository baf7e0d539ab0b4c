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
// A message that announces more than this is no event but a broken or hostile server: to skip it
// would be to wait, connected and recording nothing, for bytes that never come.  Well above
// every --max-frame, so that what is merely large is skipped, counted and passed.
inline constexpr std::uint64_t kMostAnnounced = 1024 * kMiB;
static_assert(kMostAnnounced > kLargestMaxFrame);
// kcli (tungstenite) ends at frames larger than this.
inline constexpr std::uint64_t kKcliMaxFrame = 16 * kMiB;

// A file of credentials, which is one line; and one of certificates: all CAs of a system are 300
// KiB.
inline constexpr std::uint64_t kMostCredentials = 4 * kKiB;
inline constexpr std::uint64_t kMostPem = 4 * kMiB;

// A batch: the unit of durability.  Wire bytes and time.
inline constexpr std::uint64_t kDefaultBatchBytes = 256 * kKiB;
// In a file that is written at once, where a crash leaves nothing whatever a batch is: columns and
// metadata of one kind stand together longer.  4 MiB make imported tapes 6 to 9 % smaller, and are
// read no slower; 16 MiB would make them 3 to 5 % smaller again, but no longer stay in the
// processor's caches (docs/decisions/0023-writing.md).
inline constexpr std::uint64_t kFileBatchBytes = 4 * kMiB;
// And events, however short their frames are.
inline constexpr std::uint32_t kMostBatchEvents = 1 << 18;
// A group ends after this many events, however small: empty frames weigh nothing.
inline constexpr std::uint64_t kMostGroupEvents = 1 << 22;
// And after this many gaps: each stands in the index, too.
inline constexpr std::uint64_t kMostGroupGaps = 4096;
// Groups in a tape, and origins in a group: more than anything writes.
inline constexpr std::uint64_t kMostGroups = 1 << 20;
inline constexpr std::uint64_t kMostOrigins = 1 << 16;
// A group ends after so many origins, and a footer lists so many.
inline constexpr std::size_t kMostGroupOrigins = 1 << 10;
inline constexpr std::size_t kMostFooterOrigins = 1 << 12;
// The footer repeats the gaps of the groups up to so many in all, and so many notes.
inline constexpr std::uint64_t kMostFooterGaps = 16384;
inline constexpr std::size_t kMostFooterNotes = 1024;
// Bytes of a gap's reason, or of a note, that are written.
inline constexpr std::size_t kMostDetailBytes = 1024;
// A group: the unit of compression, in wire bytes.
inline constexpr std::uint64_t kDefaultGroupBytes = 64 * kMiB;           // files written at once
inline constexpr std::uint64_t kDefaultRecordingGroupBytes = 16 * kMiB;  // while recording

// --- what a reader believes of a tape ---

// A batch body: the largest frame, its metadata, and room.
inline constexpr std::uint64_t kMostBatchBytes = kLargestMaxFrame + 64 * kMiB;
// The columns and metadata of one group, decompressed.
inline constexpr std::uint64_t kMostGroupColumnBytes = kLargestMaxFrame + 256 * kMiB;
// Its metadata put together again, in memory: so much, and twice the bytes that it was read from.
// Each distinct metadata stands in an event, whole, so a group of 64 MiB has no more of it.
inline constexpr std::uint64_t kGroupMetaRoom = 128 * kMiB;
// Records in a batch: events, metas, payload, frames; the others a writer counts.
inline constexpr std::uint64_t kMostBatchRecords = 1 << 17;
inline constexpr std::uint64_t kMostLooseRecords = 1 << 12;  // gaps, notes, clocks, unknown ones
// A frame of a group that is decompressed into place; larger ones come out piece by piece.
inline constexpr std::uint64_t kMostGroupInPlace = 128 * kMiB;
// A header, index or footer frame.
inline constexpr std::uint64_t kMostSectionBytes = 256 * kMiB;
// Bytes whose checksum is tried in search of the next section after damage, over a whole tape: each
// place that looks like a section is tried, and a hostile tape is full of them.
inline constexpr std::uint64_t kMostSearchBytes = 4096 * kMiB;
// The message in it, decompressed.
inline constexpr std::uint64_t kMostSectionMessage = 512 * kMiB;
// A larger section than this is not found again after damage: what is in doubt has to be at hand.
inline constexpr std::uint64_t kMostSearchedSection = 64 * kMiB;
// Compressed bytes of a batch that stay at hand: when it is damaged, the search begins where it
// began.  And how far a reader goes back over a whole tape.
inline constexpr std::uint64_t kMostHeldBytes = 64 * kMiB;
inline constexpr std::uint64_t kMostBackBytes = 4096 * kMiB;
// Places of damage that are told one by one.
inline constexpr std::size_t kMostDamage = 10'000;
// A group index's session rows, decompressed.
inline constexpr std::uint64_t kMostRowsBytes = 512 * kMiB;
// The rows since they are bounded: 100,000 of them and what they may list come to less.
inline constexpr std::uint64_t kMostRowsMessage = 128 * kMiB;
// The window that decompression may ask for: 2^27, as `zstd -d` allows by default.
inline constexpr int kMostWindowLog = 27;
// A group with this many sessions is closed early, so that its rows stay small in memory.
inline constexpr std::size_t kMostSessionRows = 100'000;
// Sessions whose dialogue the rows of the next group go on with; of more, those that were silent
// for longest are left to whoever reads the events.
inline constexpr std::size_t kMostDialogues = 100'000;
// Metadata keys whose values the session rows list.
inline constexpr std::size_t kMostIndexedKeys = 64;
// Distinct values of a property that a session row lists, bytes of one that is listed, and of the
// id of a session; a hash stands for what is over.
inline constexpr std::size_t kMostListedValues = 64;
inline constexpr std::size_t kMostListedBytes = 1024;
// Distinct values of a property, and bytes of all, that a group's summary lists; beyond these its
// filter says what may be there.
inline constexpr std::size_t kMostSummaryValues = 256;
inline constexpr std::uint64_t kMostSummaryBytes = 16 * kKiB;
// Over all rows of a group: bytes of listed values, of ids, listed values, and hashes of those
// beyond.
inline constexpr std::uint64_t kMostGroupListedBytes = 4 * kMiB;
inline constexpr std::uint64_t kMostGroupIdBytes = 16 * kMiB;
inline constexpr std::size_t kMostGroupListed = 1 << 22;
inline constexpr std::size_t kMostGroupHashed = 1 << 18;
// Values of which the filters of a group are made, all together; with more a filter is left out.
inline constexpr std::size_t kMostFiltered = 1 << 21;
// Bytes of values and filters that a footer repeats, and sessions in its table of hashes.
inline constexpr std::uint64_t kMostFooterSummaryBytes = 16 * kMiB;
inline constexpr std::size_t kMostSessionHashes = 1 << 20;
// Bytes of what else it repeats of its groups beside their numbers: origins, and the keys of
// summaries.  With that, the footer of as many groups as there may be is a section that is read.
inline constexpr std::uint64_t kMostFooterGroupBytes = 64 * kMiB;

}  // namespace smtptape
