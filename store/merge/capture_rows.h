// Which captures of a source follow each other: they are a row, in which the numbers of the tapes
// are the order, whatever clock said what.
//
// A source's tapes are numbered across its captures, so captures of one name whose numbers don't
// meet can follow each other.  They do when a tape names one of the other as the one before it,
// when they lie in one directory, or when nothing is known but the numbers and they fit only one
// row.  Others, such as two recorders that have the same name, and what was imported, are rows of
// their own.  CaptureRows is pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "format/event.h"
#include "store/merge/double_filter.h"
#include "store/merge/merge.h"
#include "store/read/inputs.h"

namespace smtptape {

class CaptureRows {
 public:
  CaptureRows() = default;
  explicit CaptureRows(const std::vector<TapeFile>& tapes);

  // The sources' names, ascending.
  [[nodiscard]] const std::vector<std::string>& sources() const { return sources_; }
  [[nodiscard]] std::optional<std::size_t> row_of(const Id128& capture) const;
  // Those that a tape has events of, ascending.
  [[nodiscard]] std::vector<std::size_t> rows_of(const TapeFile& tape) const;
  // Who recorded what from where.
  void tell(DoubleFilter& filter, const std::vector<TapeFile>& tapes) const;

 private:
  std::vector<std::string> sources_;
  std::map<Id128, std::size_t> row_of_;
};

// Those of all tapes, as the rows of a merge that has none yet, by the same numbers.  Whatever tape
// doesn't tell where its events come from is read for it.
[[nodiscard]] CaptureRows rows_of_merge(std::vector<TapeFile>& tapes, Merge& merge);

}  // namespace smtptape
