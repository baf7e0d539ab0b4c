// The ids of sessions in the rows of a group.  Private to format/tape.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/tape/column.h"
#include "format/tape/session_rows.h"

namespace smtptape {

[[nodiscard]] inline std::vector<std::int64_t> entries_of(const tape::Column::Reader& column,
                                                          std::size_t count) {
  std::vector<std::int64_t> out;
  read_column(column, count, out);
  return out;
}

// The next `size` bytes of `text`, which then begins behind them.
[[nodiscard]] inline std::string_view take(std::string_view& text, std::int64_t size) {
  if (size < 0 || static_cast<std::uint64_t>(size) > text.size()) {
    throw Error("a text of a session row is cut short");
  }
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(size));
  text.remove_prefix(taken.size());
  return taken;
}

// Most are UUIDs, which take 16 bytes and not 36.
void write_ids(tape::SessionRows::Builder to, const std::vector<SessionRow>& rows);
void read_ids(tape::SessionRows::Reader from, std::vector<SessionRow>& rows);

}  // namespace smtptape
