// The time of day before each line of an event: the server's, to the millisecond, as its delta is
// reckoned from; where a frame tells none, when it was received.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/wall_time.h"
#include "format/event.h"

namespace smtptape {

class LineClock {
 public:
  static constexpr std::size_t kSize = sizeof("hh:mm:ss.mmm ") - 1;

  // Appends what was printed of the event, with the clock before each line.  Local time, as TZ
  // says.
  void append(std::string& out, const Event& event, std::string_view text);

 private:
  std::string_view clock_of(WallTime time);

  std::optional<std::int64_t> second_;  // that clock_ shows
  std::array<char, kSize> clock_{};
};

}  // namespace smtptape
