// Which tapes of a directory follow each other: those of a source, by their numbers.
//
// A listing is not one moment: what begins while it is read may be missing although something later
// is there.  So a hole counts only when a second listing, begun later, shows it too.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "format/tape/tape_name.h"

namespace smtptape {

struct NumberedTape {
  TapeName name;
  std::filesystem::path path;
};

struct TapeListing {
  std::map<std::string, std::vector<NumberedTape>> rows;  // by source; ascending by number
  std::vector<std::filesystem::path> others;              // tapes whose names tell no number
};
// The *.tape files of a directory, no links.  Throws Error when it can't be read.
[[nodiscard]] TapeListing list_rows(const std::filesystem::path& directory);

struct NextTape {
  NumberedTape tape;
  std::uint64_t missing = 0;  // numbers between the tape before and this one
};
// What follows `last`, or begins the row.  When every tape was deleted, a recorder numbers from 1
// again: a lower number follows when its tape began later.
[[nodiscard]] std::optional<NextTape> next_of_row(const std::vector<NumberedTape>& row,
                                                  const std::optional<TapeName>& last);

// Listings of one directory, shared by those who follow its rows.  From any thread.
class WatchedDirectory {
 public:
  using Clock = std::chrono::steady_clock;

  explicit WatchedDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  // One that began at `since` or later.
  [[nodiscard]] std::shared_ptr<const TapeListing> listing(Clock::time_point since);
  // As next_of_row(); a hole was seen twice.
  [[nodiscard]] std::optional<NextTape> next(const std::string& source,
                                             const std::optional<TapeName>& last,
                                             Clock::time_point since);

 private:
  std::filesystem::path path_;
  std::mutex mutex_;
  std::shared_ptr<const TapeListing> latest_;
  Clock::time_point began_;
};

}  // namespace smtptape
