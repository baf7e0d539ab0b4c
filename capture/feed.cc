#include "capture/feed.h"

#include <system_error>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr std::size_t kLongestReasonShown = 300;

std::string shortened(const std::string& reason) {
  if (reason.size() <= kLongestReasonShown) return reason;
  return reason.substr(0, kLongestReasonShown) + "...";
}

std::string status_line(const FeedEnd& end) {
  return std::to_string(end.status) + (end.phrase.empty() ? "" : " " + end.phrase);
}

// What can be said after a first success, and what has to be said without one.
std::string by_state(const FeedEnd& end, std::string opened, std::string not_opened) {
  return end.opened ? std::move(opened) : std::move(not_opened);
}

}  // namespace

std::string describe(const FeedEnd& end, const Endpoint& endpoint) {
  const std::string& who = endpoint.target;
  switch (end.kind) {
    case FeedEnd::Kind::Stopped: return "stopped reading from " + who;
    case FeedEnd::Kind::Closed:
      return by_state(end,
                      who + " closed the connection",
                      "connecting to " + who + ": the connection was closed without an answer");
    case FeedEnd::Kind::CloseFrame: return who + " ended the feed with a Close frame";
    case FeedEnd::Kind::Reset:
      return by_state(end,
                      "the connection to " + who + " broke: " + end.reason,
                      "connecting to " + who + ": " + end.reason);
    case FeedEnd::Kind::TimedOut:
      return by_state(end,
                      "the connection to " + who + " timed out",
                      "connecting to " + who + ": no answer in time");
    case FeedEnd::Kind::ProtocolError:
      return who + " sent something that is not WebSocket: " + end.reason;
    case FeedEnd::Kind::NotFound: return "looking up " + endpoint.host + ": " + end.reason;
    case FeedEnd::Kind::Refused:
      return "connecting to " + who + ": connection refused; nothing listens there";
    case FeedEnd::Kind::Unreachable: return "connecting to " + who + ": " + end.reason;
    case FeedEnd::Kind::Rejected: {
      const std::string why = end.reason.empty() ? "" : ": " + shortened(end.reason);
      return who + " refused the request with " + status_line(end) + why;
    }
    case FeedEnd::Kind::NotWebSocket: {
      const std::string status = end.status == 0 ? "" : " (" + status_line(end) + ")";
      return who + " is not a WebSocket server" + status + ": " + shortened(end.reason);
    }
  }
  SMTPTAPE_CHECK(false && "unknown kind of end");
  return {};
}

std::string kcli_connect_error(const FeedEnd& end) {
  if (end.kind == FeedEnd::Kind::NotFound) {
    const std::string why = "failed to lookup address information: " + end.reason;
    return "IO error: " + why + "\n\nCaused by:\n    " + why;
  }
  if (end.os_error != 0) {
    const std::string why = std::generic_category().message(end.os_error) + " (os error " +
                            std::to_string(end.os_error) + ")";
    return "IO error: " + why + "\n\nCaused by:\n    " + why;
  }
  if (end.status != 0 && end.status != 101) return "HTTP error: " + status_line(end);
  const bool closed = end.kind == FeedEnd::Kind::Closed;
  return "WebSocket protocol error: " + (closed ? "Handshake not finished" : end.reason);
}

}  // namespace smtptape
