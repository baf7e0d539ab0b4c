// Text that grows at its end and is written in place: ask for room, write, say where it ends.  What
// std::string can't: nothing is set to zero before it is written, and many small pieces ask once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/growing_bytes.h"

namespace smtptape {

class TextBuffer {
 public:
  // Where at least `size` bytes can be written; advance_to() then says how far it was.
  [[nodiscard]] char* room(std::size_t size) {
    if (bytes_.room() - size_ < size) grow(size);
    return bytes_.data() + size_;
  }
  void advance_to(const char* end) { size_ = static_cast<std::size_t>(end - bytes_.data()); }

  TextBuffer& append(std::string_view text) {
    if (text.empty()) return *this;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  void push_back(char c) {
    *room(1) = c;
    ++size_;
  }

  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] char* data() { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  // Shorter only.
  void resize(std::size_t size) { size_ = size; }
  void erase_front(std::size_t count) {
    size_ -= count;
    std::memmove(bytes_.data(), bytes_.data() + count, size_);
  }

 private:
  void grow(std::size_t size) {
    constexpr std::size_t kLeast = 1024;
    bytes_.grow(std::max({kLeast, bytes_.room() * 2, size_ + size}));
  }

  GrowingBytes bytes_;
  std::size_t size_ = 0;
};

}  // namespace smtptape
