// Makes a group's directory while its events are written: rows, summaries, the filter of message
// ids.
//
// Summaries cover every event, rows those that belong to a session.  Sessions are followed from
// group to group, so that a row counts what it alone couldn't.  Memory is bounded whatever comes:
// what is not listed is remembered as a hash, and what is not even that is said to be missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "base/arena.h"
#include "base/hash.h"
#include "format/event.h"
#include "format/tape/gathered_properties.h"
#include "format/tape/group_names.h"
#include "format/tape/rows_before.h"
#include "format/tape/session_rows.h"

namespace smtptape {

class SessionRowBuilder {
 public:
  // `keys`: the metadata keys whose values are listed, at most kMostIndexedKeys.  `capture`: of the
  // events and gaps without an origin.  `before`: what the group before handed on, with nothing
  // between the two.
  SessionRowBuilder(std::vector<std::string> keys, const Id128& capture, RowsBefore before = {});

  // `named`: the event's metadata as the group names it, its delta included where it is new; place
  // 0 when the group has none of it.
  void add(const Event& event, const GroupNames::Named& named);
  void add_gap(const Gap& gap);
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

  // Nothing may be added afterwards.
  [[nodiscard]] RowsBefore end();

  // What was gathered, after the end.
  struct Result {
    SessionRows rows;
    std::vector<PropertySummary> summaries;
    std::string message_ids;  // a filter
    bool message_ids_known = true;
  };
  [[nodiscard]] Result finish();

 private:
  using Places = boost::unordered_flat_map<std::string_view, std::uint32_t, TextHash>;
  using Hashes = boost::unordered_flat_set<std::uint64_t>;
  struct GapPlace {
    Id128 capture;
    std::uint64_t after = 0;  // sequence of the event before
    auto operator<=>(const GapPlace&) const = default;
  };
  static constexpr std::uint32_t kNoRow = GatheredProperties::kNoRow;

  std::uint32_t row_of(const Event& event, const GroupNames::Named& named);
  std::uint32_t row_of_id(const Event& event, std::string_view id);
  std::uint32_t new_row(const Event& event, std::string id, bool hashed);
  void add_metadata(std::uint32_t row, std::span<const Meta::Entry> entries, bool all);
  void add_message_id(std::string_view json);
  void add_tls(std::uint32_t row, const Meta& meta);
  [[nodiscard]] Dialogue dialogue_of(const Event& event, const SessionRow& row);
  static void count(SessionRow& row, Dialogue& dialogue, const Event& event);
  static void note_attempt(SessionRow& row, const Event& event);
  [[nodiscard]] bool keep_tried(SessionRow& row);
  void end_row(SessionRow& row, const Dialogue& dialogue);
  void hand_on(const SessionRow& row, Dialogue& dialogue);
  [[nodiscard]] bool touched_by_gap(const SessionRow& row, const Dialogue& dialogue) const;
  // Null: none.
  [[nodiscard]] const GapPlace* first_gap_since(const Dialogue& dialogue) const;

  GatheredProperties properties_;
  Id128 capture_;
  Arena arena_;  // the text of ids
  Places by_id_;
  std::vector<SessionRow> rows_;
  std::vector<Dialogue> dialogues_;  // of each row
  Hashes message_ids_;
  bool message_ids_known_ = true;
  std::uint64_t id_bytes_ = 0;
  std::uint64_t tried_bytes_ = 0;
  std::uint64_t last_sequence_ = 0;
  std::vector<GapPlace> gaps_;               // of the group
  RowsBefore before_;                        // but for the dialogues that rows took up
  std::vector<std::uint32_t> row_of_place_;  // of each meta that the group names
};

}  // namespace smtptape
