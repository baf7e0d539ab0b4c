// Bytes of a file between two places, read again from where one likes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/io.h"
#include "format/tape/group_extents.h"

namespace smtptape {

// What it is made of outlives it.
class FileRange : public ByteSource {
 public:
  FileRange(const UniqueFd& fd, const std::string& name, const GroupExtent& extent)
      : fd_(fd), name_(name), at_(extent.offset), until_(extent.end) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    size = std::min<std::uint64_t>(size, until_ - at_);
    if (size == 0) return 0;
    const std::size_t got = read_at(fd_.get(), to, size, at_, name_);
    at_ += got;
    return got;
  }

 private:
  const UniqueFd& fd_;
  const std::string& name_;
  std::uint64_t at_;
  std::uint64_t until_;
};

}  // namespace smtptape
