// What tapes say of themselves: headers and footers, read once, and kept for who asks again: a
// command that plans what it reads, one that follows a recording, the keeper of a recorder.
//
// A file is the one that is known as long as identity, size and time of change are the same.  Of
// the footers as much is kept as there is room for; of the others what counts when nothing of the
// tape is read (TapeFile without `footer`).
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/io.h"
#include "format/limits.h"
#include "store/read/inputs.h"

namespace smtptape {

// From any thread.
class Footers {
 public:
  static constexpr std::uint64_t kMostBytes = 32 * kMiB;  // of memory, for footers

  // `room`: 0 keeps no footer.
  explicit Footers(std::uint64_t room = kMostBytes) : room_(room) {}

  // Opens the file unless it is known.  Throws Error when it can't be read or is no tape: one line
  // that names it.
  [[nodiscard]] TapeFile of(const ListedTape& tape);

  // For who finds and opens the files himself, and wants to know nothing else of very many:
  struct Times {
    std::optional<TimeSpan> events;  // of a sealed tape: when the first came, and the last
  };
  // Nothing: the file is not known, or has changed …
  [[nodiscard]] std::optional<Times> known_times(const std::filesystem::path& path,
                                                 const struct stat& found);
  // … and is to be read.
  [[nodiscard]] Times read_times(const std::filesystem::path& path,
                                 int fd,
                                 const struct stat& found);

  void forget(const std::filesystem::path& path);
  // What was not asked for since the last time.
  void forget_the_rest();

 private:
  struct Known {
    FileId id;
    std::uint64_t bytes = 0;
    std::int64_t changed = 0;
    Times times;
    std::shared_ptr<const TapeFile> says;  // null: nobody wanted to know, or …
    std::string why;                       // … it is no tape
    bool asked = true;
  };
  [[nodiscard]] std::optional<Known> find(const std::filesystem::path& path,
                                          const struct stat& found);
  [[nodiscard]] Known look_at(const std::filesystem::path& path, int fd, const struct stat& found);
  void remember(const std::filesystem::path& path, Known known);
  void keep_if_it_fits(TapeFile& tape);

  std::mutex mutex_;
  std::uint64_t room_;                            // by mutex_
  std::map<std::filesystem::path, Known> known_;  // by mutex_
};

}  // namespace smtptape
