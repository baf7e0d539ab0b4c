// The one engine that decides which events pass the filters.
//
// All filters are allow-lists, or lists of what is denied, and all of them look at an event's
// metadata only, so the answer belongs to a Meta: it is worked out when the Meta is first seen and
// remembered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/cidr.h"
#include "filters/named.h"
#include "filters/property.h"
#include "filters/request.h"
#include "format/meta.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// With no filter set every scope passes everything.
enum class Scope : std::uint8_t {
  Event,    // what the live tool does: each filtered property is absent, or allowed
  Strict,   // each filtered property is present, and allowed
  Session,  // the event's session has an event that passes Strict: see session_scope.h
};

// One thread at a time.
class AllowList {
 public:
  AllowList(const TraceRequest& request, Honour honour);

  // One more thing that has to be: of what session or message an event is.
  void require(const Named& named) { named_ = named; }
  // Of one of these sessions.
  void require_sessions(const std::vector<std::string>& ids);
  // What was required is the beginning of an id, too, if it is long enough: for whoever can't look
  // first which sessions there are.
  void take_beginnings() { beginnings_ = true; }
  // An event with such a value is refused, one without the property is not; for Scope::Strict it
  // has to have it.
  void deny(const DeniedValues& denied);

  // `meta` is null for an event whose metadata could not be read.  `scope` is Event or Strict.
  [[nodiscard]] bool passes(const Meta* meta, Scope scope) {
    if (empty()) return true;
    const Match match = meta == nullptr ? Match::Unknown : match_once(*meta);
    return match >= (scope == Scope::Event ? Match::Unknown : Match::Allowed);
  }

  // Whether no event of a group passes, as far as its index tells.
  [[nodiscard]] bool excludes(const GroupIndex& index, Scope scope) const;
  // Whether a session has an event that passes Scope::Strict, as far as its row tells.  `index`:
  // of its group, when it is known.
  using InRow = Named::InRow;
  [[nodiscard]] InRow in_row(const SessionRows& rows,
                             std::size_t row,
                             const GroupIndex* index = nullptr) const;

  // Whether some event of a session has what is denied, as far as its row tells.
  [[nodiscard]] InRow denied_in_row(const SessionRows& rows, std::size_t row) const;

  // False: what is required is no message of the group and no recipient in it.
  [[nodiscard]] bool named_may_be_of_message(const GroupIndex& index) const;

  // No filter is set.
  [[nodiscard]] bool empty() const { return rules_.empty() && !named_ && sessions_.empty(); }

  // A filter is set that the manual promises and the server ignores: what the server sends has to
  // be filtered again.  Never as live.
  [[nodiscard]] bool needs_local_help() const { return needs_local_help_; }

 private:
  // Ascending, so that the match of all filters together is the smallest of theirs.
  enum class Match : std::uint8_t {
    Refused,
    Unknown,  // absent, or nothing that can be compared: null, another type, an unusable address
    Allowed,
  };

  // One filter that is set.
  struct Rule {
    std::string_view meta_key;
    PropertyKind kind;
    std::vector<std::string> allowed_json;  // ascending; texts as serde_json writes them
    CidrSet allowed_networks;
    bool denies = false;  // what is "allowed" here is refused, and all else is not

    [[nodiscard]] Match match(const Meta& meta) const;
    [[nodiscard]] Match compare(std::string_view json) const;
    [[nodiscard]] Match match_text(std::string_view json) const;
    [[nodiscard]] Match match_list(std::string_view json) const;
    [[nodiscard]] Match match_address(std::string_view json) const;
    // From an index: an event may hold an allowed value; every event holds one that is not.
    [[nodiscard]] bool may_allow(const PropertySummary& summary) const;
    [[nodiscard]] bool always_refuses(const PropertySummary& summary) const;
    [[nodiscard]] Match compare(const SummaryValue& value) const;
    [[nodiscard]] bool names(const SummaryValue& value) const {
      return compare(value) == Match::Allowed;
    }
    [[nodiscard]] bool may_escape(const PropertySummary& summary) const;
    [[nodiscard]] bool denies_all_of(const PropertySummary& summary) const;
    [[nodiscard]] InRow in_row(const SessionRows::Property& property, std::size_t row) const;
  };

  [[nodiscard]] Match match_once(const Meta& meta) {
    const Match* const known = memo_.find(meta);
    return known != nullptr ? *known : memo_.remember(meta, match_all(meta));
  }
  [[nodiscard]] Match match_all(const Meta& meta) const;
  [[nodiscard]] InRow session_in_row(const SessionRow& row) const;
  [[nodiscard]] bool is_of_session(const Meta& meta) const;

  std::vector<Rule> rules_;
  std::vector<std::string> sessions_;  // ascending; none: any
  bool beginnings_ = false;            // or what begins with one
  std::optional<Named> named_;
  MetaMemo<Match> memo_;
  bool needs_local_help_ = false;
};

}  // namespace smtptape
