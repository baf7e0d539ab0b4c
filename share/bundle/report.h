// What goes with the tape of a bundle: a report to be filled in, and what was taken out.
//
// report.md asks for what KumoMTA's help page asks for (docs.kumomta.com, "getting help"), and
// tells what a trace can tell.  Whatever a server said stands in it as text: nothing becomes
// markup.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sessions/statistics.h"
#include "sessions/summary.h"

namespace smtptape {

// All that is told of sessions, which come one by one.
class BundleFigures {
 public:
  static constexpr std::size_t kMostListed = 50;  // sessions that the report names

  BundleFigures();
  void add(const SessionSummary& summary, const Story& story);

  [[nodiscard]] std::uint64_t sessions() const { return replies_.all().sessions; }
  // As tables, their lines with ends.
  [[nodiscard]] std::string table_of_sessions() const;
  [[nodiscard]] std::string table_of_replies() const;
  [[nodiscard]] std::string table_of_phases() const;
  // Times of reception, "from to".
  [[nodiscard]] std::string span() const;
  [[nodiscard]] const Statistics& replies() const { return replies_; }

 private:
  Statistics replies_;
  Statistics phases_;
  std::multimap<std::int64_t, std::string> listed_;  // those that began first: their lines
};

struct BundleFacts {
  std::string tape;      // its name in the archive
  std::string writer;    // "smtptape 0.1.0"
  std::string recorder;  // what the tape was recorded with, if that is known
  std::string system;    // "Debian GNU/Linux 12 (bookworm), Linux 6.1.0 x86_64"
  std::string chosen;    // what chose the sessions, as words of a shell; empty: not told
  std::uint64_t events = 0;
  std::vector<std::string> gaps;  // the first few
  std::uint64_t gap_count = 0;
  std::vector<std::string> damage;
  bool incomplete = false;        // of what was chosen something is missing
  std::uint64_t left_out = 0;     // sessions that were too much for the archive
  std::uint64_t page_misses = 0;  // sessions for which the page had no room
  std::string redaction;          // what was taken out, lines; empty: nothing was
};

[[nodiscard]] std::string report_of(const BundleFacts& facts, const BundleFigures& figures);
// REDACTION.txt
[[nodiscard]] std::string redaction_text_of(const BundleFacts& facts);

}  // namespace smtptape
