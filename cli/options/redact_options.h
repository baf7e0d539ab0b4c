// How a tape is redacted: --keep, --rules, --map.  What redact, extract and bundle share.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/options.h"
#include "share/redact/redact_tape.h"

namespace smtptape {

struct RedactOptions {
  std::vector<std::string> keep;
  std::optional<std::filesystem::path> rules_file;
  std::optional<std::filesystem::path> map_file;

  void describe(Options& options);
  // Something of it was given.
  [[nodiscard]] bool any() const { return !keep.empty() || rules_file || map_file; }
  // Throws UsageError for a class that there isn't, Error for a file that can't be read.
  [[nodiscard]] RedactionRules rules() const;
  // Of the map, if there is such a file already.
  [[nodiscard]] std::optional<PseudonymKey> key() const;
  // Writes the map, if one is asked for: 0600, whole or not at all.
  void write_map(const RedactedTape& redacted) const;
};

}  // namespace smtptape
