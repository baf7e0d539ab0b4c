// What a tape that can be sought says of itself, without reading what lies between.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/aligned_bytes.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"

namespace smtptape {

namespace {

bool read_at(int fd, char* to, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
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

std::optional<TapeHeader> read_header(int fd) {
  char start[kFrameHeaderBytes];
  if (!read_at(fd, start, sizeof(start), 0) || load_u32(start) != kSkippableMagic) return {};
  const auto owned = read_section_at(fd, 0, load_u32(start + 4) + std::uint64_t{kFrameHeaderBytes});
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
    return TapeSummary{std::move(*header), read_footer_message(owned->section.message()), size};
  } catch (const Error&) {
    return {};  // whoever reads the tape is told
  }
}

}  // namespace smtptape
