// What happened in one session, as values: attempts to connect, phases, exchanges, messages and
// what became of them.
//
// A story says what it has seen.  What is missing or uncertain is named and not guessed: events
// that a gap took, a session joined in its middle, bytes that were left out when it was recorded.
// What the feed doesn't hold is not here either: how long a message was queued before, and what
// other sessions did with it.  Bounded, whatever comes (story_builder.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wall_time.h"
#include "format/attempts.h"
#include "smtp/exchanges.h"
#include "smtp/tls_handshake.h"

namespace smtptape {

// Where the time of a session went, in the order in which they come.
enum class Phase : std::uint8_t {
  Throttle,  // KumoMTA held back the connection
  Connect,
  Banner,
  Ehlo,
  StartTls,  // the handshake and what had to be looked up for it, too
  Auth,
  Mail,  // with the RSET before it
  Rcpt,
  Data,
  Body,   // until the final dot
  Final,  // until it was answered
  Idle,   // no message was there
  Other,
  NotKnown,  // events are missing
};
inline constexpr std::size_t kPhases = 14;
[[nodiscard]] std::string_view name_of(Phase phase);

// Nanoseconds; the server's clock, so a span may be negative where it stepped.
[[nodiscard]] std::int64_t span_of(WallTime from, WallTime until);

struct PhaseSpan {
  Phase phase = Phase::Other;
  WallTime from;
  WallTime until;
};

enum class Outcome : std::uint8_t {
  Delivered,   // 2xx
  Deferred,    // 4xx
  Bounced,     // 5xx
  Unfinished,  // there was no reply
  Unknown,     // events are missing, or were abbreviated, so that the reply can't be told
  Mixed,       // of a message: not the same for each recipient
};
inline constexpr std::size_t kOutcomes = 6;
[[nodiscard]] std::string_view name_of(Outcome outcome);
using OutcomeCounts = std::array<std::uint64_t, kOutcomes>;

// What encrypted a connection, as KumoMTA said it.
struct TlsFacts {
  Tls tls = Tls::None;
  std::string version;
  std::string cipher;
  std::string subject;  // the list, as it was said
  std::optional<bool> authenticated;
  std::string why_not;                // why there is none; empty: it is, or nobody said
  std::vector<std::string> policies;  // of DANE and MTA-STS, as they were said
};

// One way that was tried: an address, from the wait before it to the end of its connection.
struct Attempt {
  std::string target;     // as KumoMTA names it: IP:port; empty: it began before
  std::size_t place = 0;  // in the plan, from 1 in the order of use; 0: not in it, or not known
  std::string mx_host;    // of the connection; else of the plan
  std::string mx_address;
  std::string source_address;
  WallTime begun;
  std::optional<WallTime> connected;
  std::optional<WallTime> closed;
  bool was_connected = false;  // connected, or seen to be
  std::string why;             // what KumoMTA said of its end, or of its failure
  TlsFacts tls;
  std::array<std::int64_t, kPhases> phases{};  // ns in each
  std::size_t messages = 0;

  // Its beginning is not here, and nothing else tells whether it was encrypted.
  [[nodiscard]] bool is_tls_unknown() const {
    return was_connected && !connected && tls.tls == Tls::None && tls.why_not.empty();
  }
};

// A command, message or reply, see SmtpExchange; its marks as times.
struct StoryExchange {
  SmtpExchange smtp;
  std::size_t attempt = 0;
  std::optional<std::size_t> message;
  WallTime begun;
  WallTime sent;
  WallTime replied;
};

struct Recipient {
  std::string address;
  bool sent = false;  // its RCPT was seen
  Outcome outcome = Outcome::Unfinished;
  SmtpStep decided_by = SmtpStep::Other;
  std::uint16_t code = 0;  // of the reply that decided; 0: none
  std::string reply;
};

struct Message {
  std::string id;  // may be empty: joined in the middle, or an old server
  std::string sender;
  std::string domain;
  std::string tenant;
  std::string campaign;
  std::string queue;
  std::size_t attempt = 0;
  WallTime begun;
  std::optional<WallTime> decided;
  bool begun_before = false;  // where it was obtained is not here
  std::uint64_t bytes = 0;    // of the message as it was sent
  Outcome outcome = Outcome::Unfinished;
  std::vector<Recipient> recipients;
  std::uint64_t recipients_left_out = 0;
};

// What KumoMTA reported as an error.  One that it reports before each further message of a
// connection, and means nothing, is only counted.
struct StoryError {
  WallTime when;
  std::size_t attempt = 0;
  bool after_closed = false;
  std::string text;
};

// The worst answer of two, `code` the later: the greatest from 400 on, else the last success.  What
// only asks to go on (3xx) is no answer.
[[nodiscard]] constexpr std::uint16_t worse_of(std::uint16_t before, std::uint16_t code) {
  const int of_class = code / 100;
  if (of_class != 2 && of_class != 4 && of_class != 5) return before;
  return before >= 400 && before > code ? before : code;
}

struct Story {
  std::string id;
  std::string source;  // the recorder's name for the node
  // Of the recorder's tapes in which it began and ended, the numbers; 0: not known.
  std::uint64_t first_tape = 0;
  std::uint64_t last_tape = 0;
  std::string egress_pool;
  std::string egress_source;
  std::string ready_queue;
  std::vector<PlannedHost> plan;  // in the order of use
  bool null_mx = false;

  WallTime begun;  // its first and last event that are here
  WallTime ended;
  std::int64_t first_received = 0;
  std::int64_t last_received = 0;
  std::uint64_t events = 0;
  std::uint64_t connections = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t messages_obtained = 0;
  std::uint64_t recipients_named = 0;  // RCPT commands

  std::vector<Attempt> attempts;
  std::vector<PhaseSpan> spans;
  std::array<std::int64_t, kPhases> longest{};  // ns; the longest stretch of each phase
  std::vector<StoryExchange> exchanges;
  std::vector<Message> messages;
  std::vector<StoryError> errors;
  OutcomeCounts outcomes{};       // of all recipients
  std::uint16_t worst_reply = 0;  // see worse_of()
  std::uint16_t last_reply = 0;

  // What is missing or odd.
  bool begins_here = false;       // with its BeginSession
  bool is_open = false;           // no Closed after its last connection, or none at all
  std::vector<std::string> gaps;  // that may have taken events of it, the first few
  std::uint64_t gap_count = 0;
  std::uint64_t unreadable = 0;   // frames
  std::uint64_t abbreviated = 0;  // by the server: of these the first line is known
  std::uint64_t trimmed = 0;      // when it was recorded
  std::uint64_t masked = 0;
  std::uint64_t stepped_back = 0;  // events earlier than the one before
  std::uint64_t harmless_errors = 0;
  std::uint64_t left_out = 0;      // attempts, exchanges, errors, messages and spans: too many
  bool pairing_uncertain = false;  // replies that can't be told to belong to a command
};

}  // namespace smtptape
