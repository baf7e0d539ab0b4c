// How much a page may hold, so that a browser still reads it at ease and a person finds something
// in it.  What is held until it is written counts as what is in it: the memory of writing a page is
// bounded by the same figures.
#pragma once

#include <cstdint>

namespace smtptape {

struct PageLimits {
  std::uint64_t events = 100'000;
  std::uint64_t bytes = 64 << 20;  // of what is packed, before that
  // Of one session; beyond these its transcript ends, and says so.
  std::uint64_t session_events = 20'000;
  std::uint64_t session_bytes = 8 << 20;
  std::uint64_t event_bytes = 1 << 20;
};

class PageRoom {
 public:
  explicit PageRoom(const PageLimits& limits) : limits_(limits) {}

  [[nodiscard]] const PageLimits& limits() const { return limits_; }
  // False: it doesn't fit, and nothing was taken; from then on the page is full.
  [[nodiscard]] bool take(std::uint64_t events, std::uint64_t bytes) {
    if (events > limits_.events - events_ || bytes > limits_.bytes - bytes_) {
      full_ = true;
      return false;
    }
    events_ += events;
    bytes_ += bytes;
    return true;
  }
  void give_back(std::uint64_t events, std::uint64_t bytes) {
    events_ -= events;
    bytes_ -= bytes;
  }
  // Something was turned away: sessions that begin now are not taken in, so that those of a page
  // are the first ones and not the small ones.
  [[nodiscard]] bool is_full() const { return full_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  PageLimits limits_;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  bool full_ = false;
};

}  // namespace smtptape
