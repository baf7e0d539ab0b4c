// What a group holds of one key of the metadata.
#include <algorithm>

#include "base/hash.h"
#include "format/tape/column.h"
#include "format/tape/hash_filter.h"
#include "format/tape/tape_info.h"

namespace smtptape {

bool PropertySummary::may_hold(std::string_view json, bool in_list) const {
  const auto is_it = [&](const SummaryValue& value) {
    return value.in_list == in_list && value.json == json;
  };
  if (complete) return std::any_of(values.begin(), values.end(), is_it);
  return filter.empty() || filter_may_hold(filter, value_hash(json, in_list));
}

bool may_hold_message_id(const GroupIndex& index, std::string_view json) {
  if (index.index_version < kIndexVersion || !index.message_ids_known) return true;
  return filter_may_hold(index.message_ids, hash64(json));
}

void write_summary(tape::PropertySummary::Builder to, const PropertySummary& from) {
  to.setKey(as_data(from.key));
  to.setAbsent(from.absent);
  to.setIncomparable(from.incomparable);
  to.setLists(from.lists);
  to.setComplete(from.complete);
  to.setFilter(as_data(from.filter));
  auto values = to.initValues(count32(from.values.size()));
  std::vector<std::int64_t> in_list;
  for (unsigned i = 0; i < from.values.size(); ++i) {
    values.set(i, as_data(from.values[i].json));
    in_list.push_back(from.values[i].in_list ? 1 : 0);
  }
  write_column(in_list, [&] { return to.initInList(); });
}

PropertySummary read_summary(tape::PropertySummary::Reader from, ListRoom& room) {
  constexpr std::uint64_t kStoredValue = 16;  // the least that one takes
  PropertySummary summary;
  summary.key = as_string(from.getKey());
  summary.absent = from.getAbsent();
  summary.incomparable = from.getIncomparable();
  summary.lists = from.getLists();
  summary.complete = from.getComplete();
  summary.filter = as_string(from.getFilter());
  const auto values = room.take(kStoredValue, from.getValues(), "values");
  std::vector<std::int64_t> in_list;
  read_column(from.getInList(), values.size(), in_list);
  summary.values.reserve(values.size());
  for (unsigned i = 0; i < values.size(); ++i)
    summary.values.push_back({as_string(values[i]), in_list[i] != 0});
  return summary;
}

}  // namespace smtptape
