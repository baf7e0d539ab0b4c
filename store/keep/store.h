// A store: a directory of tapes and, for each source, an empty lock file.  Nothing else is needed.
//
// What else lies in the directory is none of our business: it is passed over, and links are never
// followed.  Files are 0600, a directory that we make is 0700.  Errors name the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "format/tape/tape_name.h"
#include "store/find/watched_directory.h"

namespace smtptape {

// Another recorder writes the source.
class TakenError : public Error {
 public:
  using Error::Error;
};

enum class WhoReads : std::uint8_t { Owner, Group };

class Store {
 public:
  // Creates the directory when it is missing, not its parents.  What is written into it goes
  // through `calls`, which outlive the store.
  explicit Store(std::filesystem::path directory,
                 FileCalls& calls = system_file_calls(),
                 WhoReads who_reads = WhoReads::Owner);

  using Tape = NumberedTape;
  // Ascending by number.
  [[nodiscard]] std::vector<Tape> tapes_of(std::string_view source) const;
  // The newest tapes of each source (as it stands in file names), ascending by number: what the
  // next capture goes on from.
  static constexpr std::size_t kMostNewest = 4;
  using NewestTapes = std::map<std::string, std::vector<Tape>>;
  [[nodiscard]] NewestTapes newest_tapes() const;
  // One more than the highest.
  [[nodiscard]] std::uint64_t next_number(std::string_view source) const;
  // Held as long as the descriptor is open, by one recorder.  Throws TakenError when another has
  // it.
  [[nodiscard]] UniqueFd lock_source(std::string_view source) const;
  // The lock's file is still where it was.
  [[nodiscard]] bool has_lock(const UniqueFd& lock, std::string_view source) const;
  // Makes the directory again, if it must, and locks the source there.
  [[nodiscard]] UniqueFd lock_again(std::string_view source) const;
  // When a recorder of the source was alive for the last time, ns since 1970: it touches the lock's
  // file.  Nothing: there was none.
  [[nodiscard]] std::optional<std::int64_t> last_alive(std::string_view source) const;
  // When one of these tapes was written for the last time.
  [[nodiscard]] static std::optional<std::int64_t> last_written(const NewestTapes& newest);

  [[nodiscard]] std::filesystem::path path_of(const TapeName& name) const;
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] FileCalls& calls() const { return calls_; }
  // Of new files.
  [[nodiscard]] mode_t file_mode() const;

 private:
  void make_directory() const;
  [[nodiscard]] std::filesystem::path lock_path(std::string_view source) const;

  std::filesystem::path directory_;
  FileCalls& calls_;
  WhoReads who_reads_;
};

}  // namespace smtptape
