#include "format/tape/row_properties.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/column.h"
#include "format/tape/row_ids.h"

namespace smtptape {

namespace {

// Numbers values anew, in the order in which the rows name them: most are named once, by the
// next row that names any.
class ValueOrder {
 public:
  explicit ValueOrder(const std::vector<SummaryValue>& values)
      : values_(values), numbers_(values.size()) {}

  // 0: the next value; n: the n-th again.
  std::int64_t number(std::uint32_t place) {
    if (numbers_[place] != 0) return numbers_[place];
    text_ += values_[place].json;
    lengths_.push_back(static_cast<std::int64_t>(values_[place].json.size()));
    in_list_.push_back(values_[place].in_list ? 1 : 0);
    numbers_[place] = static_cast<std::int64_t>(lengths_.size());
    return 0;
  }
  void write(tape::PropertyColumns::Builder to) const {
    to.setValueCount(count32(lengths_.size()));
    to.setValues(as_data(text_));
    write_column(lengths_, [&] { return to.initValueLength(); });
    write_column(in_list_, [&] { return to.initInList(); });
  }

 private:
  const std::vector<SummaryValue>& values_;
  std::vector<std::int64_t> numbers_;
  std::string text_;
  std::vector<std::int64_t> lengths_;
  std::vector<std::int64_t> in_list_;
};

// Running totals of how many each row has.
std::vector<std::uint32_t> read_totals(const tape::Column::Reader& column,
                                       std::size_t rows,
                                       std::uint64_t most_each,
                                       std::uint64_t most) {
  std::vector<std::uint32_t> out;
  std::uint64_t total = 0;
  for (const std::int64_t each : entries_of(column, rows)) {
    if (each < 0 || static_cast<std::uint64_t>(each) > most_each) {
      throw Error("a session row has too many values");
    }
    total += static_cast<std::uint64_t>(each);
    if (total > most) throw Error("values of session rows are missing");
    out.push_back(static_cast<std::uint32_t>(total));
  }
  return out;
}

void read_values(const tape::PropertyColumns::Reader& from,
                 std::size_t& room,
                 std::vector<SummaryValue>& out) {
  std::string_view text = as_view(from.getValues());
  const std::size_t count = from.getValueCount();
  if (count > text.size()) throw Error("values of session rows are missing");
  if (count > room) throw Error("a group has too many values in its session rows");
  room -= count;
  const auto lengths = entries_of(from.getValueLength(), count);
  const auto in_list = entries_of(from.getInList(), count);
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({std::string(take(text, lengths[i])), in_list[i] != 0});
}

// Which values the rows list: 0 the next one, n the n-th again.
void read_listed(const tape::PropertyColumns::Reader& from, SessionRows::Property& out) {
  const std::size_t count = out.listed_until.empty() ? 0 : out.listed_until.back();
  const tape::Column::Reader column = from.getValue();
  const bool all_next = !column.hasU8() && !column.hasU16() && !column.hasI32() && !column.hasI64();
  if (all_next && count > out.values.size()) throw Error("values of session rows are missing");
  std::uint64_t next = 0;
  for (const std::int64_t number : entries_of(column, count)) {
    const auto place = number == 0 ? next++ : static_cast<std::uint64_t>(number) - 1;
    if (place >= out.values.size()) throw Error("a session row names a value that is not there");
    out.listed.push_back(static_cast<std::uint32_t>(place));
  }
}

}  // namespace

void write_property(tape::PropertyColumns::Builder to, const SessionRows::Property& from) {
  std::vector<std::int64_t> flags, listed, value, hashed;
  ValueOrder order(from.values);
  for (std::size_t row = 0; row < from.flags.size(); ++row) {
    const RowProperty of_row = from.of_row(row);
    flags.push_back(from.flags[row]);
    listed.push_back(static_cast<std::int64_t>(of_row.values.size()));
    for (const std::uint32_t place : of_row.values)
      value.push_back(order.number(place));
    hashed.push_back(static_cast<std::int64_t>(of_row.hashes.size()));
  }
  to.setKey(as_data(from.key));
  write_column(flags, [&] { return to.initFlags(); });
  write_column(listed, [&] { return to.initListed(); });
  write_column(value, [&] { return to.initValue(); });
  write_column(hashed, [&] { return to.initHashed(); });
  if (!from.hashes.empty()) to.setHashes(as_data(hashes_to_bytes(from.hashes)));
  order.write(to);
}

SessionRows::Property read_property(const tape::PropertyColumns::Reader& from,
                                    std::size_t rows,
                                    std::size_t& room) {
  SessionRows::Property out;
  out.key = as_string(from.getKey());
  read_values(from, room, out.values);
  for (const std::int64_t flags : entries_of(from.getFlags(), rows))
    out.flags.push_back(static_cast<std::uint8_t>(flags));
  out.listed_until =
      read_totals(from.getListed(), rows, kMostListedValues, kMostListedValues * rows);
  read_listed(from, out);
  out.hashes = bytes_to_hashes(as_view(from.getHashes()));
  out.hashed_until = read_totals(from.getHashed(), rows, out.hashes.size(), out.hashes.size());
  return out;
}

}  // namespace smtptape
