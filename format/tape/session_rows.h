// The directory of a group: one row a session, and a summary of each property.
//
// A row is made from events as they are written; nothing is remembered from group to group, so
// rows of one session from several groups and tapes are merged by whoever reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/arena.h"
#include "base/hash.h"
#include "format/event.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// What one property was in one session.
struct RowProperty {
  bool absent = false;                // some event lacks it
  bool incomparable = false;          // some event holds null or another type
  std::vector<std::uint32_t> values;  // distinct, places in Property::values
  std::vector<std::uint64_t> hashes;  // of the values beyond kMostListedValues
};

struct SessionRow {
  std::string id;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::int64_t first_received = 0;  // least and greatest
  std::int64_t last_received = 0;
  std::uint32_t events = 0;
  std::uint32_t connections = 0;
  std::uint32_t messages = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint16_t last_reply = 0;  // 0: none
  bool opened = false;
  bool closed = false;
  bool tls = false;
  bool gap = false;
  std::vector<RowProperty> properties;  // as in SessionRows
};

struct SessionRows {
  struct Property {
    std::string key;                  // of the metadata
    std::vector<std::string> values;  // of all sessions, as JSON; distinct
  };
  std::vector<Property> properties;
  std::vector<SessionRow> rows;  // in the order of the sessions' first events
};

// `index` is of the same group.  Reading throws Error when the bytes make no sense.
[[nodiscard]] std::string to_message(const SessionRows& rows, const GroupIndex& index);
[[nodiscard]] SessionRows read_rows(const GroupIndex& index);

class SessionRowBuilder {
 public:
  // `keys`: the metadata keys whose values are listed, at most kMostIndexedKeys.
  explicit SessionRowBuilder(std::vector<std::string> keys);

  void add(const Event& event);
  // A gap of the group touches every session that is open in it.
  void add_gap();
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

  // What was gathered; the builder then starts over, for the next group.
  struct Result {
    SessionRows rows;
    std::vector<PropertySummary> summaries;
  };
  [[nodiscard]] Result finish();

 private:
  using Places = boost::unordered_flat_map<std::string_view, std::uint32_t, TextHash>;
  struct Property {
    bool absent = false;
    bool incomparable = false;
    std::vector<std::string_view> values;  // distinct, in the order of their first event
    Places places;                         // in `values`
  };

  SessionRow* open_row(const Event& event);
  void add_values(std::uint32_t row, const Meta& meta);
  void add_value(std::uint32_t row, std::size_t key, std::string_view json);
  static void count(SessionRow& row, const Event& event);

  std::vector<std::string> keys_;
  Arena arena_;  // the text of ids and values
  Places by_id_;
  std::vector<SessionRow> rows_;
  std::vector<Property> properties_;
  // Hashes known of a row's property (row * keys + key) that has more values than are listed.
  std::map<std::uint64_t, std::unordered_set<std::uint64_t>> beyond_;
  MetaMemo<std::uint32_t> row_of_meta_;  // place + 1
};

}  // namespace smtptape
