// What a tape that can be sought says of itself, without reading what lies between.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/aligned_bytes.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"

namespace smtptape {

namespace {

// How many bytes could be read: all, or those up to the file's end.
std::size_t read_some_at(int fd, char* to, std::size_t size, std::uint64_t offset) {
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::pread(fd, to + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

bool read_at(int fd, char* to, std::size_t size, std::uint64_t offset) {
  return read_some_at(fd, to, size, offset) == size;
}

// A section's message, copied to a word border; nullopt when it is not whole.
struct OwnedSection {
  AlignedBytes frame;
  Section section;
};
std::optional<OwnedSection> read_section_at(int fd, std::uint64_t offset, std::uint64_t bytes) {
  if (bytes < kSectionStart || bytes > kMostSectionBytes) return {};
  OwnedSection owned;
  owned.frame.resize(bytes);
  if (!read_at(fd, owned.frame.data(), bytes, offset)) return {};
  const auto section = parse_section(owned.frame.view());
  if (!section) return {};
  owned.section = *section;
  return owned;
}

}  // namespace

namespace {

// Of the section that a tape begins with.
std::optional<std::uint64_t> header_bytes(int fd) {
  char start[kFrameHeaderBytes];
  if (!read_at(fd, start, sizeof(start), 0) || load_u32(start) != kSkippableMagic) return {};
  return load_u32(start + 4) + std::uint64_t{kFrameHeaderBytes};
}

}  // namespace

std::optional<TapeHeader> read_header(int fd) {
  const auto bytes = header_bytes(fd);
  if (!bytes) return {};
  const auto owned = read_section_at(fd, 0, *bytes);
  if (!owned || owned->section.kind != SectionKind::Header) return {};
  refuse_newer(owned->section.flags, owned->section.version, "tape");
  try {
    TapeHeader header = read_header_message(owned->section.message());
    header.tape_id = owned->section.tape_id;
    header.flags = owned->section.flags;
    return header;
  } catch (const Error&) {
    return {};  // whoever reads the tape is told
  }
}

std::optional<TapeSummary> read_summary(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  char tail[kTrailerBytes];
  if (size < kTrailerBytes || !read_at(fd, tail, kTrailerBytes, size - kTrailerBytes)) return {};
  const auto place = parse_trailer({tail, kTrailerBytes});
  if (!place || place->offset > size || place->bytes != size - place->offset) return {};
  const auto owned = read_section_at(fd, place->offset, place->bytes);
  if (!owned || owned->section.kind != SectionKind::Footer) return {};
  auto header = read_header(fd);
  if (!header || header->tape_id != owned->section.tape_id) return {};
  try {
    return TapeSummary{std::move(*header),
                       read_footer_message(owned->section.message()),
                       size,
                       header_bytes(fd).value_or(0),
                       place->offset};
  } catch (const Error&) {
    return {};  // whoever reads the tape is told
  }
}

namespace {

std::optional<OwnedSection> index_section(int fd, const Id128& tape, const GroupIndex& of_footer) {
  const std::uint64_t offset = of_footer.offset + of_footer.bytes;
  char start[kFrameHeaderBytes];
  if (!read_at(fd, start, sizeof(start), offset) || load_u32(start) != kSkippableMagic) return {};
  const std::uint64_t bytes = load_u32(start + 4) + std::uint64_t{kFrameHeaderBytes};
  auto owned = read_section_at(fd, offset, bytes);
  if (!owned || owned->section.kind != SectionKind::Index) return {};
  if (owned->section.tape_id != tape) return {};
  return owned;
}

std::optional<GroupIndex> index_in(const OwnedSection& owned, const GroupIndex& of_footer) {
  try {
    GroupIndex index = read_index_message(owned.section.message());
    return is_same_group(index, of_footer) ? std::optional(std::move(index)) : std::nullopt;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

bool is_index_whole(int fd, const Id128& tape, const GroupIndex& of_footer, std::uint64_t end) {
  const auto owned = index_section(fd, tape, of_footer);
  return owned && of_footer.offset + of_footer.bytes + owned->frame.view().size() == end &&
         index_in(*owned, of_footer).has_value();
}

std::optional<GroupIndex> read_index(int fd, const Id128& tape, const GroupIndex& of_footer) {
  const auto owned = index_section(fd, tape, of_footer);
  return owned ? index_in(*owned, of_footer) : std::nullopt;
}

namespace {

// Bytes of the end of a tape that are looked through for an index: more than a group that is being
// recorded takes.
constexpr std::uint64_t kMostTailBytes = 64 * kMiB;
constexpr std::uint64_t kTailStep = kMiB;

// The index at `offset`, if there is one of this tape.
std::optional<GroupIndex> read_index_at(int fd, std::uint64_t offset, TapeTail& tail) {
  char start[kFrameHeaderBytes];
  if (!read_at(fd, start, sizeof(start), offset)) return {};
  const std::uint64_t bytes = load_u32(start + 4) + std::uint64_t{kFrameHeaderBytes};
  const auto owned = read_section_at(fd, offset, bytes);
  if (!owned || owned->section.kind != SectionKind::Index) return {};
  if (owned->section.tape_id != tail.header.tape_id) return {};
  try {
    GroupIndex index = read_index_message(owned->section.message());
    tail.offset = offset + bytes;
    return index;
  } catch (const Error&) {
    return {};  // another one before it will do
  }
}

// The last index that begins in [from, until).
std::optional<GroupIndex> find_index(int fd,
                                     std::uint64_t from,
                                     std::uint64_t until,
                                     TapeTail& tail) {
  std::string bytes(until - from + kSkippableMagicBytes.size() - 1, '\0');
  bytes.resize(read_some_at(fd, bytes.data(), bytes.size(), from));
  std::size_t at = bytes.rfind(kSkippableMagicBytes);
  for (; at != std::string::npos; at = bytes.rfind(kSkippableMagicBytes, at - 1)) {
    if (auto index = read_index_at(fd, from + at, tail)) return index;
    if (at == 0) return {};
  }
  return {};
}

}  // namespace

std::optional<TapeTail> read_tail(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  auto header = read_header(fd);
  if (!header) return {};
  TapeTail tail;
  tail.header = std::move(*header);
  tail.header_bytes = header_bytes(fd).value_or(0);
  tail.offset = tail.header_bytes;
  auto until = static_cast<std::uint64_t>(status.st_size);
  const std::uint64_t least = until - std::min(until, kMostTailBytes);
  while (until > std::max(least, tail.header_bytes)) {
    const std::uint64_t from = std::max(until - std::min(until, kTailStep), tail.header_bytes);
    tail.last_group = find_index(fd, from, until, tail);
    if (tail.last_group) return tail;
    until = from;
  }
  if (until > tail.header_bytes) return {};
  return tail;
}

}  // namespace smtptape
