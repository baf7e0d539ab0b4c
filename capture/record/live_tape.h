// The file of a tape that is being written.  Its first byte is locked while it lives: that says
// "live" to every reader.
//
// Threads: one at a time; the disk threads see the SyncPoint alone.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/io.h"
#include "capture/record/disk_threads.h"

namespace smtptape {

class LiveTape : public ByteSink {
 public:
  // The file is new.  When that fails nothing is left of it, unless the disk refuses even that.
  // Its name is on the disk when the first sync of its bytes has ended.
  explicit LiveTape(std::filesystem::path path,
                    FileCalls& calls = system_file_calls(),
                    mode_t mode = 0600);

  // Throws also when a sync of the disk threads has failed, and when the file is no longer where
  // it was: then what is written to it will be in no store.
  void write(std::string_view bytes) override;
  void sync();
  // A file without events that can't be used: takes its name away again.
  void remove();

  // What became of the bytes: how many were handed to the system, and how many are on the disk.
  // After a failed sync nothing more may be written; sync_error() says why (errno), 0: none failed.
  [[nodiscard]] std::uint64_t written() const { return file_->written; }
  [[nodiscard]] std::uint64_t synced() const { return file_->synced; }
  [[nodiscard]] int sync_error() const { return file_->error; }
  // How long writes took.
  [[nodiscard]] const DurationHistogram& writes() const { return writes_; }
  // It has its name, in the directory where it was made.  Throws Error when not.
  void look_for_name() const;
  // It has no name any more: what is in it goes with the descriptor.
  [[nodiscard]] bool is_deleted() const;
  // For the disk threads.
  [[nodiscard]] const std::shared_ptr<SyncPoint>& sync_point() const { return file_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<SyncPoint> file_;
  DurationHistogram writes_;
};

}  // namespace smtptape
