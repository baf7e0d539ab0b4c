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
#include "store/find/footers.h"
#include "store/find/input_files.h"
#include "store/find/watched_directory.h"
#include "store/read/inputs.h"

namespace smtptape {

namespace {

std::vector<std::filesystem::path> tapes_there(const std::filesystem::path& directory) {
  TapeListing listing = list_rows(directory);
  std::vector<std::filesystem::path> found = std::move(listing.others);
  for (auto& [source, row] : listing.rows)
    for (NumberedTape& tape : row)
      found.push_back(std::move(tape.path));
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
  Footers footers;
  return describe_tapes(tapes, footers);
}

std::vector<TapeFile> describe_tapes(const std::vector<ListedTape>& tapes, Footers& footers) {
  std::vector<TapeFile> files;
  for (const ListedTape& tape : tapes) {
    refuse_frames(tape);
    TapeFile file;
    try {
      file = footers.of(tape);
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
