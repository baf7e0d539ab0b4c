// Memory that grows in place where the system can: no second copy, and nothing is set to zero.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace smtptape {

// Aligned for every type.
class GrowingBytes {
 public:
  GrowingBytes() = default;
  GrowingBytes(GrowingBytes&& from) noexcept
      : bytes_(std::move(from.bytes_)), room_(std::exchange(from.room_, 0)) {}
  GrowingBytes& operator=(GrowingBytes&& from) noexcept {
    bytes_ = std::move(from.bytes_);
    room_ = std::exchange(from.room_, 0);
    return *this;
  }
  GrowingBytes(const GrowingBytes&) = delete;
  GrowingBytes& operator=(const GrowingBytes&) = delete;
  ~GrowingBytes() = default;

  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] const char* data() const { return bytes_.get(); }
  [[nodiscard]] std::size_t room() const { return room_; }

  // What there is stays.
  void grow(std::size_t room) {
    if (room <= room_) return;
    auto* const larger = static_cast<char*>(std::realloc(bytes_.get(), room));  // NOLINT
    if (larger == nullptr) throw std::bad_alloc();
    static_cast<void>(bytes_.release());
    bytes_.reset(larger);
    room_ = room;
  }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }  // NOLINT
  };
  std::unique_ptr<char, Free> bytes_;
  std::size_t room_ = 0;
};

}  // namespace smtptape
