#include "filters/session_scope.h"

#include <algorithm>
#include <optional>

#include "base/hash.h"

namespace smtptape {
namespace {

// The id of the session that an event with this metadata belongs to; nullopt when there is none.
std::optional<std::string_view> session_of(const Meta& meta) {
  if (meta.form() == Meta::Form::Null) return std::nullopt;
  return meta.session_id();
}

}  // namespace

void SessionScope::collect(const Meta& meta) {
  collected_.remember(meta, true);
  const auto id = session_of(meta);
  if (everything_ || !id || !allow_list_.passes(&meta, Scope::Strict)) return;
  collect_session(*id);
}

void SessionScope::collect_session(std::string_view id) {
  if (sessions_.contains(id)) return;
  sessions_.insert(ids_.copy(id));
  grown_ = true;
}

std::vector<std::uint64_t> SessionScope::hashes() const {
  std::vector<std::uint64_t> all;
  all.reserve(sessions_.size());
  for (const std::string_view id : sessions_)
    all.push_back(hash64(id));
  std::sort(all.begin(), all.end());
  return all;
}

bool SessionScope::find_session(const Meta& meta) const {
  const auto id = session_of(meta);
  return id && sessions_.contains(*id);
}

}  // namespace smtptape
