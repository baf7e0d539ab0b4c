// A store: a directory of tapes and, for each source, an empty lock file.  Nothing else is needed.
//
// What else lies in the directory is none of our business: it is passed over, and links are never
// followed.  Files are 0600, a directory that we make is 0700.  Errors name the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"

namespace smtptape {

// "<source>-<number, 8 digits>-<UTC start>.tape": sorted by name is in order, source by source.
struct TapeName {
  std::string source;  // as it stands in file names: see file_name_of_source()
  std::uint64_t number = 0;
  std::string start;  // "20260804T210000Z"
  bool operator==(const TapeName&) const = default;
};
[[nodiscard]] std::string to_file_name(const TapeName& name);
[[nodiscard]] std::optional<TapeName> parse_tape_name(std::string_view file_name);
// Bytes outside of A-Za-z0-9._- become _XX, as does an underscore that would read as such.  Throws
// UsageError for a name that is empty or too long for a file.
[[nodiscard]] std::string file_name_of_source(std::string_view source);
[[nodiscard]] std::string tape_start_text(std::int64_t unix_nanos);

class Store {
 public:
  // Creates the directory when it is missing, not its parents.  What is written into it goes
  // through `calls`, which outlive the store.
  explicit Store(std::filesystem::path directory, FileCalls& calls = system_file_calls());

  struct Tape {
    TapeName name;
    std::filesystem::path path;
  };
  // Ascending by number.
  [[nodiscard]] std::vector<Tape> tapes_of(std::string_view source) const;
  // One more than the highest.
  [[nodiscard]] std::uint64_t next_number(std::string_view source) const;
  // Held as long as the descriptor is open, by one recorder.  Throws when another has it.
  [[nodiscard]] UniqueFd lock_source(std::string_view source) const;

  [[nodiscard]] std::filesystem::path path_of(const TapeName& name) const;
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] FileCalls& calls() const { return calls_; }

 private:
  std::filesystem::path directory_;
  FileCalls& calls_;
};

}  // namespace smtptape
