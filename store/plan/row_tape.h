// A sealed tape that is open for its rows, and what it takes to read a group of it where the rows
// can't be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/io.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_reader.h"
#include "store/plan/file_range.h"
#include "store/plan/group_task.h"
#include "store/read/inputs.h"

namespace smtptape {

// Of one recorder, with rows for all of its groups, as far as the tape told.
[[nodiscard]] bool has_rows(const TapeFile& tape);

struct OpenedTape {
  std::shared_ptr<const UniqueFd> fd;
  std::string name;
  std::shared_ptr<const SealedTape> sealed;
  std::vector<std::int64_t> earliest;  // that comes of this group and those behind it

  [[nodiscard]] const GroupIndex& index(std::size_t group) const {
    return sealed->summary.footer.groups[group];
  }
};
// Null: it has to be read itself; whoever does says why.
[[nodiscard]] std::shared_ptr<const OpenedTape> open_for_rows(const TapeFile& file);

// `hashes`: of sessions, ascending.
[[nodiscard]] bool may_hold_sessions(const OpenedTape& tape,
                                     const std::vector<std::uint64_t>& hashes);

// With the properties of these keys.  nullopt: damaged.
[[nodiscard]] std::optional<SessionRows> rows_of(const OpenedTape& tape,
                                                 std::size_t group,
                                                 const std::vector<std::string>& keys);

// Times, so that none behind is lower.
[[nodiscard]] std::vector<std::int64_t> running_minimum_from_behind(
    std::vector<std::int64_t> times);

// A group that is read; at its end what is wrong with it is told.
class GroupStream : public EventSource {
 public:
  GroupStream(std::shared_ptr<const OpenedTape> tape, std::size_t group, InputTrouble& trouble);
  [[nodiscard]] bool next(EventBatch& batch) override;

 private:
  std::shared_ptr<const OpenedTape> tape_;
  FileRange range_;
  TapeReader reader_;
  InputTrouble& trouble_;
};

}  // namespace smtptape
