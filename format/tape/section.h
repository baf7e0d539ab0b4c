// The skippable frames of a tape: header, group indexes, footer.
//
// Spec: docs/format.md section 3.  All numbers are little-endian.  A section's frame:
//
//     0  u32  0x184D2A53, a magic number of zstd's skippable frames
//     4  u32  bytes that follow
//     8  8    "smtptape"
//    16  u16  version of the format
//    18  u16  kind: 1 header, 2 group index, 3 footer
//    20  u32  1: the message is compressed, one zstd frame; 0: it stands there as it is
//    24  16   id of the tape
//    40  u64  flag word: an unknown bit means "refuse"
//    48  u64  flag word: an unknown bit means "read on"
//    56  u64  XXH3-64 of the frame from 8 on, with this field zero and without a footer's trailer
//    64       a Cap'n Proto message; padded with zeros to whole words
//
// A footer's frame ends with a trailer of 32 bytes, which are also the last of the tape:
//
//     0  u64  offset of the footer's frame in the tape
//     8  u64  bytes of the footer's frame
//    16  u64  XXH3-64 of the frame up to here
//    24  8    "endotape"
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/tape/tape_info.h"

namespace smtptape {

inline constexpr std::uint32_t kSkippableMagic = 0x184D2A53;
inline constexpr std::uint32_t kZstdMagic = 0xFD2FB528;
// The two numbers as they stand in a tape.
inline constexpr std::string_view kSkippableMagicBytes = "\x53\x2A\x4D\x18";
inline constexpr std::string_view kZstdMagicBytes = "\x28\xB5\x2F\xFD";
inline constexpr std::string_view kSectionMagic = "smtptape";
inline constexpr std::string_view kTrailerMagic = "endotape";
inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 8;  // magic and length
inline constexpr std::size_t kSectionStart = 64;     // of the message, in the frame
inline constexpr std::size_t kTrailerBytes = 32;
static_assert(kSectionStart % 8 == 0, "Cap'n Proto messages are read in place");

enum class SectionKind : std::uint16_t { Header = 1, Index = 2, Footer = 3 };

struct Section {
  SectionKind kind = SectionKind::Header;
  std::uint16_t version = 0;
  Id128 tape_id;
  FlagWords flags;
  bool compressed = false;
  std::string_view bytes;  // of the message, as they stand in the frame

  // The message, on a word border.  Throws Error when it can't be decompressed.
  [[nodiscard]] std::string message() const;
};

// The frame of a header or an index.  A header stays as it is, so that its schema can be read with
// no tool at all; the others are compressed.
[[nodiscard]] std::string section_frame(SectionKind kind,
                                        const Id128& tape,
                                        const FlagWords& flags,
                                        std::string_view message);
// The frame of a footer that will stand at `offset`.
[[nodiscard]] std::string footer_frame(const Id128& tape,
                                       const FlagWords& flags,
                                       std::string_view message,
                                       std::uint64_t offset);

// A whole frame, its first 8 bytes included.  nullopt: not ours, or damaged.
[[nodiscard]] std::optional<Section> parse_section(std::string_view frame);

// Throws Error when what says this needs a newer program; `name` is the tape's, for the message.
void refuse_newer(const FlagWords& flags, std::uint16_t version, const std::string& name);

// Where the trailer says that the footer's frame lies; `tail` ends where the file ends.
struct FooterPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};
[[nodiscard]] std::optional<FooterPlace> parse_trailer(std::string_view tail);

[[nodiscard]] std::uint32_t load_u32(const char* from);
[[nodiscard]] std::uint64_t load_u64(const char* from);

}  // namespace smtptape
