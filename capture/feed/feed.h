// Following a feed: what is asked for, who gets the frames, and how it ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "base/net/endpoint.h"
#include "base/net/ws_frames.h"
#include "capture/feed/access.h"
#include "format/limits.h"

namespace smtptape {

struct FeedOptions {
  Endpoint endpoint;
  GetAccess access;  // none: the system's CAs, no credentials
  std::string path = "/api/admin/trace-smtp-client/v1";
  std::string request;  // the JSON that selects events: the first frame we send
  std::uint64_t max_frame = kDefaultMaxFrame;        // a larger one is told as oversize and skipped
  std::chrono::milliseconds connect_within{10'000};  // lookup, connection and handshakes together
};

// How many of them are events: not the peer's Pings, Pongs and Close.
[[nodiscard]] std::uint64_t events_among(std::span<const WsMessage> frames);

// Takes what arrives, on the thread that reads: it must not wait for anything.
class FrameSink {
 public:
  enum class Flow : std::uint8_t { Continue, Stop };

  FrameSink() = default;
  FrameSink(const FrameSink&) = delete;
  FrameSink& operator=(const FrameSink&) = delete;
  virtual ~FrameSink() = default;

  // A message that is being put together needs so many bytes more, beyond the first MiB: may it?
  // When not, it arrives as oversize.
  virtual bool may_take(std::uint64_t more) {
    static_cast<void>(more);
    return true;
  }
  // The request was sent: what the server selects from now on arrives here.
  virtual void on_open() {}
  // Everything that came, in order, as many messages at once as there are: events, oversize ones
  // (without payload), and the peer's Ping, Pong and Close.  Payloads are gone after the call.
  virtual Flow on_frames(std::span<const WsMessage> frames) = 0;
};

struct FeedEnd {
  enum class Kind : std::uint8_t {
    Stopped,        // by us
    Closed,         // the peer closed the connection, as kumod does when it stops
    CloseFrame,     // the same, announced; kumod never does
    Reset,          // the connection broke
    TimedOut,       // no answer in time, or a peer that vanished
    ProtocolError,  // what came is not WebSocket any more
    NotFound,       // the host's name is unknown
    LookupFailed,   // the host's name could not be looked up now
    NoAccess,       // credentials or certificates of ours could not be read
    Refused,        // nobody listens there
    Unreachable,    // any other reason why there is no connection
    Rejected,       // an HTTP status instead of 101
    NotWebSocket,   // an ordinary page, or no HTTP at all
    TlsUntrusted,   // the server's certificate is not trusted
    TlsFailed,      // TLS was spoken, and failed for another reason
    TlsNotSpoken,   // https to a server that speaks something else
    TlsExpected,    // http to a server that speaks TLS
  };
  Kind kind = Kind::Stopped;
  bool opened = false;       // on_open() was called: it had worked
  bool mid_message = false;  // a message had begun: its event is lost
  int os_error = 0;          // errno, where there was one
  unsigned status = 0;       // HTTP, with its standard phrase
  std::string phrase;
  std::string reason;       // why, in the server's or the library's words; printable, at most 4 KiB
  std::string fingerprint;  // TlsUntrusted: of the certificate that was shown
  std::string expected_fingerprint;  // TlsUntrusted: another one was given
  bool self_signed = false;          // TlsUntrusted: because nobody but itself has signed it
  bool certificate_missing = false;  // TlsFailed: the server asked for one, and there was none
  bool with_credentials = false;     // Rejected: although we sent some
};

// One line for a person: which trouble, with whom, and the reason that was given.
[[nodiscard]] std::string describe(const FeedEnd& end, const Endpoint& endpoint);

// What kcli prints after "Error: " when it fails to connect.
[[nodiscard]] std::string kcli_connect_error(const FeedEnd& end);

// Follows one feed on the calling thread until it ends or the sink stops it.  What the sink throws
// comes out here.
FeedEnd follow_feed(const FeedOptions& options, FrameSink& sink);

}  // namespace smtptape
