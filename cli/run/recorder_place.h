// Where a running recorder is asked: STORE, or --socket PATH.  What status, rotate and snapshot
// share.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/options/options.h"

namespace smtptape {

struct RecorderPlace {
  std::vector<std::string> stores;  // none or one
  std::string socket;

  void describe(Options& options, Options::Count stores_wanted);
  // Throws UsageError when nothing was named.
  [[nodiscard]] std::filesystem::path path() const;
  // "no recorder answers at PATH", and what to do
  [[nodiscard]] std::string nobody() const;
};

}  // namespace smtptape
