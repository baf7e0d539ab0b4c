// Sessions as CSV (RFC 4180), for spreadsheets and databases: a line of titles, then a line each.
//
// A line of the file is a session, whatever stands in it (replay/json/csv_text.h).
#pragma once

#include <string>

#include "sessions/providers.h"
#include "sessions/story.h"
#include "sessions/summary.h"

namespace smtptape {

class SessionCsv {
 public:
  // Both with their ends, CR LF.
  [[nodiscard]] static std::string titles();
  // `story`, with its exchanges, and what is told of it in figures.
  [[nodiscard]] std::string line(const SessionSummary& session, const Story& story) const;

 private:
  Providers providers_;
};

}  // namespace smtptape
