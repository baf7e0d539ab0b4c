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

void shorten_for_footer(GroupIndex& group, std::uint64_t& used) {
  constexpr std::uint64_t kPointer = 16;  // of a value in a list, and its padding
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

}  // namespace smtptape
