// Which of the values that were asked for occur nowhere, and what occurs in their place: so that an
// empty answer can say "no events of --tenant acmee; there are acme, acme-eu".  And which occur in
// another spelling only.
//
// Bounded: of each property that was set it remembers kMostKnown values, and a few more that are
// much like one that was asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "filters/cidr.h"
#include "filters/property.h"
#include "filters/request.h"
#include "format/meta.h"
#include "format/tape/session_rows.h"

namespace smtptape {

// One thread at a time.
class UnmatchedValues {
 public:
  static constexpr std::size_t kMostKnown = 1000;
  static constexpr std::size_t kMostBeyond = 100;  // of those that are much like one asked for
  static constexpr std::size_t kLongestValue = 256;
  static constexpr std::size_t kMostInstead = 5;

  // Filters that are ignored as live are not looked at.
  UnmatchedValues(const TraceRequest& request, Honour honour, const DeniedValues& denied = {});

  // Takes note of what an event has.
  void note(const Meta& meta) {
    if (open_ == 0 || seen_.find(meta) != nullptr) return;
    seen_.remember(meta, true);
    note_new(meta);
  }

  // The same of what the events of a group have.
  void note(const PropertySummary& summary);
  // A property of which it doesn't tell may have any value.
  void note(const std::vector<PropertySummary>& of_group);
  // The values that its rows list, where the summary did not.
  void note(const SessionRows& rows);
  // Nothing is known that a value could be told instead of, though there is something.
  [[nodiscard]] bool knows_too_little() const;

  struct Miss {
    std::string flag;                  // "--tenant"
    std::string value;                 // that was asked for; of addresses all of them
    std::vector<std::string> instead;  // what there is, the most alike first
    std::size_t more = 0;              // beside these
    bool and_others = false;           // there are more than were counted
  };
  [[nodiscard]] std::vector<Miss> misses() const;

  struct Respelled {
    std::string flag;
    std::string value;
    std::string found;  // in its place
  };
  [[nodiscard]] std::vector<Respelled> respelled() const;

 private:
  struct Wanted {
    std::string value;
    bool found = false;
    std::vector<std::string> spellings = {};
    std::string found_as = {};  // the first of them; empty: none
    bool may_be = false;        // it may be there, and nobody tells
  };
  struct Watched {
    const Property* property;
    std::string flag;
    std::vector<Wanted> wanted;
    CidrSet networks;  // of an address: then there is one `wanted`
    std::set<std::string> known;
    bool overflown = false;

    void note(std::string_view json);
    void note(const PropertySummary& summary);
    void note(const SessionRows::Property& of_rows);
    void note_text(const std::string& text);
    void note_address(const std::string& text);
    void remember(const std::string& text);
    [[nodiscard]] bool is_like_one(const std::string& text) const;
    [[nodiscard]] bool all_found() const;
    [[nodiscard]] Miss miss_of(const std::string& value) const;
  };

  void watch(const Property& property, const std::string& flag, const AllowedValues& values);
  void note_new(const Meta& meta);

  std::vector<Watched> watched_;
  std::size_t open_ = 0;  // of these, how many have a value that was not found yet
  MetaMemo<bool> seen_;
};

}  // namespace smtptape
