// What an archive holds, made of a tape.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/temporary_file.h"
#include "base/zip_file.h"
#include "cli/run/draft.h"

namespace smtptape {

struct BundleMember {
  std::string name;
  ZipWriter::Packing packing = ZipWriter::Packing::Deflate;
  std::unique_ptr<TemporaryFile> made;  // null: it is …
  const TemporaryFile* tape = nullptr;  // … the draft's tape
  [[nodiscard]] const TemporaryFile& file() const { return made ? *made : *tape; }
};

struct BundleNames {
  std::string archive;  // its file's name
  std::string chosen;   // what chose the sessions; of a redacted one it is not told
};

struct BundleContent {
  std::vector<BundleMember> members;
  std::uint64_t page_misses = 0;  // sessions for which the page had no room
};

// The draft outlives it.  Throws Error when a member would tell what was taken out.
[[nodiscard]] BundleContent content_of(const Draft& draft, const BundleNames& names);

}  // namespace smtptape
