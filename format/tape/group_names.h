// The metas and origins that a group has named so far, and what each new meta changes.  Private to
// format/tape.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/event.h"

namespace smtptape {

// What a meta has that the one before it in its session had not; of the first one of a session,
// all.  Views into the metas.
struct MetaDelta {
  std::vector<Meta::Entry> set;           // ascending by key
  std::vector<std::string_view> removed;  // ascending
};

// Both start empty with each group.
class GroupNames {
 public:
  struct Named {
    std::uint32_t place = 0;  // from 1
    // Of a new one: the session's meta before it, if any.
    std::uint32_t parent_place = 0;
    const Meta* parent = nullptr;
    const MetaDelta* delta = nullptr;  // of a new one, until the next is named
  };
  [[nodiscard]] Named meta(const Meta& meta);
  [[nodiscard]] std::uint32_t meta_count() const {
    return static_cast<std::uint32_t>(roots_.size());
  }
  // The place of the first meta that it goes back to, one for each session; of place 0: 0.
  [[nodiscard]] std::uint32_t root_of(std::uint32_t place) const {
    return place == 0 ? 0 : roots_[place - 1];
  }

  // The place of an origin, from 0.
  struct NamedOrigin {
    std::uint16_t place = 0;
    bool is_new = false;
  };
  [[nodiscard]] NamedOrigin origin(const Origin& origin);
  [[nodiscard]] const std::vector<Origin>& origins() const { return origins_; }

  void clear();

 private:
  struct Latest {
    const Meta* meta;
    std::uint32_t place;
  };
  // Keeps the metas of the group alive, for the others here.
  boost::unordered_flat_map<MetaPtr, std::uint32_t, MetaTextHash, SameMetaText> places_;
  boost::unordered_flat_map<std::string_view, Latest, TextHash> latest_of_session_;
  MetaMemo<std::uint32_t> place_of_;
  std::vector<std::uint32_t> roots_;  // of each place
  MetaDelta delta_;
  std::vector<Origin> origins_;
};

}  // namespace smtptape
