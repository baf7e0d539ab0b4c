// Sessions as a table: one line each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/text_table.h"
#include "sessions/summary.h"

namespace smtptape {

// A session and what only its story tells.
struct ListedSession {
  const SessionSummary& summary;
  std::optional<std::int64_t> slowest_reply;  // ns
};

class SessionTable {
 public:
  // `columns`: names; empty: the usual ones, as many as there is room for.  Throws UsageError.
  SessionTable(const std::vector<std::string>& columns, const TextRoom& room);

  [[nodiscard]] static std::string names();
  [[nodiscard]] std::string titles() const { return table_.titles(); }
  [[nodiscard]] std::string line(const ListedSession& session) const;

 private:
  std::vector<std::size_t> chosen_;  // of all columns
  TextTable table_;
};

}  // namespace smtptape
