// The directory of a group: one row a session, and a summary of each property.
//
// A row is made from events as they are written; nothing is remembered from group to group, so
// rows of one session from several groups and tapes are merged by whoever reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "format/event.h"
#include "format/tape/tape_info.h"

namespace smtptape {

class SessionRowBuilder {
 public:
  // `keys`: the metadata keys whose values are listed.
  explicit SessionRowBuilder(std::vector<std::string> keys);

  void add(const Event& event);
  // A gap of the group touches every session that is open in it.
  void add_gap();
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }

  // What was gathered; the builder then starts over, for the next group.
  struct Result {
    std::vector<SessionRow> rows;
    std::vector<PropertySummary> summaries;
  };
  [[nodiscard]] Result finish();

 private:
  struct Values {  // of one property of one session
    RowProperty row;
    std::unordered_set<std::uint64_t> seen;  // only when there are more than a few
  };
  struct Open {
    SessionRow row;
    std::vector<Values> properties;
  };
  struct Summary {
    bool absent = false;
    bool incomparable = false;
    std::unordered_set<std::string> values;
  };

  Open* open_row(const Event& event);
  void add_values(Open& open, const Meta& meta);
  void add_value(Values& values, Summary& summary, std::string_view json);
  static void count(SessionRow& row, const Event& event);

  std::vector<std::string> keys_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::vector<Open> rows_;
  std::vector<Summary> summaries_;
  MetaMemo<std::uint32_t> row_of_meta_;  // place + 1
};

}  // namespace smtptape
