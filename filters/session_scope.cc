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
  if (!everything_ && allow_list_.passes(&meta, Scope::Strict)) mark(meta, kPasses);
}

void SessionScope::mark(const Meta& meta, SessionMarks marks) {
  if (const auto id = session_of(meta)) mark(*id, marks);
}

void SessionScope::mark(std::string_view id, SessionMarks marks) {
  marks &= required_ | kDenied;
  if (marks == 0) return;
  auto session = sessions_.find(id);
  if (session == sessions_.end()) session = sessions_.emplace(ids_.copy(id), 0).first;
  if ((session->second & marks) == marks) return;
  session->second |= marks;
  changed_ = true;
}

std::vector<std::uint64_t> SessionScope::hashes() const {
  std::vector<std::uint64_t> all;
  for (const auto& [id, marks] : sessions_) {
    if (is_chosen(marks)) all.push_back(hash64(id));
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::size_t SessionScope::session_count() const {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [this](const auto& one) {
        return is_chosen(one.second);
      }));
}

bool SessionScope::find_session(const Meta& meta) const {
  const auto id = session_of(meta);
  if (!id) return false;
  const auto session = sessions_.find(*id);
  return session != sessions_.end() && is_chosen(session->second);
}

}  // namespace smtptape
