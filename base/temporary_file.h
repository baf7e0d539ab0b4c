// A nameless file of mode 0600 that is written once and then read as often as one likes; gone with
// the object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/io.h"

namespace smtptape {

class TemporaryFile : public ByteSink {
 public:
  TemporaryFile() : file_(unlinked_file()) {}
  void write(std::string_view bytes) override {
    write_all(file_.get(), bytes, kName);
    size_ += bytes.size();
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // For who takes names of files; good as long as the file is.
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }
  // From its beginning; the file outlives it.
  [[nodiscard]] std::unique_ptr<ByteSource> read() const {
    return std::make_unique<Source>(file_.get());
  }

 private:
  static constexpr const char* kName = "a temporary file (in TMPDIR, or /tmp)";

  class Source : public ByteSource {
   public:
    explicit Source(int fd) : fd_(fd) {}
    [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
      const std::size_t got = read_at(fd_, to, size, at_, kName);
      at_ += got;
      return got;
    }

   private:
    int fd_;
    std::uint64_t at_ = 0;
  };

  UniqueFd file_;
  std::uint64_t size_ = 0;
};

}  // namespace smtptape
