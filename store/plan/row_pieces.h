// The rows of tapes, group by group, instead of their events: who was there, when, and what came of
// it, from a hundredth of the bytes.
//
// Rows of sealed tapes are read from the indexes of their groups, several ahead.  What has none, or
// none that can be relied on, a tape without a footer above all, is read, and rows are made of its
// events as a recorder makes them.  Either way they come out by the least time of reception that
// may still come, so that whoever merges them knows what can't change any more.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/tape/session_rows.h"
#include "store/plan/group_pool.h"
#include "store/read/inputs.h"

namespace smtptape {

struct RowPiece {
  std::string source;
  SessionRows rows;
  bool has_gaps = false;
  std::uint64_t run = 0;  // the same of groups that follow one another in one tape
};

class RowPieces {
 public:
  // No event stands in two of the tapes (hold_events_once()).  `chosen`: hashes of the sessions
  // that are wanted, ascending; null: all.  `keys`: the properties that the rows have.
  RowPieces(const std::vector<TapeFile>& tapes,
            std::shared_ptr<GroupPool> pool,
            std::vector<std::string> keys,
            std::optional<std::vector<std::uint64_t>> chosen);
  ~RowPieces();

  // Some of the tapes have rows to be read: else the events are better read at once.
  [[nodiscard]] static bool are_worth_it(const std::vector<TapeFile>& tapes);

  [[nodiscard]] bool next(RowPiece& piece);
  // What comes was received then or later.
  [[nodiscard]] std::int64_t frontier() const;

  // Complete at the end: what there is to tell beside the rows.
  struct Told {
    InputTrouble trouble;
    std::vector<Gap> gaps;  // without origins
    std::uint64_t gap_count = 0;
    bool missing = false;  // something between two tapes
    std::uint64_t events = 0;
    std::uint64_t groups_by_rows = 0;
    std::uint64_t groups_scanned = 0;
  };
  [[nodiscard]] const Told& told() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
