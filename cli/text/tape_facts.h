// What `smtptape info` tells of a tape, and of several together, in words or as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "format/tape/tape_info.h"
#include "store/check/tape_check.h"
#include "store/read/inputs.h"

namespace smtptape {

// Everything that is told of a tape, whichever way it was found out.
struct TapeFacts {
  std::string path;
  TapeState state = TapeState::Sealed;
  bool sealed = false;  // it has a footer, and everything before is on the disk
  std::optional<TapeHeader> header;
  std::vector<Origin> origins;
  std::vector<GroupIndex> groups;
  Ledger ledger;
  std::uint64_t sessions = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t events = 0;
  std::uint64_t wire_bytes = 0;
  std::uint64_t verbatim = 0;
  std::uint64_t unknown = 0;
  std::uint64_t trimmed = 0;
  std::uint64_t masked = 0;
  std::string bodies = "full";  // the levels at which it was recorded
  std::string secrets = "keep";
  std::optional<std::string> redacted;  // if it was: the classes that were kept
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::optional<TimeSpan> recorded;  // of a sealed one that a recorder wrote
  std::vector<Gap> gaps;
  std::uint64_t gap_count = 0;  // the list may be shorter
  std::vector<std::string> damage;
};

[[nodiscard]] std::string text_of(const TapeFacts& facts, bool with_groups);
[[nodiscard]] std::string json_line(const TapeFacts& facts, bool with_groups);

// Of all tapes that were told of.  What stands in two of them counts twice.
class TapeTotals {
 public:
  void add(const TapeFacts& facts);
  [[nodiscard]] std::uint64_t tapes() const { return tapes_; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json_line() const;

 private:
  std::uint64_t tapes_ = 0;
  std::set<std::string> sources_;
  std::uint64_t events_ = 0;
  std::uint64_t wire_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
  Ledger ledger_;
  bool sealed_ = true;
  std::optional<TimeSpan> received_;
};

}  // namespace smtptape
