#include "store/plan/row_tape.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "store/check/tape_check.h"
#include "store/find/input_files.h"
#include "store/plan/planned_tape.h"

namespace smtptape {

namespace {

bool has_rows(const GroupIndex& index) {
  return tells_what_is_beside(index) && index.origins.size() <= 1;
}

std::shared_ptr<const SealedTape> footer_of(const TapeFile& file, int fd) {
  if (file.footer != nullptr) {
    const auto header = read_header(fd);
    return header && header->tape_id == file.header->tape_id ? file.footer : nullptr;
  }
  auto summary = read_summary(fd);
  return summary ? plan_of(std::move(*summary), FooterHashes::LeaveOut) : nullptr;
}

std::shared_ptr<const OpenedTape> open_tape(const TapeFile& file) {
  auto tape = std::make_shared<OpenedTape>();
  tape->name = name_of_input(file.path);
  auto fd = std::make_shared<UniqueFd>(open_input(file.path, links_to(file.named)));
  tape->sealed = footer_of(file, fd->get());
  tape->fd = std::move(fd);
  if (tape->sealed == nullptr) return nullptr;
  std::vector<std::int64_t> times;
  for (const GroupIndex& index : tape->sealed->summary.footer.groups) {
    if (!has_rows(index)) return nullptr;
    times.push_back(index.events > 0 ? index.first_received
                                     : std::numeric_limits<std::int64_t>::max());
  }
  tape->earliest = running_minimum_from_behind(std::move(times));
  return tape;
}

}  // namespace

bool has_rows(const TapeFile& tape) {
  if (!tape.sealed || !tape.sequences || tape.mixed || tape.path == kStandardInput) return false;
  if (tape.footer == nullptr) return true;  // its turn tells
  const auto& groups = tape.footer->summary.footer.groups;
  return std::all_of(
      groups.begin(), groups.end(), [](const GroupIndex& index) { return has_rows(index); });
}

std::shared_ptr<const OpenedTape> open_for_rows(const TapeFile& file) {
  if (!has_rows(file)) return nullptr;
  try {
    return open_tape(file);
  } catch (const Error&) {
    return nullptr;
  }
}

bool may_hold_sessions(const OpenedTape& tape, const std::vector<std::uint64_t>& hashes) {
  const auto summary = read_summary(tape.fd->get());
  if (!summary || summary->footer.session_hashes_omitted) return true;
  const std::vector<std::uint64_t>& there = summary->footer.session_hashes;
  return std::any_of(hashes.begin(), hashes.end(), [&](std::uint64_t hash) {
    return std::binary_search(there.begin(), there.end(), hash);
  });
}

std::optional<SessionRows> rows_of(const OpenedTape& tape,
                                   std::size_t group,
                                   const std::vector<std::string>& keys) {
  try {
    const auto index =
        read_index(tape.fd->get(), tape.sealed->summary.header.tape_id, tape.index(group));
    if (!index || index->index_version < kIndexVersion) return std::nullopt;
    const std::vector<std::string_view> wanted(keys.begin(), keys.end());
    SessionRows rows = read_rows(*index, wanted);
    const bool hashed = std::any_of(
        rows.rows.begin(), rows.rows.end(), [](const SessionRow& row) { return row.id_hashed; });
    if (hashed) return std::nullopt;  // who it is, the events tell
    return rows;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::vector<std::int64_t> running_minimum_from_behind(std::vector<std::int64_t> times) {
  for (std::size_t i = times.size(); i-- > 1;)
    times[i - 1] = std::min(times[i - 1], times[i]);
  return times;
}

GroupStream::GroupStream(std::shared_ptr<const OpenedTape> tape,
                         std::size_t group,
                         InputTrouble& trouble)
    : tape_(std::move(tape)),
      range_(*tape_->fd, tape_->name, tape_->sealed->extents[group]),
      reader_(range_,
              tape_->name,
              TapeReader::Start{tape_->sealed->summary.header.tape_id,
                                tape_->sealed->extents[group].offset,
                                static_cast<std::uint32_t>(group)}),
      trouble_(trouble) {
}

bool GroupStream::next(EventBatch& batch) {
  if (reader_.next(batch)) return true;
  for (const Damage& damage : reader_.damage())
    trouble_.damage.push_back(tape_->name + " " + text_of(damage));
  return false;
}

}  // namespace smtptape
