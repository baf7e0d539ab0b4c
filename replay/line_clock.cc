#include "replay/line_clock.h"

#include <ctime>

namespace smtptape {

namespace {

void put_number(char* to, std::size_t digits, std::uint32_t number) {
  for (char* at = to + digits; at != to; number /= 10)
    *--at = static_cast<char>('0' + number % 10);
}

bool tells_time(const Event& event) {
  if (event.verbatim != nullptr) return event.verbatim->when_known && event.meta != nullptr;
  return true;
}

}  // namespace

void LineClock::append(std::string& out, const Event& event, std::string_view text) {
  if (text.empty()) return;
  const std::string_view clock =
      clock_of(tells_time(event) ? event.when : from_unix_nanos(event.received));
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    out.append(clock).append(text.substr(0, size));
    text.remove_prefix(size);
  }
}

std::string_view LineClock::clock_of(WallTime time) {
  // Within a leap second the clock shows the 60th.
  const bool leaps = time.nanos >= kNanosPerSecond;
  if (second_ != time.seconds || leaps) {
    const auto seconds = static_cast<std::time_t>(time.seconds);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    clock_ = {'0', '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', ' '};
    put_number(clock_.data(), 2, static_cast<std::uint32_t>(local.tm_hour));
    put_number(clock_.data() + 3, 2, static_cast<std::uint32_t>(local.tm_min));
    put_number(clock_.data() + 6, 2, static_cast<std::uint32_t>(local.tm_sec) + (leaps ? 1 : 0));
    second_ = time.seconds;
    if (leaps) second_.reset();
  }
  put_number(clock_.data() + 9, 3, time.nanos % kNanosPerSecond / 1'000'000);
  return {clock_.data(), clock_.size()};
}

}  // namespace smtptape
