// Rows made of events, as a recorder makes them: of a tape without a footer, or of a group whose
// index can't be read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "format/event.h"
#include "format/tape/group_names.h"
#include "format/tape/session_row_builder.h"

namespace smtptape {

class RowScan {
 public:
  // `source` outlives it.
  RowScan(EventSource& source, std::vector<std::string> keys, const Id128& capture);

  // Of the next events, as many as fit into one piece; the gaps among them go to `gaps`.  False:
  // there are no more.
  [[nodiscard]] bool next(SessionRows& rows, std::string& source_name, std::vector<Gap>& gaps);
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  void add(const Event& event);
  void name_hashed(SessionRows& rows) const;

  EventSource& source_;
  std::vector<std::string> keys_;
  Id128 capture_;
  std::unique_ptr<SessionRowBuilder> builder_;
  GroupNames names_;
  boost::unordered_flat_map<std::uint64_t, std::string> long_ids_;  // which rows only hash
  std::string source_name_;
  std::uint64_t events_ = 0;
  std::uint64_t in_piece_ = 0;
};

}  // namespace smtptape
