// A store: a directory of tapes and, for each source, an empty lock file.  Nothing else is needed.
//
// What else lies in the directory is none of our business: it is passed over, and links are never
// followed.  Files are 0600, a directory that we make is 0700.  Errors name the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "capture/sync_thread.h"
#include "format/tape/tape_name.h"

namespace smtptape {

// A tape that is being written.  Its first byte is locked while it lives: that says "live".
class LiveTape : public ByteSink {
 public:
  // The file is new; it and its name are on the disk when the first byte can be written.
  explicit LiveTape(const std::filesystem::path& path);

  // Throws also when a sync of the sync thread has failed.
  void write(std::string_view bytes) override;
  void sync();
  // A write or a sync has failed: what the file ends with is unknown, and it must be left alone.
  [[nodiscard]] bool failed() const { return failed_ || file_->error != 0; }
  // For the sync thread.
  [[nodiscard]] const std::shared_ptr<SyncPoint>& sync_point() const { return file_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<SyncPoint> file_;
  bool failed_ = false;
};

class Store {
 public:
  // Creates the directory when it is missing, not its parents.
  explicit Store(std::filesystem::path directory);

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

 private:
  std::filesystem::path directory_;
};

}  // namespace smtptape
