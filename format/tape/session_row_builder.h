// Makes a group's directory while its events are written: rows, summaries, the filter of message
// ids.
//
// Summaries cover every event, rows those that belong to a session.  Sessions are followed from
// group to group, so that a row counts what it alone couldn't.  Memory is bounded whatever comes:
// what is not listed is remembered as a hash, and what is not even that is said to be missing.
#pragma once

#include <array>
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
  struct ListedValue {
    std::string_view json;
    bool in_list;
  };
  struct Property {
    std::uint8_t flags = 0;           // of all events
    bool filtered = true;             // all that is not listed is in `unlisted`
    std::vector<ListedValue> values;  // distinct, in the order of their first event
    std::array<Places, 2> places;     // in `values`: of plain texts, of elements of lists
    Hashes unlisted;
  };
  // What one session has of one property.
  struct Cell {
    std::uint32_t last = 0;  // place in links_, from 1; 0: none
    std::uint16_t listed = 0;
    std::uint8_t flags = 0;
  };
  struct Link {
    std::uint32_t value = 0;   // place in Property::values
    std::uint32_t before = 0;  // of the same cell
  };
  struct HashedValue {
    std::uint64_t cell = 0;  // row * keys + key
    std::uint64_t hash = 0;
    auto operator<=>(const HashedValue&) const = default;
  };
  struct HashOfHashed {
    std::size_t operator()(const HashedValue& value) const {
      return value.hash ^ value.cell * 0x9E37'79B9'7F4A'7C15;
    }
  };
  struct GapPlace {
    Id128 capture;
    std::uint64_t after = 0;  // sequence of the event before
    auto operator<=>(const GapPlace&) const = default;
  };
  // Without a session: kNoRow.
  static constexpr std::uint32_t kNoRow = ~std::uint32_t{0};

  std::uint32_t row_of(const Event& event, const GroupNames::Named& named);
  std::uint32_t row_of_id(const Event& event, std::string_view id);
  std::uint32_t new_row(const Event& event, std::string id, bool hashed);
  void add_metadata(std::uint32_t row, std::span<const Meta::Entry> entries, bool all);
  void add_removed(std::uint32_t row, std::span<const std::string_view> keys);
  void add_message_id(std::string_view json);
  void add_tls(std::uint32_t row, const Meta& meta);
  void add_property(std::uint32_t row, std::size_t key, std::string_view json);
  // False: it is no text.
  bool add_value(std::uint32_t row, std::size_t key, std::string_view json, bool in_list);
  void add_flag(std::uint32_t row, std::size_t key, std::uint8_t flag);
  bool list_value(Property& property, std::string_view json, bool in_list, std::uint32_t& place);
  void link_value(std::uint32_t row, std::size_t key, std::uint32_t place);
  void hash_value(std::uint32_t row, std::size_t key, std::uint64_t hash);
  static void remember_unlisted(Property& property, std::uint64_t hash, std::size_t& room);
  [[nodiscard]] bool has_value(const Cell& cell, std::uint32_t place) const;
  [[nodiscard]] Dialogue dialogue_of(const Event& event, const SessionRow& row);
  static void count(SessionRow& row, Dialogue& dialogue, const Event& event);
  static void note_attempt(SessionRow& row, const Event& event);
  [[nodiscard]] bool keep_tried(SessionRow& row);
  void end_row(SessionRow& row, const Dialogue& dialogue);
  void hand_on(const SessionRow& row, Dialogue& dialogue);
  [[nodiscard]] bool touched_by_gap(const SessionRow& row, const Dialogue& dialogue) const;
  // Null: none.
  [[nodiscard]] const GapPlace* first_gap_since(const Dialogue& dialogue) const;
  [[nodiscard]] PropertySummary summary_of(std::size_t key) const;
  [[nodiscard]] SessionRows::Property property_of(std::size_t key) const;

  std::vector<std::string> keys_;
  std::vector<std::uint32_t> ascending_;  // places in keys_
  Id128 capture_;
  Arena arena_;  // the text of ids and values
  Places by_id_;
  std::vector<SessionRow> rows_;
  std::vector<Dialogue> dialogues_;  // of each row
  std::vector<Cell> cells_;          // of each row, one a key
  std::vector<Link> links_;
  std::vector<Property> properties_;
  boost::unordered_flat_set<HashedValue, HashOfHashed> hashed_;
  std::vector<HashedValue> hashed_in_order_;
  Hashes message_ids_;
  bool message_ids_known_ = true;
  bool without_metadata_ = false;  // some event
  std::uint64_t listed_bytes_ = 0;
  std::uint64_t id_bytes_ = 0;
  std::uint64_t tried_bytes_ = 0;
  std::size_t filter_room_;  // values that filters may still take
  std::uint64_t last_sequence_ = 0;
  std::vector<GapPlace> gaps_;               // of the group
  RowsBefore before_;                        // but for the dialogues that rows took up
  std::vector<std::uint32_t> row_of_place_;  // of each meta that the group names
};

}  // namespace smtptape
