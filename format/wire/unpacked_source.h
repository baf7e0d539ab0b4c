// A file of frames as it was meant: what zstd or gzip packed is unpacked, known by its first bytes
// and not by its name.
//
// Several frames or members in a row are one file, zstd's skippable frames are passed over.  Memory
// is bounded: a zstd frame that wants a window of more than 128 MiB is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/io.h"

namespace smtptape {

// What a file is, by its first bytes.
enum class Packing : std::uint8_t {
  Unclear,  // more of them are needed
  Plain,
  Zstd,
  Gzip,
  Tape,
  Marked,  // UTF-8 that says so, with a byte order mark
  Utf16,   // or 32
  Other,   // packed with what we don't unpack
};
[[nodiscard]] Packing packing_of(std::string_view first_bytes);
// So many are always enough.
inline constexpr std::size_t kPackingBytes = 16;

class UnpackedSource : public ByteSource {
 public:
  enum class Content : std::uint8_t { Lines, Frames };  // of the file; lines are UTF-8
  UnpackedSource(std::unique_ptr<ByteSource> source, std::string name, Content content);
  ~UnpackedSource() override;

  // Throws Error for what is damaged, cut, or no file of frames at all.
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override;
  // A byte order mark of UTF-8 stood at the beginning; it was left out.
  [[nodiscard]] bool was_marked() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
