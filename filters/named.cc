#include "filters/named.h"

#include <algorithm>

#include "base/hash.h"
#include "format/tape/hash_filter.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {
constexpr std::string_view kRecipientKey = "recipient";
}  // namespace

bool may_be_shortened_id(std::string_view name) {
  static constexpr std::string_view kHex = "0123456789abcdefABCDEF";
  constexpr std::size_t kMessageId = 32;
  constexpr std::size_t kUuid = 36;
  if (name.size() < kLeastOfId || name.find('@') != std::string_view::npos) return false;
  const auto others = std::count_if(
      name.begin(), name.end(), [](char c) { return kHex.find(c) == std::string_view::npos; });
  if (name.size() == kMessageId) return others > 0;
  const auto dashes = std::count(name.begin(), name.end(), '-');
  return name.size() != kUuid || dashes != 4 || others != dashes;
}

Named::Named(std::string_view name) : name_(name), session_(name) {
  append_json_string(json_, name);
}

bool Named::matches(const Meta& meta) const {
  const auto& session = meta.session_id();
  if (!session || session->empty()) return false;
  if (*session == session_ || meta.find(kMessageIdKey) == std::string_view(json_)) return true;
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
  const bool is_id = session.may_be(session_);
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
  return std::binary_search(hashes.begin(), hashes.end(), hash64(session_));
}

}  // namespace smtptape
