// What an archive holds, made of a tape.
#pragma once

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

// The draft outlives them.  Throws Error when one of them would tell what was taken out.
[[nodiscard]] std::vector<BundleMember> members_of(const Draft& draft, const BundleNames& names);

}  // namespace smtptape
