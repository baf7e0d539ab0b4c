#include "format/tape/group_extents.h"

#include "base/counted.h"
#include "format/tape/section.h"

namespace smtptape {

std::optional<std::vector<GroupExtent>> group_extents(const TapeFooter& footer,
                                                      std::uint64_t begin,
                                                      std::uint64_t footer_offset) {
  if ((footer.groups.empty() ? footer_offset : footer.groups.front().offset) != begin) return {};
  std::vector<GroupExtent> extents;
  extents.reserve(footer.groups.size());
  std::uint64_t events = 0;
  for (std::size_t i = 0; i < footer.groups.size(); ++i) {
    const GroupIndex& group = footer.groups[i];
    const bool last = i + 1 == footer.groups.size();
    const std::uint64_t end = last ? footer_offset : footer.groups[i + 1].offset;
    const bool ordered = group.number == i && group.offset < end && end <= footer_offset;
    if (!ordered || group.bytes > end - group.offset) return {};
    if (end - group.offset - group.bytes < kSectionStart) return {};  // of its index
    events = capped_sum(events, group.events);
    extents.push_back({group.offset, end});
  }
  if (events != footer.ledger.stored) return {};
  return extents;
}

}  // namespace smtptape
