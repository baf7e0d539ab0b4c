#include "filters/allow_list.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>

#include "format/wire/json.h"

namespace smtptape {
namespace {

std::vector<std::string> sorted_json_strings(const AllowedValues& values) {
  std::vector<std::string> json;
  for (const auto* texts : {&values.texts, &values.spellings}) {
    for (const std::string& text : *texts)
      append_json_string(json.emplace_back(), text);
  }
  std::sort(json.begin(), json.end());
  return json;
}

}  // namespace

AllowList::AllowList(const TraceRequest& request, Honour honour) {
  const bool as_live = honour == Honour::AsLive;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    const AllowedValues& allowed = request.allowed[i];
    if (!allowed.is_set()) continue;
    const Property& property = kProperties[i];
    const bool as_text = as_live && property.kind == PropertyKind::TextList;
    rules_.push_back({as_live ? property.live_meta_key : property.meta_key,
                      as_text ? PropertyKind::Text : property.kind,
                      sorted_json_strings(allowed),
                      allowed.networks.value_or(CidrSet()),
                      false});
    needs_local_help_ |= !as_live && property.is_ignored_by_server();
  }
}

// As the manual says, always: no server denies anything.
void AllowList::deny(const DeniedValues& denied) {
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    if (!denied[i].is_set()) continue;
    rules_.push_back({kProperties[i].meta_key,
                      kProperties[i].kind,
                      sorted_json_strings(denied[i]),
                      denied[i].networks.value_or(CidrSet()),
                      true});
  }
}

void AllowList::require_sessions(const std::vector<std::string>& ids) {
  sessions_ = ids;
  std::sort(sessions_.begin(), sessions_.end());
}

bool AllowList::is_of_session(const Meta& meta) const {
  const auto& id = meta.session_id();
  if (!id) return false;
  if (std::binary_search(sessions_.begin(), sessions_.end(), *id, std::less<>())) return true;
  return beginnings_ && std::any_of(sessions_.begin(), sessions_.end(), [&id](const auto& wanted) {
           return wanted.size() >= kLeastOfId && id->starts_with(wanted);
         });
}

AllowList::Match AllowList::match_all(const Meta& meta) const {
  Match all = Match::Allowed;
  if (!sessions_.empty() && !is_of_session(meta)) return Match::Refused;
  if (named_ && !named_->matches(meta)) return Match::Refused;
  for (const Rule& rule : rules_) {
    all = std::min(all, rule.match(meta));
    if (all == Match::Refused) break;
  }
  return all;
}

AllowList::Match AllowList::Rule::match(const Meta& meta) const {
  const std::optional<std::string_view> json = meta.find(meta_key);
  if (!json) return Match::Unknown;
  const Match compared = compare(*json);
  if (!denies || compared == Match::Unknown) return compared;
  return compared == Match::Allowed ? Match::Refused : Match::Allowed;
}

AllowList::Match AllowList::Rule::compare(std::string_view json) const {
  switch (kind) {
    case PropertyKind::Text: return match_text(json);
    case PropertyKind::TextList: return match_list(json);
    case PropertyKind::Address: return match_address(json);
  }
  return Match::Unknown;
}

// Both sides are in serde_json's form, which has one spelling for each text: equal texts are equal
// bytes, and nothing needs to be unescaped.
AllowList::Match AllowList::Rule::match_text(std::string_view json) const {
  if (!json.starts_with('"')) return Match::Unknown;
  const bool allowed =
      std::binary_search(allowed_json.begin(), allowed_json.end(), json, std::less<>());
  return allowed ? Match::Allowed : Match::Refused;
}

// Any element will do.  Elements that are no strings, and a list without any, say nothing.
AllowList::Match AllowList::Rule::match_list(std::string_view json) const {
  if (!json.starts_with('[')) return match_text(json);
  Match best = Match::Unknown;
  JsonReader list(json);
  (void)list.enter_array();
  while (best != Match::Allowed && list.next_element()) {
    const Match element = match_text(list.skip_value().value_or(std::string_view()));
    if (element != Match::Unknown) best = element;
  }
  return best;
}

// No character of an address is ever escaped, so an escape makes it unusable by itself.
AllowList::Match AllowList::Rule::match_address(std::string_view json) const {
  if (!json.starts_with('"')) return Match::Unknown;
  const std::optional<IpAddress> ip = parse_endpoint_ip(json.substr(1, json.size() - 2));
  if (!ip) return Match::Unknown;
  return allowed_networks.contains(*ip) ? Match::Allowed : Match::Refused;
}

}  // namespace smtptape
