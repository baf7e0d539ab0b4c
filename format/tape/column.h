// Columns of integers, in the narrowest list that holds them.  Private to format/tape.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <capnp/any.h>

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

// The bytes of a list of plain numbers of this type, one after another, where it is stored as one
// and this machine has them in the same order: then they are read many at once.
template <class Number>
[[nodiscard]] kj::ArrayPtr<const kj::byte> plain_numbers(const tape::Column::Reader& column,
                                                         unsigned field) {
  const auto pointers = capnp::toAny(column).getPointerSection();
  if (std::endian::native != std::endian::little || field >= pointers.size()) return nullptr;
  const auto list = pointers[field].getAs<capnp::AnyList>();
  constexpr auto kStored = sizeof(Number) == 1   ? capnp::ElementSize::BYTE
                           : sizeof(Number) == 2 ? capnp::ElementSize::TWO_BYTES
                           : sizeof(Number) == 4 ? capnp::ElementSize::FOUR_BYTES
                                                 : capnp::ElementSize::EIGHT_BYTES;
  if (list.getElementSize() != kStored) return nullptr;
  return list.getRawBytes();
}

// Reads exactly `count` values to `out`; false: the column was left out, all of them are zero.
[[nodiscard]] inline bool read_column(const tape::Column::Reader& column,
                                      std::size_t count,
                                      std::int64_t* out) {
  const auto take = [&](auto list, auto number, unsigned field) {
    using Number = decltype(number);
    if (list.size() != count) throw Error("a column has the wrong number of entries");
    const kj::ArrayPtr<const kj::byte> bytes = plain_numbers<Number>(column, field);
    if (bytes.size() != count * sizeof(Number)) {
      for (unsigned i = 0; i < count; ++i)
        out[i] = list[i];
      return true;
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(&number, bytes.begin() + i * sizeof(Number), sizeof(Number));
      out[i] = number;
    }
    return true;
  };
  if (column.hasU8()) return take(column.getU8(), std::uint8_t{}, 0);
  if (column.hasU16()) return take(column.getU16(), std::uint16_t{}, 1);
  if (column.hasI32()) return take(column.getI32(), std::int32_t{}, 2);
  if (column.hasI64()) return take(column.getI64(), std::int64_t{}, 3);
  return false;
}

// The same into `out`, zeros included.
inline void read_column(const tape::Column::Reader& column,
                        std::size_t count,
                        std::vector<std::int64_t>& out) {
  out.assign(count, 0);
  static_cast<void>(read_column(column, count, out.data()));
}

}  // namespace smtptape
