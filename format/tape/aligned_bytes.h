// Bytes on a word border, as Cap'n Proto wants them.  Private to format/tape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

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
    const std::size_t words = (size + 7) / 8;
    if (words > room_) {
      auto larger = std::make_unique_for_overwrite<std::uint64_t[]>(words);
      if (size_ > 0) std::memcpy(larger.get(), words_.get(), size_);
      words_ = std::move(larger);
      room_ = words;
    }
    size_ = size;
  }
  [[nodiscard]] char* data() { return reinterpret_cast<char*>(words_.get()); }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(words_.get()), size_};
  }

 private:
  std::unique_ptr<std::uint64_t[]> words_;
  std::size_t room_ = 0;  // in words
  std::size_t size_ = 0;
};

}  // namespace smtptape
