#include "format/tape/footer_bounds.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/section.h"

namespace smtptape {

void SessionHashes::add(const std::vector<SessionRow>& rows) {
  if (omitted_) return;
  for (const SessionRow& row : rows)
    hashes_.push_back(row.id_hashed ? load_u64(row.id.data()) : hash64(row.id));
  // Many are of sessions that earlier groups have, too.
  if (hashes_.size() > 2 * kMostSessionHashes) sort();
}

void SessionHashes::write(TapeFooter& footer) {
  sort();
  footer.session_hashes = std::move(hashes_);
  footer.session_hashes_omitted = omitted_;
}

void SessionHashes::sort() {
  std::sort(hashes_.begin(), hashes_.end());
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  if (hashes_.size() <= kMostSessionHashes) return;
  omitted_ = true;
  hashes_ = {};
}

namespace {

constexpr std::uint64_t kPointer = 16;  // of a value in a list, and its padding

// Whoever looks for what isn't there reads the group.
void shorten_beside(GroupIndex& group, std::uint64_t& used) {
  constexpr std::uint64_t kFixed = 48;  // of an origin, or a summary
  std::uint64_t bytes = 0;
  for (const Origin& origin : group.origins)
    bytes += kFixed + kPointer + origin.source.size();
  for (const PropertySummary& summary : group.summaries)
    bytes += kFixed + kPointer + summary.key.size();
  if (used + bytes <= kMostFooterGroupBytes) {
    used += bytes;
    return;
  }
  group.origins.clear();
  group.summaries.clear();
  group.gaps.clear();  // nobody would know whose they are
}

void shorten_values(GroupIndex& group, std::uint64_t& used) {
  std::uint64_t bytes = group.message_ids.size();
  for (const PropertySummary& summary : group.summaries) {
    bytes += summary.filter.size();
    for (const SummaryValue& value : summary.values)
      bytes += value.json.size() + kPointer;
  }
  if (used + bytes <= kMostFooterSummaryBytes) {
    used += bytes;
    return;
  }
  group.message_ids.clear();
  group.message_ids_known = false;
  for (PropertySummary& summary : group.summaries) {
    summary.complete = false;
    summary.values.clear();
    summary.filter.clear();
  }
}

}  // namespace

void shorten_for_footer(GroupIndex& group, FooterRoom& used) {
  shorten_beside(group, used.beside);
  shorten_values(group, used.values);
}

}  // namespace smtptape
