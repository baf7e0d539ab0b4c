#include "filters/named.h"

#include <algorithm>

#include "base/hash.h"
#include "format/tape/hash_filter.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {
constexpr std::string_view kRecipientKey = "recipient";
}  // namespace

Named::Named(std::string_view name) : name_(name) {
  append_json_string(json_, name);
}

bool Named::matches(const Meta& meta) const {
  const auto& session = meta.session_id();
  if (!session || session->empty()) return false;
  if (*session == name_ || meta.find(kMessageIdKey) == std::string_view(json_)) return true;
  const auto recipients = meta.find(kRecipientKey);
  return recipients && is_recipient(*recipients);
}

bool Named::is_recipient(std::string_view json) const {
  if (!json.starts_with('[')) return json == json_;
  JsonReader list(json);
  if (!list.enter_array()) return false;
  while (list.next_element()) {
    if (list.skip_value() == std::string_view(json_)) return true;
  }
  return false;
}

bool Named::may_be_of_message(const GroupIndex& index) const {
  if (index.index_version < kIndexVersion || may_hold_message_id(index, json_)) return true;
  const auto recipients =
      std::find_if(index.summaries.begin(), index.summaries.end(), [](const auto& summary) {
        return summary.key == kRecipientKey;
      });
  return recipients == index.summaries.end() || recipients->may_hold(json_, true) ||
         recipients->may_hold(json_, false);
}

Named::InRow Named::in_row(const SessionRows& rows, std::size_t row) const {
  const SessionRow& session = rows.rows[row];
  const bool is_id = session.may_be(name_);
  if (is_id && !session.id_hashed) return InRow::Yes;
  const auto recipients =
      std::find_if(rows.properties.begin(), rows.properties.end(), [](const auto& property) {
        return property.key == kRecipientKey;
      });
  if (recipients == rows.properties.end()) return InRow::Maybe;
  const RowProperty of_row = recipients->of_row(row);
  const bool listed =
      std::any_of(of_row.values.begin(), of_row.values.end(), [&](std::uint32_t place) {
        return recipients->values[place].json == json_;
      });
  if (listed) return InRow::Yes;
  const bool hashed = std::any_of(of_row.hashes.begin(), of_row.hashes.end(), [this](auto hash) {
    return hash == value_hash(json_, true) || hash == value_hash(json_, false);
  });
  return is_id || hashed || !of_row.complete ? InRow::Maybe : InRow::No;
}

bool Named::may_be_session_of(const std::vector<std::uint64_t>& hashes) const {
  return std::binary_search(hashes.begin(), hashes.end(), hash64(name_));
}

}  // namespace smtptape
