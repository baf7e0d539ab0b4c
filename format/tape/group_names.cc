#include "format/tape/group_names.h"

#include <algorithm>

namespace smtptape {

namespace {

void find_delta(const Meta& meta, const Meta* parent, MetaDelta& delta) {
  delta.set.clear();
  delta.removed.clear();
  if (parent == nullptr) {
    const Meta::Entries all = meta.entries();
    delta.set.assign(all.begin(), all.end());
    return;
  }
  const Meta::Entries before = parent->entries();
  auto old = before.begin();
  const auto end = before.end();
  for (const Meta::Entry entry : meta.entries()) {
    for (; old != end && old->key < entry.key; ++old)
      delta.removed.push_back(old->key);
    const bool same_key = old != end && old->key == entry.key;
    if (!same_key || old->json != entry.json) delta.set.push_back(entry);
    if (same_key) ++old;
  }
  for (; old != end; ++old)
    delta.removed.push_back(old->key);
}

}  // namespace

GroupNames::Named GroupNames::meta(const Meta& meta) {
  if (const std::uint32_t* known = place_of_.find(meta)) return {*known};
  const std::uint32_t next = meta_count() + 1;
  const auto [known, is_new] = places_.try_emplace(MetaPtr(&meta), next);
  place_of_.remember(meta, known->second);
  if (!is_new) return {known->second};
  Named named{next, 0, nullptr, &delta_};
  if (meta.form() == Meta::Form::Object && meta.session_id()) {
    const auto [latest, first] =
        latest_of_session_.try_emplace(*meta.session_id(), Latest{&meta, next});
    if (!first) {
      named.parent = latest->second.meta;
      named.parent_place = latest->second.place;
      latest->second = {&meta, next};
    }
  }
  roots_.push_back(named.parent == nullptr ? next : root_of(named.parent_place));
  find_delta(meta, named.parent, delta_);
  return named;
}

GroupNames::NamedOrigin GroupNames::origin(const Origin& origin) {
  const auto found = std::find(origins_.begin(), origins_.end(), origin);
  const auto place = static_cast<std::uint16_t>(found - origins_.begin());
  const bool is_new = found == origins_.end();
  if (is_new) origins_.push_back(origin);
  return {place, is_new};
}

void GroupNames::clear() {
  latest_of_session_.clear();
  places_.clear();
  place_of_.forget_all();
  roots_.clear();
  origins_.clear();
}

}  // namespace smtptape
