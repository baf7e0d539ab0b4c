// What a person names who looks for a session: its id, the id of a message, or a recipient.  Which
// of them it is, the events tell.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "format/meta.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_info.h"

namespace smtptape {

// The id of a session may be shortened to its beginning, so long at least.
inline constexpr std::size_t kLeastOfId = 6;
// Whether a name may be such: it is neither the whole id of a session as KumoMTA makes them, nor
// that of a message, nor an address.
[[nodiscard]] bool may_be_shortened_id(std::string_view name);

class Named {
 public:
  explicit Named(std::string_view name);
  // If it names a session, it names this one.
  void is_session(std::string_view id) { session_ = id; }
  [[nodiscard]] const std::string& name() const { return name_; }

  // The event's session has this id, or the event this message id or recipient.
  [[nodiscard]] bool matches(const Meta& meta) const;
  // False: of no event of the group is it the message's id or a recipient.  Of the sessions' ids
  // only rows tell.
  [[nodiscard]] bool may_be_of_message(const GroupIndex& index) const;
  // Whether it is the id of the row's session or a recipient in it.
  enum class InRow : std::uint8_t { No, Maybe, Yes };
  [[nodiscard]] InRow in_row(const SessionRows& rows, std::size_t row) const;
  // Among the hashes of a tape's session ids, which are ascending.
  [[nodiscard]] bool may_be_session_of(const std::vector<std::uint64_t>& hashes) const;

 private:
  [[nodiscard]] bool is_recipient(std::string_view json) const;

  std::string name_;
  std::string json_;
  std::string session_;  // its id; the name, unless that was shortened
};

}  // namespace smtptape
