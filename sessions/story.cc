#include "sessions/story.h"

namespace smtptape {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::Throttle: return "throttle";
    case Phase::Connect: return "connect";
    case Phase::Banner: return "banner";
    case Phase::Ehlo: return "EHLO";
    case Phase::StartTls: return "STARTTLS";
    case Phase::Auth: return "AUTH";
    case Phase::Mail: return "MAIL";
    case Phase::Rcpt: return "RCPT";
    case Phase::Data: return "DATA";
    case Phase::Body: return "body";
    case Phase::Final: return "final reply";
    case Phase::Idle: return "idle";
    case Phase::Other: return "other";
    case Phase::NotKnown: return "not known";
  }
  return "";
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::Delivered: return "delivered";
    case Outcome::Deferred: return "deferred";
    case Outcome::Bounced: return "bounced";
    case Outcome::Unfinished: return "unfinished";
    case Outcome::Unknown: return "unknown";
    case Outcome::Mixed: return "mixed";
  }
  return "";
}

std::int64_t span_of(WallTime from, WallTime until) {
  constexpr std::uint64_t kMostSeconds = 4'000'000'000;  // over a century; what is more is nonsense
  const Elapsed elapsed = elapsed_between(from, until);
  const std::uint64_t seconds = elapsed.seconds > kMostSeconds ? kMostSeconds : elapsed.seconds;
  const auto nanos = static_cast<std::int64_t>(seconds * kNanosPerSecond + elapsed.nanos);
  return elapsed.negative ? -nanos : nanos;
}

}  // namespace smtptape
