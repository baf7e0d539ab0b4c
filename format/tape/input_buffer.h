// A window over a byte source that remembers its offset.  Private to format/tape.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/growing_bytes.h"
#include "base/io.h"
#include "format/limits.h"

namespace smtptape {

class InputBuffer {
 public:
  explicit InputBuffer(ByteSource& source) : source_(source) {}

  // Tries to have at least `wanted` bytes in view(); the buffer grows only with what really comes.
  bool fill(std::size_t wanted) {
    while (end_ - begin_ < wanted && !at_eof_) {
      make_room(wanted);
      const std::size_t got = source_.read(bytes_.data() + end_, bytes_.room() - end_);
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

  // From here on, or from so many bytes back if they are still there, what is consumed stays at
  // hand, up to a bound …
  void hold(std::uint64_t back) {
    held_ = begin_ - static_cast<std::size_t>(std::min(back, held_bytes()));
  }
  // … so that one can go back to this place.  False when it became too much.
  bool go_back() {
    if (!held_) return false;
    offset_ -= begin_ - *held_;
    begin_ = *held_;
    return true;
  }
  // How far that is.
  [[nodiscard]] std::uint64_t held_bytes() const { return held_ ? begin_ - *held_ : 0; }

 private:
  static constexpr std::size_t kChunk = 256 << 10;

  void make_room(std::size_t wanted) {
    if (held_bytes() > kMostHeldBytes) held_.reset();
    if (begin_ == end_ && held_bytes() == 0) forget(begin_);
    if (bytes_.room() - end_ >= kChunk / 2) return;
    const std::size_t kept_from = held_.value_or(begin_);
    if (kept_from >= kChunk) forget(kept_from);
    if (bytes_.room() - end_ >= kChunk / 2) return;
    // Half as much again each time, but hardly more than is wanted.
    bytes_.grow(std::max(end_ + kChunk,
                         std::min(begin_ + wanted + kChunk, bytes_.room() + bytes_.room() / 2)));
  }

  // What lies before `from`.
  void forget(std::size_t from) {
    if (from < end_) std::memmove(bytes_.data(), bytes_.data() + from, end_ - from);
    begin_ -= from;
    end_ -= from;
    if (held_) *held_ -= from;
  }

  ByteSource& source_;
  GrowingBytes bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::optional<std::size_t> held_;
  std::uint64_t offset_ = 0;
  bool at_eof_ = false;
};

}  // namespace smtptape
