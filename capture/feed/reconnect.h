// When to connect again after a feed has ended, when that was, and what to call its end.  Pure: no
// timer, no clock and no chance of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "capture/feed/feed.h"
#include "capture/record/clocks.h"

namespace smtptape {

class ReconnectPolicy {
 public:
  using Milliseconds = std::chrono::milliseconds;
  static constexpr Milliseconds kShortest{500};
  static constexpr Milliseconds kLongest{30'000};
  // A connection that lived so long was a good one: pauses are short again.
  static constexpr std::chrono::minutes kCalm{1};

  explicit ReconnectPolicy(Milliseconds shortest = kShortest, Milliseconds longest = kLongest)
      : shortest_(shortest), longest_(longest), next_(shortest) {}

  // Pauses double, and each is spread by a quarter around its length, so that a hundred recorders
  // don't come back at once.  `lived`: how long the feed was open; `chance`: from 0 to below 1.
  [[nodiscard]] Milliseconds pause_after(std::chrono::nanoseconds lived, double chance);

 private:
  Milliseconds shortest_;
  Milliseconds longest_;
  Milliseconds next_;
};

// When a feed that was open ended, as far as anybody can tell; ns since 1970.  A server that
// vanished may have gone long before that was noticed: then it is when it was `heard` the last
// time, as far back as noticing takes.
[[nodiscard]] std::int64_t time_of_end(const FeedEnd& end, Now heard, Now now);

// A word for counting: "closed", "refused", "http-401", "tls", …
[[nodiscard]] std::string reason_word(const FeedEnd& end);

}  // namespace smtptape
