#include "format/tape/group_builder.h"

#include <algorithm>
#include <utility>

#include "format/limits.h"
#include "format/tape/compressor.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {
// Enough for any size of a batch.
constexpr std::uint32_t kMostDoublings = 16;
}  // namespace

GroupBuilder::GroupBuilder(const TapeHeader& header, const TapeOptions& options)
    : header_(header), options_(options) {
}

void GroupBuilder::open_if_closed(std::uint32_t number) {
  if (open_) return;
  open_ = true;
  rows_ = std::make_unique<SessionRowBuilder>(
      options_.indexed_keys, header_.origin.capture, std::move(rows_before_));
  group_ = GroupIndex{};
  group_.number = number;
  foreign_ = when_seen_ = false;
  batches_ = 0;
  batch_wire_bytes_ = 0;
  names_.clear();
}

void GroupBuilder::add(const Event& event, BatchBuilder& batch) {
  rows_->add(event, batch.add(event, names_));
  count(event);
  const std::uint64_t wire = event.frame_bytes != 0 ? event.frame_bytes : frame_size(event);
  group_.wire_bytes += wire;
  batch_wire_bytes_ += wire;
}

void GroupBuilder::add(const Gap& gap, BatchBuilder& batch) {
  batch.add(gap, names_);
  rows_->add_gap(gap);
  group_.gaps.push_back(gap);
  group_.gaps.back().origin = nullptr;
  ++group_.gap_count;
}

void GroupBuilder::add_foreign(std::string_view record, BatchBuilder& batch) {
  foreign_ = true;
  batch.add_foreign(record);
}

// The first batches of a group are small, as its first event is not to wait for a large one.
bool GroupBuilder::is_batch_full(const BatchBuilder& batch) const {
  const std::uint64_t most =
      std::min(options_.batch_bytes, kDefaultBatchBytes << std::min(batches_, kMostDoublings));
  return batch_wire_bytes_ >= most || batch.events() >= kMostBatchEvents ||
         batch.loose_records() >= kMostLooseRecords;
}

// Places of origins have 16 bits, and the index repeats them.
bool GroupBuilder::is_full() const {
  return group_.wire_bytes >= options_.group_bytes || group_.events >= kMostGroupEvents ||
         rows_->size() >= kMostSessionRows || group_.gap_count >= kMostGroupGaps ||
         names_.origins().size() >= kMostGroupOrigins;
}

std::uint32_t GroupBuilder::end_batch() {
  batch_wire_bytes_ = 0;
  return batches_++;
}

void GroupBuilder::count(const Event& event) {
  const bool first = group_.events == 0;
  const std::int64_t when = to_unix_nanos(event.when).value_or(event.received);
  group_.first_sequence = first ? event.sequence : std::min(group_.first_sequence, event.sequence);
  group_.last_sequence = std::max(group_.last_sequence, event.sequence);
  group_.first_received = first ? event.received : std::min(group_.first_received, event.received);
  group_.last_received = first ? event.received : std::max(group_.last_received, event.received);
  if (event.verbatim == nullptr || event.verbatim->when_known) {
    group_.first_when = when_seen_ ? std::min(group_.first_when, when) : when;
    group_.last_when = when_seen_ ? std::max(group_.last_when, when) : when;
    when_seen_ = true;
  }
  if (event.verbatim != nullptr) ++group_.verbatim;
  if (event.kind == EventKind::Unknown) ++group_.unknown;
  if (event.trimmed) ++group_.trimmed;
  if (event.masked) ++group_.masked;
  ++group_.events;
}

GroupBuilder::Gathered GroupBuilder::end() {
  open_ = false;
  group_.metas = names_.meta_count();
  group_.origins = names_.origins();
  group_.index_version = foreign_ ? 0 : kIndexVersion;
  rows_before_ = rows_->end();
  return {std::move(group_), std::move(rows_)};
}

std::vector<SessionRow> finish_index(GroupBuilder::Gathered& gathered) {
  GroupIndex& index = gathered.index;
  SessionRowBuilder::Result directory = gathered.rows->finish();
  gathered.rows.reset();
  index.sessions = directory.rows.rows.size();
  index.summaries = std::move(directory.summaries);
  index.message_ids = std::move(directory.message_ids);
  index.message_ids_known = directory.message_ids_known;
  const std::string message = to_message(directory.rows, index);
  index.rows = compress_whole(message);
  index.rows_bytes = message.size();
  return std::move(directory.rows.rows);
}

}  // namespace smtptape
