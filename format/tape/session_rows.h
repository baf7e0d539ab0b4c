// The rows of a group's index: one a session that the group touches.
//
// Rows of one session from several groups and tapes are merged by whoever reads them.  One that
// goes on counts from where the group before left the session: it is of use only beside the row
// that the session had there, or in the last group before that had any, with nothing missing
// between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/tape/tape_info.h"
#include "smtp/tls_handshake.h"

namespace smtptape {

struct SessionRow {
  std::string id;  // id_hashed: the hash of a long one, 8 bytes
  bool id_hashed = false;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::int64_t first_received = 0;  // least and greatest
  std::int64_t last_received = 0;
  std::uint32_t connections = 0;
  std::uint32_t messages = 0;
  std::uint32_t recipients = 0;  // RCPT commands
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  // Replies that decide a message, by class.
  std::uint32_t accepted = 0;
  std::uint32_t deferred = 0;
  std::uint32_t refused = 0;
  // Its recipients in the metadata, and of those whose outcome is known how many have which.
  std::uint32_t wanted = 0;
  std::uint32_t delivered = 0;
  std::uint32_t put_off = 0;
  std::uint32_t bounced = 0;
  std::uint16_t last_reply = 0;   // 0: none
  std::uint16_t worst_reply = 0;  // the greatest from 200 to 599
  Tls tls = Tls::None;            // of the last handshake
  bool opened = false;            // begins here
  bool closed = false;            // its last connection was closed here
  bool gap = false;               // events of it may be missing
  bool decided = false;           // recipients and replies are known; else ask the events
  // The same of rows that are cut by the ends of groups; a decided one is sure and rests.
  bool goes_on = false;   // it counts from where the session's row before ended
  bool sure = false;      // recipients and replies are known, as far as they came
  bool rests = false;     // no command, reply, message or transaction is unfinished at its end
  bool outcomes = false;  // `wanted` to `bounced` and `tried` are there
  struct Target {
    std::string host;
    std::string address;
    bool operator==(const Target&) const = default;
  };
  std::optional<Target> tried;  // without a connection: where it tried to connect last

  [[nodiscard]] bool may_be(std::string_view session_id) const;
  [[nodiscard]] std::uint64_t id_hash() const;  // hash64() of the whole id
};

// Of a property of a row, as they stand in a tape.
inline constexpr std::uint8_t kAbsentFlag = 1;
inline constexpr std::uint8_t kIncomparableFlag = 2;
inline constexpr std::uint8_t kListFlag = 4;
inline constexpr std::uint8_t kMoreFlag = 8;

// What one property was in one session.
struct RowProperty {
  bool absent = false;        // some event lacks it
  bool incomparable = false;  // some event holds what is neither a text nor a list with a text
  bool lists = false;         // some event holds a list
  bool complete = true;       // `values` and `hashes` are all there are
  std::span<const std::uint32_t> values;  // distinct, places in Property::values
  std::span<const std::uint64_t> hashes;  // value_hash() of those that are not listed
};

struct SessionRows {
  // Of one key: the values of all rows, and for each row which of them it has.
  struct Property {
    std::string key;                          // of the metadata
    std::vector<SummaryValue> values;         // of all sessions; distinct
    std::vector<std::uint8_t> flags;          // of each row
    std::vector<std::uint32_t> listed_until;  // in `listed`, of each row
    std::vector<std::uint32_t> listed;
    std::vector<std::uint32_t> hashed_until;  // in `hashes`, of each row
    std::vector<std::uint64_t> hashes;

    [[nodiscard]] RowProperty of_row(std::size_t row) const;
  };
  std::vector<Property> properties;
  std::vector<SessionRow> rows;  // in the order of the sessions' first events
};

// `index` is of the same group.  Reading throws Error when the bytes make no sense.
[[nodiscard]] std::string to_message(const SessionRows& rows, const GroupIndex& index);
[[nodiscard]] SessionRows read_rows(const GroupIndex& index);
// Of the properties only those of these keys: recipients alone are most of the rows.
[[nodiscard]] SessionRows read_rows(const GroupIndex& index,
                                    std::span<const std::string_view> keys);

}  // namespace smtptape
