// Columns of integers, in the narrowest list that holds them.  Private to format/tape.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/error.h"
#include "format/tape/messages.h"

namespace smtptape {

template <class List, class Values>
void fill_list(List list, const Values& values) {
  for (unsigned i = 0; i < values.size(); ++i) {
    list.set(i, static_cast<std::remove_cvref_t<decltype(list[i])>>(values[i]));
  }
}

// Leaves the column out when all values are zero.  `init` makes the column where it is needed.
template <class Init>
void write_column(const std::vector<std::int64_t>& values, Init init) {
  if (values.empty()) return;
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  if (*least == 0 && *greatest == 0) return;
  const auto size = static_cast<unsigned>(values.size());
  tape::Column::Builder column = init();
  if (*least >= 0 && *greatest <= std::numeric_limits<std::uint8_t>::max()) {
    fill_list(column.initU8(size), values);
  } else if (*least >= 0 && *greatest <= std::numeric_limits<std::uint16_t>::max()) {
    fill_list(column.initU16(size), values);
  } else if (*least >= std::numeric_limits<std::int32_t>::min() &&
             *greatest <= std::numeric_limits<std::int32_t>::max()) {
    fill_list(column.initI32(size), values);
  } else {
    fill_list(column.initI64(size), values);
  }
}

// Reads exactly `count` values into `out`; a column that was left out is all zeros.
inline void read_column(const tape::Column::Reader& column,
                        std::size_t count,
                        std::vector<std::int64_t>& out) {
  const auto take = [&](auto list) {
    if (list.size() != count) throw Error("a column has the wrong number of entries");
    out.resize(count);
    for (unsigned i = 0; i < count; ++i)
      out[i] = list[i];
  };
  if (column.hasU8()) return take(column.getU8());
  if (column.hasU16()) return take(column.getU16());
  if (column.hasI32()) return take(column.getI32());
  if (column.hasI64()) return take(column.getI64());
  out.assign(count, 0);
}

}  // namespace smtptape
