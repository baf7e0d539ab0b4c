#include "store/plan/row_scan.h"

#include <utility>

#include "base/hash.h"
#include "format/limits.h"

namespace smtptape {

namespace {

// Of a piece: its rows take memory until they are merged, and what is listed fits into them.
constexpr std::size_t kMostRows = kMostGroupIdBytes / kMostListedBytes;
constexpr std::uint64_t kMostEvents = 1 << 20;

}  // namespace

RowScan::RowScan(EventSource& source, std::vector<std::string> keys, const Id128& capture)
    : source_(source), keys_(std::move(keys)), capture_(capture) {
  builder_ = std::make_unique<SessionRowBuilder>(keys_, capture_);
}

bool RowScan::next(SessionRows& rows, std::string& source_name, std::vector<Gap>& gaps) {
  EventBatch batch;
  bool more = true;
  while (builder_->size() < kMostRows && in_piece_ < kMostEvents && (more = source_.next(batch))) {
    for (const Gap& gap : batch.gaps) {
      builder_->add_gap(gap);
      gaps.push_back(gap);
      gaps.back().origin = nullptr;
    }
    for (const Event& event : batch.events)
      add(event);
  }
  if (!more && in_piece_ == 0) return false;
  RowsBefore before = builder_->end();
  rows = builder_->finish().rows;
  name_hashed(rows);
  source_name = source_name_;
  builder_ = std::make_unique<SessionRowBuilder>(keys_, capture_, std::move(before));
  names_.clear();
  long_ids_.clear();
  in_piece_ = 0;
  return true;
}

void RowScan::add(const Event& event) {
  if (event.origin != nullptr && source_name_.empty()) source_name_ = event.origin->source;
  const std::size_t before = builder_->size();
  builder_->add(event, event.meta == nullptr ? GroupNames::Named{} : names_.meta(*event.meta));
  ++in_piece_;
  ++events_;
  if (builder_->size() == before || event.meta == nullptr || !event.meta->session_id()) return;
  const std::string_view id = *event.meta->session_id();
  if (id.size() > kMostListedBytes) long_ids_.emplace(hash64(id), id);
}

// Here the ids are at hand.
void RowScan::name_hashed(SessionRows& rows) const {
  for (SessionRow& row : rows.rows) {
    if (!row.id_hashed) continue;
    const auto found = long_ids_.find(row.id_hash());
    if (found == long_ids_.end()) continue;
    row.id = found->second;
    row.id_hashed = false;
  }
}

}  // namespace smtptape
