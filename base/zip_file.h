// ZIP archives, as libarchive writes and reads them.
//
// What is written is the same for the same members: no times of files, no owners; each has the mode
// 0600.  What is read may come from anybody: names are not to be trusted, and neither are sizes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/io.h"

namespace smtptape {

// The file begins as a ZIP archive does; reads its first bytes, wherever it stands.
[[nodiscard]] bool is_zip(int fd);

class ZipWriter {
 public:
  enum class Packing : std::uint8_t {
    Store,  // as it is: what is compressed already
    Deflate,
  };
  // `out` outlives it.
  explicit ZipWriter(ByteSink& out);
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  // `size`: as many bytes as `from` gives.  Throws Error, or what `from` or the sink threw.
  void add(const std::string& name, Packing packing, std::uint64_t size, ByteSource& from);
  // To be called once, at the end.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One member after the other, in the order of the archive's directory.
class ZipReader {
 public:
  // `fd` outlives it; `name` is for messages.
  ZipReader(int fd, std::string name);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  // The next member that is a file, by its name; nullopt: there is none.  Throws Error where the
  // archive can't be read.
  [[nodiscard]] std::optional<std::string> next();
  // Of that member.  Its checksum is compared at its end.
  [[nodiscard]] std::size_t read(char* to, std::size_t size);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
