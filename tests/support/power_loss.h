// What may be on a disk after a power loss, worked out from what was done to it.
//
// The model is harsher than file systems are.  What was synced is there.  Of what was written after
// the last sync of its file any piece may be missing: each page (4 KiB) by itself, or all of a page
// behind one of its sectors (512 bytes); a file is as long as what is there, and holds zeros where
// something before is missing.  Of what was done to the directory after its last sync any beginning
// is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/support/faulty_disk.h"

namespace smtptape {

using DiskContent = std::map<std::string, std::string>;  // name, bytes

// The moment behind some first operations.
class PowerLoss {
 public:
  static constexpr std::uint64_t kPage = 4096;
  static constexpr std::uint64_t kSector = 512;

  explicit PowerLoss(std::span<const DiskOperation> done);

  // Written and not synced, in the order of writing: each at most a page.
  struct Piece {
    std::size_t file = 0;
    std::uint64_t offset = 0;
    std::string bytes;
  };
  [[nodiscard]] const std::vector<Piece>& unsynced() const { return unsynced_; }
  // Operations on the directory that are not synced.
  [[nodiscard]] std::size_t unsynced_names() const { return unsynced_names_.size(); }

  // How many bytes of each unsynced piece are there, and how many of the unsynced operations on the
  // directory.
  [[nodiscard]] DiskContent state(const std::vector<std::size_t>& kept, std::size_t names) const;

 private:
  void write(const DiskOperation& operation);
  void sync(std::size_t file);

  std::map<std::size_t, std::string> synced_;  // by file
  std::vector<Piece> unsynced_;
  std::map<std::string, std::size_t> names_;  // which file, as synced
  std::vector<DiskOperation> unsynced_names_;
};

}  // namespace smtptape
