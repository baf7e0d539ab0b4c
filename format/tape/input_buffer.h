// A window over a byte source that remembers its offset.  Private to format/tape.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/io.h"

namespace smtptape {

class InputBuffer {
 public:
  explicit InputBuffer(ByteSource& source) : source_(source) {}

  // Tries to have at least `wanted` bytes in view(); the buffer grows only with what really comes.
  bool fill(std::size_t wanted) {
    while (end_ - begin_ < wanted && !at_eof_) {
      make_room();
      const std::size_t got = source_.read(bytes_.data() + end_, bytes_.size() - end_);
      if (got == 0) at_eof_ = true;
      end_ += got;
    }
    return end_ - begin_ >= wanted;
  }

  [[nodiscard]] std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  void consume(std::size_t count) {
    begin_ += count;
    offset_ += count;
  }

 private:
  static constexpr std::size_t kChunk = 256 << 10;

  void make_room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (bytes_.size() - end_ >= kChunk / 2) return;
    if (begin_ >= kChunk) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() - end_ < kChunk / 2) bytes_.resize(std::max(kChunk, bytes_.size() * 2));
  }

  ByteSource& source_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
  bool at_eof_ = false;
};

}  // namespace smtptape
