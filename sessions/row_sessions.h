// Rows of groups to sessions: the rows of one session, from several groups and tapes, are one.
//
// A row counts replies of its own group only.  Where a command and its reply are in two groups, the
// second row goes on from the first, if both are there and nothing lies between.  Else, or where
// what rows count says too little, it takes the session's events to tell: `told` is false then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/tape/session_rows.h"
#include "sessions/summary.h"

namespace smtptape {

struct RowSession {
  SessionSummary summary;
  bool told = true;
  bool gap_behind = false;  // it was open, and a gap came later
};

class RowSessions {
 public:
  static constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

  // The properties that rows have to have.
  [[nodiscard]] static std::vector<std::string> keys();

  // Of one group.  Groups of one recorder come in their order.
  struct Group {
    std::string source;
    bool has_gaps = false;
    std::uint64_t run = 0;  // of groups that follow one another in one tape, a number for each
  };
  void add(const SessionRows& rows, const Group& group);
  // Something is missing between groups, nobody says where.
  void note_missing() { missing_ = true; }
  // What is complete when all that comes was received at `frontier` or later; by their beginning.
  [[nodiscard]] std::vector<RowSession> take(std::int64_t frontier);
  // When the first of those that are not complete began; kEnd: there is none.
  [[nodiscard]] std::int64_t oldest() const;
  [[nodiscard]] std::size_t open() const { return open_.size(); }

  // Whether only these are wanted.
  void choose(std::function<bool(std::string_view id)> wanted) { wanted_ = std::move(wanted); }

 private:
  struct Open {
    SessionSummary summary;
    std::uint64_t accepted = 0;
    std::uint64_t deferred = 0;
    std::uint64_t refused = 0;
    std::uint64_t wanted = 0;
    std::uint64_t delivered = 0;
    std::uint64_t put_off = 0;
    std::uint64_t bounced = 0;
    std::optional<SessionRow::Target> tried;
    bool outcomes = true;  // the last five are known
    bool sure = true;      // up to here
    bool rests = true;     // at the end of the last row
    std::uint64_t run = 0;
    bool names_known = true;
    bool closed = false;
    std::uint64_t rows = 0;
    std::uint64_t last_group = 0;

    [[nodiscard]] std::uint64_t decided() const { return accepted + deferred + refused; }
  };
  struct Columns;

  void merge(Open& open, const SessionRow& row);
  static void merge_outcomes(Open& open, const SessionRow& row);
  static void connect(Open& open, const SessionRow& row, std::uint64_t run);
  static void add_names(Open& open, const Columns& columns, std::size_t row);
  static bool tell_by_messages(const Open& open, SessionSummary& session);
  static bool tell_by_recipients(const Open& open, SessionSummary& session);
  static bool tell(const Open& open, SessionSummary& session);
  [[nodiscard]] RowSession finish(const Open& open) const;
  [[nodiscard]] bool follows(const Open& open, const SessionRow& row) const;
  [[nodiscard]] bool has_gap_behind(const Open& open) const;

  boost::unordered_flat_map<std::string, Open, TextHash> open_;
  std::multiset<std::int64_t> beginnings_;
  std::map<std::string, std::uint64_t> last_gaps_;  // of a source, in which of the groups
  std::uint64_t groups_ = 0;
  bool missing_ = false;
  std::function<bool(std::string_view)> wanted_;
};

}  // namespace smtptape
