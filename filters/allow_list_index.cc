// What filters say of a group from its index alone.  In doubt an event may pass.
#include <algorithm>

#include "filters/allow_list.h"
#include "filters/ip.h"
#include "format/tape/hash_filter.h"

namespace smtptape {

bool AllowList::excludes(const GroupIndex& index, Scope scope) const {
  if (index.index_version < kIndexVersion) return false;
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    const auto summary = std::find_if(
        index.summaries.begin(), index.summaries.end(), [&](const PropertySummary& each) {
          return each.key == rule.meta_key;
        });
    if (summary == index.summaries.end()) return false;
    return scope == Scope::Event ? rule.always_refuses(*summary) : !rule.may_allow(*summary);
  });
}

AllowList::Match AllowList::Rule::compare(const SummaryValue& value) const {
  if (value.in_list && kind != PropertyKind::TextList) return Match::Unknown;
  return kind == PropertyKind::Address ? match_address(value.json) : match_text(value.json);
}

// Some event may have the property, and not what is denied.
bool AllowList::Rule::may_escape(const PropertySummary& summary) const {
  return !summary.complete ||
         std::any_of(summary.values.begin(), summary.values.end(), [this](const auto& value) {
           return compare(value) == Match::Refused;
         });
}

bool AllowList::Rule::denies_all_of(const PropertySummary& summary) const {
  if (summary.absent || summary.incomparable || !summary.complete) return false;
  return std::all_of(summary.values.begin(), summary.values.end(), [this](const auto& value) {
    return names(value);
  });
}

bool AllowList::Rule::may_allow(const PropertySummary& summary) const {
  if (denies) return may_escape(summary);
  if (kind == PropertyKind::Address) {
    return !summary.complete || std::any_of(summary.values.begin(),
                                            summary.values.end(),
                                            [this](const auto& value) { return names(value); });
  }
  return std::any_of(allowed_json.begin(), allowed_json.end(), [&](const std::string& json) {
    return summary.may_hold(json, false) ||
           (kind == PropertyKind::TextList && summary.may_hold(json, true));
  });
}

bool AllowList::Rule::always_refuses(const PropertySummary& summary) const {
  if (denies) return denies_all_of(summary);
  if (summary.absent || summary.incomparable || may_allow(summary)) return false;
  switch (kind) {
    case PropertyKind::Text: return !summary.lists;  // which say nothing
    case PropertyKind::TextList: return true;
    case PropertyKind::Address:
      return !summary.lists &&
             std::all_of(summary.values.begin(), summary.values.end(), [this](const auto& value) {
               return match_address(value.json) == Match::Refused;
             });
  }
  return false;
}

AllowList::InRow AllowList::in_row(const SessionRows& rows,
                                   std::size_t row,
                                   const GroupIndex* index) const {
  InRow all = session_in_row(rows.rows[row]);
  if (all == InRow::No) return all;
  if (named_) all = std::min(all, named_->in_row(rows, row));
  // Rows don't tell the ids of messages.
  const bool elsewhere = index != nullptr && !named_may_be_of_message(*index);
  if (all == InRow::No && !elsewhere) all = InRow::Maybe;
  for (const Rule& rule : rules_) {
    const auto property = std::find_if(
        rows.properties.begin(), rows.properties.end(), [&](const SessionRows::Property& each) {
          return each.key == rule.meta_key;
        });
    if (property == rows.properties.end() || rule.denies) {
      all = std::min(all, InRow::Maybe);
    } else {
      all = std::min(all, rule.in_row(*property, row));
    }
  }
  // That one event has all of them is not told.
  return rules_.size() + (named_ ? 1 : 0) > 1 ? std::min(all, InRow::Maybe) : all;
}

AllowList::InRow AllowList::session_in_row(const SessionRow& row) const {
  if (sessions_.empty()) return InRow::Yes;
  const bool is_one = std::any_of(
      sessions_.begin(), sessions_.end(), [&row](const auto& id) { return row.may_be(id); });
  if (!is_one) return InRow::No;
  return row.id_hashed ? InRow::Maybe : InRow::Yes;
}

AllowList::InRow AllowList::denied_in_row(const SessionRows& rows, std::size_t row) const {
  InRow any = InRow::No;
  for (const Rule& rule : rules_) {
    if (!rule.denies) continue;
    const auto property = std::find_if(
        rows.properties.begin(), rows.properties.end(), [&](const SessionRows::Property& each) {
          return each.key == rule.meta_key;
        });
    const bool told = property != rows.properties.end();
    any = std::max(any, told ? rule.in_row(*property, row) : InRow::Maybe);
  }
  return any;
}

bool AllowList::named_may_be_of_message(const GroupIndex& index) const {
  return !named_ || named_->may_be_of_message(index);
}

AllowList::InRow AllowList::Rule::in_row(const SessionRows::Property& property,
                                         std::size_t row) const {
  const RowProperty of_row = property.of_row(row);
  const bool listed =
      std::any_of(of_row.values.begin(), of_row.values.end(), [&](std::uint32_t place) {
        return names(property.values[place]);
      });
  if (listed) return InRow::Yes;
  return of_row.complete && of_row.hashes.empty() ? InRow::No : InRow::Maybe;
}

}  // namespace smtptape
