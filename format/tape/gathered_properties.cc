#include "format/tape/gathered_properties.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/hash_filter.h"
#include "format/tape/messages.h"
#include "format/wire/json.h"

namespace smtptape {

GatheredProperties::GatheredProperties(std::vector<std::string> keys)
    : keys_(std::move(keys)),
      ascending_(keys_.size()),
      properties_(keys_.size()),
      filter_room_(kMostFiltered) {
  SMTPTAPE_CHECK(keys_.size() <= kMostIndexedKeys);
  std::iota(ascending_.begin(), ascending_.end(), 0U);
  std::sort(ascending_.begin(), ascending_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return keys_[a] < keys_[b];
  });
}

void GatheredProperties::add_row() {
  ++rows_;
  cells_.resize(cells_.size() + keys_.size());
}

void GatheredProperties::add(std::uint32_t row, std::span<const Meta::Entry> entries, bool all) {
  auto key = ascending_.begin();
  for (const auto& [name, json] : entries) {
    for (; key != ascending_.end() && keys_[*key] < name; ++key) {
      if (all) add_flag(row, *key, kAbsentFlag);
    }
    if (key != ascending_.end() && keys_[*key] == name) add_property(row, *key++, json);
  }
  for (; all && key != ascending_.end(); ++key)
    add_flag(row, *key, kAbsentFlag);
}

void GatheredProperties::add_removed(std::uint32_t row, std::span<const std::string_view> keys) {
  for (const std::string_view name : keys) {
    const auto key = std::find(keys_.begin(), keys_.end(), name);
    if (key != keys_.end()) {
      add_flag(row, static_cast<std::size_t>(key - keys_.begin()), kAbsentFlag);
    }
  }
}

void GatheredProperties::add_property(std::uint32_t row, std::size_t key, std::string_view json) {
  bool any_text = false;
  if (json.starts_with('[')) {
    add_flag(row, key, kListFlag);
    JsonReader reader(json);
    for (bool more = reader.enter_array(); more && reader.next_element();) {
      const auto element = reader.skip_value();
      if (element && add_value(row, key, *element, true)) any_text = true;
      more = element.has_value();
    }
  } else {
    any_text = add_value(row, key, json, false);
  }
  if (!any_text) add_flag(row, key, kIncomparableFlag);
}

void GatheredProperties::add_flag(std::uint32_t row, std::size_t key, std::uint8_t flag) {
  properties_[key].flags |= flag;
  if (row != kNoRow) cells_[row * keys_.size() + key].flags |= flag;
}

bool GatheredProperties::add_value(std::uint32_t row,
                                   std::size_t key,
                                   std::string_view json,
                                   bool in_list) {
  if (!json.starts_with('"')) return false;
  Property& property = properties_[key];
  std::uint32_t place = 0;
  if (list_value(property, json, in_list, place)) {
    if (row != kNoRow) link_value(row, key, place);
    return true;
  }
  const std::uint64_t hash = value_hash(json, in_list);
  remember_unlisted(property, hash, filter_room_);
  if (row != kNoRow) hash_value(row, key, hash);
  return true;
}

bool GatheredProperties::list_value(Property& property,
                                    std::string_view json,
                                    bool in_list,
                                    std::uint32_t& place) {
  Places& places = property.places[in_list ? 1 : 0];
  const auto known = places.find(json);
  if (known != places.end()) {
    place = known->second;
    return true;
  }
  if (json.size() > kMostListedBytes || listed_bytes_ + json.size() > kMostGroupListedBytes) {
    return false;
  }
  listed_bytes_ += json.size();
  place = count32(property.values.size());
  property.values.push_back({arena_.copy(json), in_list});
  places.emplace(property.values.back().json, place);
  return true;
}

void GatheredProperties::remember_unlisted(Property& property,
                                           std::uint64_t hash,
                                           std::size_t& room) {
  if (property.unlisted.contains(hash)) return;
  if (room == 0) {
    property.filtered = false;
    return;
  }
  property.unlisted.insert(hash);
  --room;
}

bool GatheredProperties::has_value(const Cell& cell, std::uint32_t place) const {
  for (std::uint32_t link = cell.last; link != 0; link = links_[link - 1].before) {
    if (links_[link - 1].value == place) return true;
  }
  return false;
}

void GatheredProperties::link_value(std::uint32_t row, std::size_t key, std::uint32_t place) {
  Cell& cell = cells_[row * keys_.size() + key];
  if (has_value(cell, place)) return;
  if (cell.listed >= kMostListedValues || links_.size() >= kMostGroupListed) {
    const ListedValue& value = properties_[key].values[place];
    return hash_value(row, key, value_hash(value.json, value.in_list));
  }
  links_.push_back({place, cell.last});
  cell.last = count32(links_.size());
  ++cell.listed;
}

void GatheredProperties::hash_value(std::uint32_t row, std::size_t key, std::uint64_t hash) {
  const HashedValue value{row * keys_.size() + key, hash};
  if (hashed_.contains(value)) return;
  if (hashed_.size() >= kMostGroupHashed) {
    cells_[value.cell].flags |= kMoreFlag;
    return;
  }
  hashed_.insert(value);
  hashed_in_order_.push_back(value);
}

GatheredProperties::Result GatheredProperties::finish() {
  std::stable_sort(hashed_in_order_.begin(),
                   hashed_in_order_.end(),
                   [](const HashedValue& a, const HashedValue& b) { return a.cell < b.cell; });
  Result result;
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    result.summaries.push_back(summary_of(key));
    result.of_rows.push_back(property_of(key));
  }
  return result;
}

PropertySummary GatheredProperties::summary_of(std::size_t key) const {
  const Property& from = properties_[key];
  PropertySummary summary;
  summary.key = keys_[key];
  summary.absent = without_metadata_ || (from.flags & kAbsentFlag) != 0;
  summary.incomparable = (from.flags & kIncomparableFlag) != 0;
  summary.lists = (from.flags & kListFlag) != 0;
  std::uint64_t bytes = 0;
  for (const ListedValue& value : from.values)
    bytes += value.json.size();
  summary.complete = from.filtered && from.unlisted.empty() &&
                     from.values.size() <= kMostSummaryValues && bytes <= kMostSummaryBytes;
  if (summary.complete) {
    for (const ListedValue& value : from.values)
      summary.values.push_back({std::string(value.json), value.in_list});
    std::sort(summary.values.begin(), summary.values.end());
  } else if (from.filtered) {
    std::vector<std::uint64_t> hashes(from.unlisted.begin(), from.unlisted.end());
    for (const ListedValue& value : from.values)
      hashes.push_back(value_hash(value.json, value.in_list));
    summary.filter = make_filter(hashes, kValueBits);
  }
  return summary;
}

SessionRows::Property GatheredProperties::property_of(std::size_t key) const {
  SessionRows::Property out;
  out.key = keys_[key];
  for (const ListedValue& value : properties_[key].values)
    out.values.push_back({std::string(value.json), value.in_list});
  // By cell: those of one key are not next to each other.
  auto hashed = hashed_in_order_.begin();
  for (std::size_t row = 0; row < rows_; ++row) {
    const std::uint64_t place = row * keys_.size() + key;
    const Cell& cell = cells_[place];
    out.flags.push_back(cell.flags);
    for (std::uint32_t link = cell.last; link != 0; link = links_[link - 1].before)
      out.listed.push_back(links_[link - 1].value);
    std::reverse(out.listed.end() - cell.listed, out.listed.end());
    out.listed_until.push_back(count32(out.listed.size()));
    for (; hashed != hashed_in_order_.end() && hashed->cell <= place; ++hashed) {
      if (hashed->cell == place) out.hashes.push_back(hashed->hash);
    }
    out.hashed_until.push_back(count32(out.hashes.size()));
  }
  return out;
}
}  // namespace smtptape
