// Bytes on a word border, as Cap'n Proto wants them.  Private to format/tape.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/growing_bytes.h"

namespace smtptape {

class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::string_view bytes) {
    resize(bytes.size());
    if (!bytes.empty()) std::memcpy(data(), bytes.data(), bytes.size());
  }
  // What there is stays; what is new is not initialized.
  void resize(std::size_t size) {
    bytes_.grow((size + 7) / 8 * 8);
    size_ = size;
  }
  [[nodiscard]] char* data() { return bytes_.data(); }
  // How large it can get without asking the system.
  [[nodiscard]] std::size_t room() const { return bytes_.room(); }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  GrowingBytes bytes_;
  std::size_t size_ = 0;
};

}  // namespace smtptape
