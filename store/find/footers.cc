#include "store/find/footers.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/wall_time.h"
#include "format/tape/tape_reader.h"
#include "store/find/input_files.h"
#include "store/plan/planned_tape.h"

namespace smtptape {

namespace {

bool of_one_capture(const std::vector<Origin>& origins) {
  return !origins.empty() && std::all_of(origins.begin(), origins.end(), [&](const Origin& origin) {
    return origin.capture == origins.front().capture;
  });
}

// From the earliest to the latest event or gap.
std::optional<TimeSpan> receive_times(const TapeFooter& footer) {
  std::optional<TimeSpan> span;
  for (const GroupIndex& group : footer.groups) {
    if (group.events > 0) include(span, {group.first_received, group.last_received});
    if (group.gaps.size() < group.gap_count) return std::nullopt;  // nobody knows
    for (const Gap& gap : group.gaps) {
      if (gap.from == 0 && gap.until == 0) continue;  // nobody knows
      // As TimeWindow::touches() takes them: clocks step, and nobody knows how long it lasted.
      if (gap.from == 0 || gap.until == 0) return std::nullopt;
      const auto [first, last] = std::minmax(gap.from, gap.until);
      include(span, {first, last});
    }
  }
  return span;
}

// When the first event came, and the last.
std::optional<TimeSpan> event_times(const TapeFooter& footer) {
  std::optional<TimeSpan> times;
  for (const GroupIndex& group : footer.groups) {
    if (group.events == 0) continue;
    if (!times) times = TimeSpan{group.first_received, group.last_received};
    times->last = group.last_received;
  }
  return times;
}

// The lowest and the highest.
SequenceSpan sequences_of(const TapeFooter& footer) {
  SequenceSpan span;
  for (const GroupIndex& group : footer.groups) {
    if (group.events == 0) continue;
    span.first = std::min(span.first, group.first_sequence);
    span.last = std::max(span.last, group.last_sequence);
  }
  return span;
}

// Of a copy nobody knows: it may hold less.
std::optional<TimeSpan> recorded_times(const TapeSummary& tape) {
  const TapeHeader& header = tape.header;
  if (header.origin.imported || header.copy_of) return std::nullopt;
  const auto [first, last] = std::minmax(header.clock.realtime, tape.footer.sealed_at);
  return TimeSpan{first, last};
}

// What the tapes beside it in its row have to know.
std::optional<RowTape> place_in_row(const TapeFile& file, const TapeSummary* sealed) {
  if (!file.header || !belongs_to_row(*file.header)) return std::nullopt;
  RowTape row;
  row.name = file.path.filename().string();
  row.header = *file.header;
  row.last_received = file.header->clock.realtime;
  if (sealed == nullptr) return row;
  row.good_until = sealed->file_bytes;
  for (const GroupIndex& group : sealed->footer.groups) {
    for (const Gap& gap : group.gaps)
      note_gap(row, gap);
    if (group.events == 0) continue;
    row.last_sequence = std::max(row.last_sequence, group.last_sequence);
    row.last_received = group.last_received;
  }
  return row;
}

void describe_sealed(TapeSummary summary, TapeFile& file) {
  file.header = summary.header;
  file.origins = summary.footer.origins;
  file.mixed = !of_one_capture(file.origins);
  file.received = receive_times(summary.footer);
  file.recorded = recorded_times(summary);
  file.events = event_times(summary.footer);
  file.sealed = true;
  file.row = place_in_row(file, &summary);
  file.footer = plan_of(std::move(summary), FooterHashes::LeaveOut);
  if (file.footer != nullptr) file.sequences = sequences_of(file.footer->summary.footer);
}

TapeFile describe_file(const std::filesystem::path& path, int fd) {
  TapeFile file;
  file.path = path;
  if (auto summary = read_summary(fd)) {
    describe_sealed(std::move(*summary), file);
  } else {
    file.header = read_header(fd);
    if (file.header) file.origins = {file.header->origin};
    // Only a footer tells all the origins of a copy.
    file.mixed = !file.header || file.header->copy_of;
    file.row = place_in_row(file, nullptr);
  }
  if (file.header) file.first_sequence = file.header->first_sequence;
  return file;
}

// Of what is kept of it, about.
std::uint64_t memory_of(const SealedTape& tape) {
  constexpr std::uint64_t kText = 32;  // what a string has beside its text
  std::uint64_t bytes = sizeof(SealedTape);
  for (const GroupIndex& group : tape.summary.footer.groups) {
    bytes += sizeof(GroupIndex) + sizeof(GroupExtent) + group.message_ids.size();
    bytes += group.gaps.size() * sizeof(Gap) + group.origins.size() * sizeof(Origin);
    for (const PropertySummary& summary : group.summaries) {
      bytes += sizeof(PropertySummary) + summary.filter.size();
      for (const SummaryValue& value : summary.values)
        bytes += sizeof(SummaryValue) + kText + value.json.size();
    }
  }
  return bytes;
}

std::int64_t time_of_change(const struct stat& found) {
  return found.st_mtim.tv_sec * std::int64_t{kNanosPerSecond} + found.st_mtim.tv_nsec;
}

}  // namespace

std::optional<Footers::Known> Footers::find(const std::filesystem::path& path,
                                            const struct stat& found) {
  const std::lock_guard lock(mutex_);
  const auto at = known_.find(path);
  if (at == known_.end()) return std::nullopt;
  Known& known = at->second;
  const bool same = known.id == FileId{found.st_dev, found.st_ino} &&
                    known.bytes == static_cast<std::uint64_t>(found.st_size) &&
                    known.changed == time_of_change(found);
  if (!same) return std::nullopt;
  known.asked = true;
  return known;
}

Footers::Known Footers::look_at(const std::filesystem::path& path,
                                int fd,
                                const struct stat& found) {
  Known known;
  known.id = {found.st_dev, found.st_ino};
  known.bytes = static_cast<std::uint64_t>(found.st_size);
  known.changed = time_of_change(found);
  try {
    TapeFile tape = describe_file(path, fd);
    known.times.events = tape.events;
    keep_if_it_fits(tape);
    known.says = std::make_shared<const TapeFile>(std::move(tape));
  } catch (const Error& error) {
    known.why = error.what();
  }
  return known;
}

void Footers::keep_if_it_fits(TapeFile& tape) {
  if (tape.footer == nullptr) return;
  const std::uint64_t bytes = memory_of(*tape.footer);
  const std::lock_guard lock(mutex_);
  if (bytes > room_) {
    tape.footer.reset();
  } else {
    room_ -= bytes;
  }
}

void Footers::remember(const std::filesystem::path& path, Known known) {
  const std::lock_guard lock(mutex_);
  known_[path] = std::move(known);
}

std::optional<Footers::Times> Footers::known_times(const std::filesystem::path& path,
                                                   const struct stat& found) {
  const std::optional<Known> known = find(path, found);
  if (!known) return std::nullopt;
  return known->times;
}

Footers::Times Footers::read_times(const std::filesystem::path& path,
                                   int fd,
                                   const struct stat& found) {
  Known known = look_at(path, fd, found);
  known.says.reset();
  const Times times = known.times;
  remember(path, std::move(known));
  return times;
}

TapeFile Footers::of(const ListedTape& tape) {
  TapeFile file;
  file.path = tape.path;
  if (tape.path != kStandardInput || !is_standard_input_read_once()) {
    struct stat found {};
    std::optional<Known> known;
    if (::lstat(tape.path.c_str(), &found) == 0 && S_ISREG(found.st_mode))
      known = find(tape.path, found);
    if (!known || (known->says == nullptr && known->why.empty())) {
      const UniqueFd fd = open_input(tape.path, links_to(tape.named));
      if (::fstat(fd.get(), &found) != 0)
        throw system_error("looking at " + tape.path.string(), errno);
      known = look_at(tape.path, fd.get(), found);
      remember(tape.path, *known);
    }
    if (known->says == nullptr) throw Error(name_of_input(tape.path) + ": " + known->why);
    file = *known->says;
  }
  file.named = tape.named;
  return file;
}

void Footers::forget(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  known_.erase(path);
}

void Footers::forget_the_rest() {
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const auto& one) { return !one.second.asked; });
  for (auto& [path, known] : known_)
    known.asked = false;
}

}  // namespace smtptape
