// What the events of a group and of its sessions hold of the indexed keys of the metadata, gathered
// while they are written.  Private to format/tape.
//
// Memory is bounded whatever comes: what is not listed is remembered as a hash, and what is not
// even that is said to be missing.
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
#include "format/meta.h"
#include "format/tape/session_rows.h"

namespace smtptape {

class GatheredProperties {
 public:
  static constexpr std::uint32_t kNoRow = ~std::uint32_t{0};  // of events without a session

  // At most kMostIndexedKeys.
  explicit GatheredProperties(std::vector<std::string> keys);

  void add_row();
  // `all`: a key that is not among them is absent.
  void add(std::uint32_t row, std::span<const Meta::Entry> entries, bool all);
  void add_removed(std::uint32_t row, std::span<const std::string_view> keys);
  void add_without_metadata() { without_metadata_ = true; }

  struct Result {
    std::vector<PropertySummary> summaries;
    std::vector<SessionRows::Property> of_rows;
  };
  // Nothing may be added afterwards.
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

  void add_property(std::uint32_t row, std::size_t key, std::string_view json);
  // False: it is no text.
  bool add_value(std::uint32_t row, std::size_t key, std::string_view json, bool in_list);
  void add_flag(std::uint32_t row, std::size_t key, std::uint8_t flag);
  bool list_value(Property& property, std::string_view json, bool in_list, std::uint32_t& place);
  void link_value(std::uint32_t row, std::size_t key, std::uint32_t place);
  void hash_value(std::uint32_t row, std::size_t key, std::uint64_t hash);
  static void remember_unlisted(Property& property, std::uint64_t hash, std::size_t& room);
  [[nodiscard]] bool has_value(const Cell& cell, std::uint32_t place) const;
  [[nodiscard]] PropertySummary summary_of(std::size_t key) const;
  [[nodiscard]] SessionRows::Property property_of(std::size_t key) const;

  std::vector<std::string> keys_;
  std::vector<std::uint32_t> ascending_;  // places in keys_
  std::uint32_t rows_ = 0;
  Arena arena_;              // the text of values
  std::vector<Cell> cells_;  // of each row, one a key
  std::vector<Link> links_;
  std::vector<Property> properties_;
  boost::unordered_flat_set<HashedValue, HashOfHashed> hashed_;
  std::vector<HashedValue> hashed_in_order_;
  bool without_metadata_ = false;  // some event
  std::uint64_t listed_bytes_ = 0;
  std::size_t filter_room_;  // values that filters may still take
};

}  // namespace smtptape
