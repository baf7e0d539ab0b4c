#include "capture/feed/feed.h"

#include <algorithm>
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

// Where nothing came that tells: perhaps only one of the two speaks TLS.
std::string tls_hint(const Endpoint& endpoint) {
  return endpoint.tls ? "; is TLS spoken there? if not: http://"
                      : "; is TLS spoken there? then: https://";
}

constexpr unsigned kUnauthorized = 401;
constexpr unsigned kForbidden = 403;

// kumod's access control: who is trusted by address, or may GET by name.  It says why: credentials
// that are wrong, a rule against them, or none that lets them in.
std::string advice(const FeedEnd& end) {
  if (end.status != kUnauthorized && end.status != kForbidden) return "";
  if (end.reason.find("Authentication Failed") != std::string::npos) {
    return "; user, password or token are wrong";
  }
  if (end.reason.find(" denied ") != std::string::npos) {
    return "; a rule of kumod's access control denies it";
  }
  if (end.with_credentials) {
    return "; the credentials were refused, or an ACL must still allow them GET on "
           "http_listener/*/api/admin";
  }
  return "; run this on the node itself or have this host added to the listener's trusted_hosts, "
         "or have a user allowed GET on http_listener/*/api/admin by an ACL and give "
         "--basic-auth-file";
}

std::string rejection(const FeedEnd& end, const std::string& who) {
  const std::string why = end.reason.empty() ? "" : ": " + shortened(end.reason);
  return who + " refused the request with " + status_line(end) + why + advice(end);
}

std::string tls_failure(const FeedEnd& end, const std::string& who) {
  const std::string missing =
      end.certificate_missing
          ? "; it asked for a client certificate: --tls-cert FILE --tls-key FILE"
          : "";
  return by_state(end,
                  "the connection to " + who + " broke: TLS failed: " + end.reason,
                  "connecting to " + who + ": TLS failed: " + end.reason + missing);
}

// What kumod makes itself is another one at each start.
std::string distrust(const FeedEnd& end) {
  if (!end.expected_fingerprint.empty()) {
    return "another one than --tls-fingerprint names: expected " + end.expected_fingerprint +
           ", shown " + end.fingerprint +
           ". A kumod whose HTTP listener has no tls_certificate and tls_private_key makes itself "
           "a new one at each start: give it both. Else it was renewed, or somebody is in "
           "between: compare it on the server itself before trusting it";
  }
  if (end.self_signed) {
    return "not trusted: " + end.reason +
           "; kumod makes itself such a one at each start: give its HTTP listener tls_certificate "
           "and tls_private_key, and --cacert FILE here; until it starts again, if it is the right "
           "one: --tls-fingerprint " +
           end.fingerprint;
  }
  return "not trusted: " + end.reason + "; if it is the right one: --tls-fingerprint " +
         end.fingerprint;
}

std::string trouble(const FeedEnd& end, const Endpoint& endpoint) {
  const std::string& who = endpoint.target;
  switch (end.kind) {
    case FeedEnd::Kind::Stopped: return "stopped reading from " + who;
    case FeedEnd::Kind::Closed:
      return by_state(end,
                      who + " closed the connection",
                      "connecting to " + who + ": the connection was closed without an answer" +
                          tls_hint(endpoint));
    case FeedEnd::Kind::CloseFrame: return who + " ended the feed with a Close frame";
    case FeedEnd::Kind::Reset:
      return by_state(end,
                      "the connection to " + who + " broke: " + end.reason,
                      "connecting to " + who + ": " + end.reason + tls_hint(endpoint));
    case FeedEnd::Kind::TimedOut:
      return by_state(end,
                      "the connection to " + who + " timed out",
                      "connecting to " + who + ": no answer in time");
    case FeedEnd::Kind::ProtocolError:
      return who + " sent something that is not WebSocket: " + end.reason;
    case FeedEnd::Kind::NotFound: return "looking up " + endpoint.host + ": " + end.reason;
    case FeedEnd::Kind::LookupFailed:
      return "looking up " + endpoint.host + ": " + end.reason +
             "; the name may be right: no name server has answered for it";
    case FeedEnd::Kind::NoAccess: return "connecting to " + who + ": " + end.reason;
    case FeedEnd::Kind::Refused:
      return "connecting to " + who + ": connection refused; nothing listens there";
    case FeedEnd::Kind::Unreachable: return "connecting to " + who + ": " + end.reason;
    case FeedEnd::Kind::Rejected: return rejection(end, who);
    case FeedEnd::Kind::NotWebSocket: {
      const std::string status = end.status == 0 ? "" : " (" + status_line(end) + ")";
      return who + " is not a WebSocket server" + status + ": " + shortened(end.reason);
    }
    case FeedEnd::Kind::TlsUntrusted:
      return "connecting to " + who + ": its certificate is " + distrust(end);
    case FeedEnd::Kind::TlsFailed: return tls_failure(end, who);
    case FeedEnd::Kind::TlsNotSpoken: return who + " does not speak TLS; use http://";
    case FeedEnd::Kind::TlsExpected: return who + " speaks TLS; use https://";
  }
  SMTPTAPE_CHECK(false && "unknown kind of end");
  return {};
}

}  // namespace

std::uint64_t events_among(std::span<const WsMessage> frames) {
  return static_cast<std::uint64_t>(
      std::count_if(frames.begin(), frames.end(), [](const WsMessage& frame) {
        return frame.opcode == Opcode::Text || frame.opcode == Opcode::Binary;
      }));
}

std::string describe(const FeedEnd& end, const Endpoint& endpoint) {
  return trouble(end, endpoint) + (end.mid_message ? " in the middle of a frame" : "");
}

std::string kcli_connect_error(const FeedEnd& end) {
  if (end.kind == FeedEnd::Kind::NotFound || end.kind == FeedEnd::Kind::LookupFailed) {
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
