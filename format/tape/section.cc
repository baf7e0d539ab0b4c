#include "format/tape/section.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"

namespace smtptape {

namespace {

constexpr std::size_t kChecksumAt = 56;
// How much larger an index or footer is than its compressed bytes.
constexpr std::uint64_t kMostRatio = 64;
constexpr std::uint64_t kSectionRoom = 64 * kMiB;

void append_le(std::string& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>(value >> (8 * i)));
}

void store_u64(std::string& out, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i)
    out[at + i] = static_cast<char>(value >> (8 * i));
}

std::uint64_t section_hash(std::string_view frame, std::size_t trailer) {
  constexpr std::string_view kZero("\0\0\0\0\0\0\0\0", 8);
  Hasher hasher;
  hasher.add(frame.substr(kFrameHeaderBytes, kChecksumAt - kFrameHeaderBytes));
  hasher.add(kZero);
  hasher.add(frame.substr(kSectionStart, frame.size() - kSectionStart - trailer));
  return hasher.value();
}

std::string frame_of(SectionKind kind,
                     const Id128& tape,
                     const FlagWords& flags,
                     std::string_view message,
                     std::size_t trailer) {
  const bool compressed = kind != SectionKind::Header;
  const std::string packed = compressed ? compress_whole(message) : std::string();
  const std::string_view bytes = compressed ? packed : message;
  const std::size_t padded = (bytes.size() + 7) / 8 * 8;
  const std::size_t size = kSectionStart + padded + trailer;
  SMTPTAPE_CHECK(size <= kMostSectionBytes);
  std::string frame;
  frame.reserve(size);
  append_le(frame, kSkippableMagic, 4);
  append_le(frame, size - kFrameHeaderBytes, 4);
  frame.append(kSectionMagic);
  append_le(frame, kFormatVersion, 2);
  append_le(frame, static_cast<std::uint16_t>(kind), 2);
  append_le(frame, compressed ? 1 : 0, 4);
  frame.append(id_view(tape));
  append_le(frame, flags.incompatible, 8);
  append_le(frame, flags.compatible, 8);
  append_le(frame, 0, 8);
  frame.append(bytes);
  frame.append(padded - bytes.size() + trailer, '\0');
  store_u64(frame, kChecksumAt, section_hash(frame, trailer));
  return frame;
}

}  // namespace

std::uint32_t load_u32(const char* from) {
  std::uint32_t value = 0;
  for (unsigned i = 4; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

std::uint64_t load_u64(const char* from) {
  return load_u32(from) | static_cast<std::uint64_t>(load_u32(from + 4)) << 32;
}

std::string section_frame(SectionKind kind,
                          const Id128& tape,
                          const FlagWords& flags,
                          std::string_view message) {
  return frame_of(kind, tape, flags, message, 0);
}

std::string footer_frame(const Id128& tape,
                         const FlagWords& flags,
                         std::string_view message,
                         std::uint64_t offset) {
  std::string frame = frame_of(SectionKind::Footer, tape, flags, message, kTrailerBytes);
  const std::size_t trailer = frame.size() - kTrailerBytes;
  store_u64(frame, trailer, offset);
  store_u64(frame, trailer + 8, frame.size());
  store_u64(frame, trailer + 16, hash64(std::string_view(frame).substr(0, trailer + 16)));
  frame.replace(trailer + 24, 8, kTrailerMagic);
  return frame;
}

std::optional<Section> parse_section(std::string_view frame) {
  if (frame.size() < kSectionStart || load_u32(frame.data()) != kSkippableMagic) return {};
  if (load_u32(frame.data() + 4) != frame.size() - kFrameHeaderBytes) return {};
  if (frame.substr(8, 8) != kSectionMagic) return {};
  const std::uint32_t version_and_kind = load_u32(frame.data() + 16);
  Section section;
  section.version = static_cast<std::uint16_t>(version_and_kind);
  section.kind = static_cast<SectionKind>(version_and_kind >> 16);
  const std::size_t trailer = section.kind == SectionKind::Footer ? kTrailerBytes : 0;
  if (frame.size() < kSectionStart + trailer) return {};
  if (section_hash(frame, trailer) != load_u64(frame.data() + kChecksumAt)) return {};
  if (trailer != 0) {
    const char* const at = frame.data() + frame.size() - kTrailerBytes;
    const auto hashed = frame.substr(0, frame.size() - kTrailerBytes + 16);
    if (load_u64(at + 16) != hash64(hashed)) return {};
    if (std::string_view(at + 24, 8) != kTrailerMagic) return {};
  }
  std::memcpy(section.tape_id.bytes.data(), frame.data() + 24, 16);
  section.flags = {load_u64(frame.data() + 40), load_u64(frame.data() + 48)};
  section.compressed = load_u32(frame.data() + 20) == 1;
  section.bytes = frame.substr(kSectionStart, frame.size() - kSectionStart - trailer);
  return section;
}

std::string Section::message() const {
  const std::uint64_t most =
      std::min(kMostSectionMessage, kSectionRoom + kMostRatio * bytes.size());
  return compressed ? decompress_whole(bytes, most) : std::string(bytes);
}

void refuse_newer(const FlagWords& flags, std::uint16_t version, const std::string& name) {
  if (version > kFormatVersion) {
    throw Error(name + ": written in version " + std::to_string(version) +
                " of the tape format; this program reads version " +
                std::to_string(kFormatVersion) + ": a newer smtptape is needed");
  }
  if (const std::uint64_t unknown = flags.incompatible & ~kKnownIncompatible; unknown != 0) {
    throw Error(name +
                ": uses a feature of the tape format that this program does not know (flags " +
                std::to_string(unknown) + "): a newer smtptape is needed");
  }
}

std::optional<FooterPlace> parse_trailer(std::string_view tail) {
  if (tail.size() < kTrailerBytes) return {};
  const char* const at = tail.data() + tail.size() - kTrailerBytes;
  if (std::string_view(at + 24, 8) != kTrailerMagic) return {};
  return FooterPlace{load_u64(at), load_u64(at + 8)};
}

}  // namespace smtptape
