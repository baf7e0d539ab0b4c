// The part of retention that touches the disk: lists what of a store is ours, and deletes what
// store/keep/retention.h chose.
//
// Ours are regular files with the name of a tape, whatever state they are in, and the files that
// an unfinished copy of a tape leaves behind.  Links are not followed; nothing else is touched or
// counted.  A recorder may be writing meanwhile, others may read and delete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_calls.h"
#include "store/find/footers.h"
#include "store/keep/retention.h"

namespace smtptape {

// What an unfinished copy of a tape is called: "<tape>.partial-<number>".
[[nodiscard]] bool is_partial_name(std::string_view file_name);

// When a tape of this name was begun, ns since 1970; nullopt for what is no date.
[[nodiscard]] std::optional<std::int64_t> time_of_start(std::string_view start);

// Lists one store again and again: a tape that nobody writes and that has not changed is not opened
// again.
class StoreLister {
 public:
  explicit StoreLister(std::filesystem::path directory);

  // Throws Error when the directory can't be read.
  [[nodiscard]] std::vector<StoredFile> list(std::int64_t now);
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  class Walk;

  std::filesystem::path directory_;
  Footers footers_{0};  // of tapes that are there, and that nobody writes
};

// Throws Error.
[[nodiscard]] Space space_of(const std::filesystem::path& directory);

struct Removal {
  std::vector<Deletion> deleted;            // in a dry run: all of the plan
  std::vector<std::string> failed;          // one line each
  std::vector<std::filesystem::path> kept;  // that could not be deleted
};

// Deletes, and syncs the directory once.  What fails is reported, and the others go on; what is
// gone already is neither.
[[nodiscard]] Removal delete_files(const std::filesystem::path& directory,
                                   const std::vector<Deletion>& deletions,
                                   FileCalls& calls = system_file_calls());

struct PruneReport {
  RetentionPlan plan;
  Removal removal;
  Space space;  // before
};

// Lists, decides, deletes.  What can't be deleted is held, and it is decided again: then others go
// in its place, and the plan says what is really left.  Throws Error when the store can't be
// listed.
enum class DryRun : bool { No, Yes };
PruneReport prune(StoreLister& lister,
                  const RetentionLimits& limits,
                  std::int64_t now,
                  DryRun dry_run = DryRun::No,
                  FileCalls& calls = system_file_calls());

}  // namespace smtptape
