// A disk for tests: real files in a real directory, but any call can be made to fail, and what a
// power loss would leave is known at every moment (power_loss.h), for which nothing has to be
// synced.
//
// Calls are numbered from 0 as they come, failed ones included.  Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_calls.h"

namespace smtptape {

// What was done to the disk, in order; only what succeeded.
struct DiskOperation {
  enum class Kind : std::uint8_t { Create, Write, Sync, SyncDirectory, Rename, Link, Unlink };
  Kind kind = Kind::Create;
  std::size_t file = 0;      // Create, Write, Sync: which, counted from 0
  std::uint64_t offset = 0;  // Write
  std::string bytes;         // Write
  std::string name;          // of the file without its directory; Rename, Link: the old one
  std::string new_name;
};

class FaultyDisk : public FileCalls {
 public:
  enum class Call : std::uint8_t { Open, Write, Fdatasync, Fsync, Link, Rename, Unlink };
  // What becomes of a call.
  struct Fate {
    int error = 0;              // this errno, and nothing is done; 0: it succeeds
    bool half_a_write = false;  // a write takes half of its bytes, then it succeeds
  };
  // Asked before each call.  Called with the lock held: it must not call the disk.
  using Plan = std::function<Fate(std::size_t number, Call call)>;

  explicit FaultyDisk(Plan plan = {}) : plan_(std::move(plan)) {}

  [[nodiscard]] std::size_t calls() const;
  // How many of them were made to fail, or half.
  [[nodiscard]] std::size_t faults() const;
  [[nodiscard]] std::vector<DiskOperation> operations() const;

  int open(const char* path, int flags, mode_t mode) override;
  ssize_t write(int fd, const void* bytes, std::size_t size) override;
  int fdatasync(int fd) override;
  int fsync(int fd) override;
  int link(const char* from, const char* to) override;
  int rename(const char* from, const char* to) override;
  int unlink(const char* path) override;

 private:
  struct OpenFile {
    std::size_t file = 0;
    std::uint64_t size = 0;
  };
  // The fate of the next call.  By mutex_.
  Fate next_fate(Call call);
  // Fails as planned, or does it and remembers it when it succeeded.
  int carry_out(Call call, const std::function<int()>& work, DiskOperation done);
  [[nodiscard]] std::optional<std::size_t> file_of(int fd) const;

  mutable std::mutex mutex_;
  Plan plan_;
  std::size_t calls_ = 0;
  std::size_t faults_ = 0;
  std::size_t files_ = 0;
  std::map<int, OpenFile> open_;
  std::vector<DiskOperation> operations_;
};

// Plans.
[[nodiscard]] FaultyDisk::Plan fail_once(std::size_t number, int error);
// From one call on to another, without it.
[[nodiscard]] FaultyDisk::Plan fail_between(std::size_t first, std::size_t end, int error);

}  // namespace smtptape
