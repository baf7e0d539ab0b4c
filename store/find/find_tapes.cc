// What the arguments of a command name, and what the tapes say of themselves.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"
#include "format/wire/unpacked_source.h"
#include "store/find/input_files.h"
#include "store/plan/planned_tape.h"
#include "store/read/inputs.h"

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

TapeFile describe_file(const ListedTape& tape) {
  const std::filesystem::path& path = tape.path;
  TapeFile file;
  file.path = path;
  if (path == kStandardInput && is_standard_input_read_once()) return file;
  const UniqueFd fd = open_input(path, links_to(tape.named));
  try {
    if (auto summary = read_summary(fd.get())) {
      file.header = summary->header;
      file.origins = summary->footer.origins;
      file.mixed = !of_one_capture(file.origins);
      file.received = receive_times(summary->footer);
      file.recorded = recorded_times(*summary);
      file.sealed = true;
      file.row = place_in_row(file, &*summary);
      file.footer = plan_of(std::move(*summary));
    } else {
      file.header = read_header(fd.get());
      if (file.header) file.origins = {file.header->origin};
      // Only a footer tells all the origins of a copy.
      file.mixed = !file.header || file.header->copy_of;
      file.row = place_in_row(file, nullptr);
    }
  } catch (const Error& error) {
    throw Error(name_of_input(path) + ": " + error.what());
  }
  if (file.header) file.first_sequence = file.header->first_sequence;
  return file;
}

std::vector<std::filesystem::path> tapes_there(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error) throw system_error("reading " + directory.string(), error.value());
  for (const auto& entry : entries) {
    if (entry.path().extension() != ".tape") continue;
    if (entry.symlink_status().type() == std::filesystem::file_type::regular) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// A directory that is read while tapes begin may show one of them and not the one before, which
// would look like a hole: it is read until it stays the same.
std::vector<std::filesystem::path> tapes_in(const std::filesystem::path& directory) {
  constexpr int kMostTries = 10;
  auto found = tapes_there(directory);
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto again = tapes_there(directory);
    if (again == found) break;
    found = std::move(again);
  }
  return found;
}

}  // namespace

std::vector<ListedTape> list_tapes(const std::vector<std::string>& arguments) {
  prepare_inputs(arguments);
  std::vector<ListedTape> files;
  for (const std::string& argument : arguments) {
    if (argument == kStandardInput) {
      files.push_back({argument, true});
      continue;
    }
    std::error_code error;
    const auto status = std::filesystem::status(argument, error);
    if (status.type() == std::filesystem::file_type::not_found) {
      throw Error(argument + ": no such file or directory");
    }
    if (!std::filesystem::is_directory(status)) {
      files.push_back({argument, true});
      continue;
    }
    const auto found = tapes_in(argument);
    if (found.empty()) {
      throw Error(argument +
                  ": no tapes in this directory (*.tape); smtptape capture --store records some, "
                  "smtptape import makes them of files of frames");
    }
    for (const auto& path : found)
      files.push_back({path, false});
  }
  for (const ListedTape& file : files) {
    if (!file.named) refuse_standard_output_as_input(file.path);
  }
  return files;
}

namespace {

// `import` makes a tape of it.
bool holds_frames(const std::filesystem::path& path) {
  FdSource source(open_input(path), path.string());
  std::array<char, kPackingBytes> first{};
  const std::string_view bytes(first.data(), source.read(first.data(), first.size()));
  const Packing packing = packing_of(bytes);
  if (bytes.starts_with(kSkippableMagicBytes)) return false;  // a tape's header, perhaps damaged
  return bytes.starts_with('{') || packing == Packing::Zstd || packing == Packing::Gzip;
}

void refuse_frames(const ListedTape& tape) {
  std::error_code unknown;
  if (!tape.named || tape.path == kStandardInput) return;
  if (!std::filesystem::is_regular_file(tape.path, unknown) || !holds_frames(tape.path)) return;
  throw Error(tape.path.string() +
              ": not a smtptape tape, but a file of frames as it seems; smtptape import makes a "
              "tape of it");
}

}  // namespace

std::vector<TapeFile> describe_tapes(const std::vector<ListedTape>& tapes) {
  std::vector<TapeFile> files;
  for (const ListedTape& tape : tapes) {
    refuse_frames(tape);
    TapeFile file;
    try {
      file = describe_file(tape);
    } catch (const Error&) {
      if (tape.named) throw;
      file.path = tape.path;
      file.mixed = true;
    }
    file.named = tape.named;
    files.push_back(std::move(file));
  }
  return files;
}

std::string name_of_input(const std::filesystem::path& path) {
  return path == kStandardInput ? "standard input" : path.string();
}

std::vector<TapeFile> find_tapes(const std::vector<std::string>& arguments) {
  const std::vector<ListedTape> listed = list_tapes(arguments);
  // Beside others it takes part like any of them, and so has to say first what it holds.
  const bool standard_input =
      std::find(arguments.begin(), arguments.end(), kStandardInput) != arguments.end();
  if (standard_input && arguments.size() > 1 && is_standard_input_read_once()) {
    Inputs::spool_standard_input();
  }
  return describe_tapes(listed);
}

void find_origins(TapeFile& tape) {
  if (!tape.mixed || tape.sealed) return;
  try {
    const std::string name = name_of_input(tape.path);
    FdSource source(open_input(tape.path, links_to(tape.named)), name);
    TapeReader reader(source, name);
    EventBatch batch;
    const Origin* latest = nullptr;
    while (reader.next(batch)) {
      latest = nullptr;
      for (const Event& event : batch.events) {
        if (event.origin == nullptr || event.origin == latest) continue;
        latest = event.origin;
        if (std::find(tape.origins.begin(), tape.origins.end(), *latest) == tape.origins.end()) {
          tape.origins.push_back(*latest);
        }
      }
    }
  } catch (const Error&) {
    return;  // told of when its turn comes
  }
}

}  // namespace smtptape
