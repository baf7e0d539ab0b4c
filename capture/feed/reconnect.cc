#include "capture/feed/reconnect.h"

#include <algorithm>

#include "base/net/connection.h"

namespace smtptape {

ReconnectPolicy::Milliseconds ReconnectPolicy::pause_after(std::chrono::nanoseconds lived,
                                                           double chance) {
  if (lived >= kCalm) next_ = shortest_;
  const double spread = 0.75 + chance / 2;
  const Milliseconds pause(
      static_cast<Milliseconds::rep>(static_cast<double>(next_.count()) * spread));
  next_ = std::min(2 * next_, longest_);
  return std::clamp(pause, shortest_, longest_);
}

std::int64_t time_of_end(const FeedEnd& end, Now heard, Now now) {
  const bool vanished = end.kind == FeedEnd::Kind::TimedOut || end.kind == FeedEnd::Kind::Reset ||
                        end.kind == FeedEnd::Kind::TlsFailed;
  if (!vanished) return now.real;
  const std::int64_t most = std::chrono::nanoseconds(kVanishedWithin).count();
  return now.steady - heard.steady <= most ? heard.real : now.real - most;
}

std::string reason_word(const FeedEnd& end) {
  switch (end.kind) {
    case FeedEnd::Kind::Stopped: return "stopped";
    case FeedEnd::Kind::Closed: return "closed";
    case FeedEnd::Kind::CloseFrame: return "close-frame";
    case FeedEnd::Kind::Reset: return "reset";
    case FeedEnd::Kind::TimedOut: return "timeout";
    case FeedEnd::Kind::ProtocolError: return "protocol";
    case FeedEnd::Kind::NotFound:
    case FeedEnd::Kind::LookupFailed: return "dns";
    case FeedEnd::Kind::NoAccess: return "credentials";
    case FeedEnd::Kind::Refused: return "refused";
    case FeedEnd::Kind::Unreachable: return "unreachable";
    case FeedEnd::Kind::Rejected: return "http-" + std::to_string(end.status);
    case FeedEnd::Kind::NotWebSocket: return "not-websocket";
    case FeedEnd::Kind::TlsUntrusted:
    case FeedEnd::Kind::TlsFailed:
    case FeedEnd::Kind::TlsNotSpoken:
    case FeedEnd::Kind::TlsExpected: return "tls";
  }
  return "";
}

}  // namespace smtptape
