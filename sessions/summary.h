// A session in figures: a line of `smtptape sessions`, and what statistics count.
//
// It can be told by the rows of a tape's groups (row_sessions.h) and by a story, and both say the
// same.  Times are those of reception, which rows have.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sessions/story.h"
#include "smtp/tls_handshake.h"

namespace smtptape {

// What a session is named by in its metadata.
enum class SessionName : std::uint8_t {
  EgressPool,
  EgressSource,
  SourceAddress,
  MxHost,
  MxAddress,
};
inline constexpr std::size_t kSessionNames = 5;

struct SessionSummary {
  static constexpr std::size_t kMostNames = 64;  // of one kind

  std::string id;
  std::string source;  // the recorder's name for the node
  std::int64_t first_received = 0;
  std::int64_t last_received = 0;
  // Each once, in the order in which they came: several where it connected again.
  std::array<std::vector<std::string>, kSessionNames> names;
  std::uint64_t connections = 0;
  std::uint64_t messages = 0;    // that were obtained
  std::uint64_t recipients = 0;  // RCPT commands
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  OutcomeCounts outcomes{};  // of recipients
  std::uint16_t worst_reply = 0;
  std::uint16_t last_reply = 0;
  Tls tls = Tls::None;       // of the last handshake
  bool begins_here = false;  // with its BeginSession
  bool is_open = false;      // no Closed after its last connection
  bool gap = false;          // may have taken events of it

  [[nodiscard]] std::int64_t duration() const { return last_received - first_received; }
  [[nodiscard]] const std::vector<std::string>& all(SessionName name) const {
    return names[static_cast<std::size_t>(name)];
  }
  // The latest; empty: there is none.
  [[nodiscard]] std::string_view last(SessionName name) const;
  void add(SessionName name, std::string_view value);
  // What came under the same id later, when this was complete.
  void append(const SessionSummary& later);
  bool operator==(const SessionSummary&) const = default;
};

// By their beginning.
[[nodiscard]] inline bool began_before(const SessionSummary& a, const SessionSummary& b) {
  return std::tie(a.first_received, a.source, a.id) < std::tie(b.first_received, b.source, b.id);
}

[[nodiscard]] SessionSummary summary_of(const Story& story);
// The longest that the server took for a reply, ns; nullopt: it gave none.
[[nodiscard]] std::optional<std::int64_t> slowest_reply(const Story& story);

// What became of it, in a word or two: that of its recipients; else why there were none.
[[nodiscard]] std::string_view outcome_of(const SessionSummary& session);
// "TLSv1.3", "failed", "none"
[[nodiscard]] std::string_view name_of(Tls tls);

}  // namespace smtptape
