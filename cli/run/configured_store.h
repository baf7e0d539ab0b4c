// The store that the configuration names, for commands that were given no tape.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/options/options.h"

namespace smtptape {

struct StoreOption {
  std::optional<std::filesystem::path> config;

  void describe(Options& options);
  // Throws UsageError when it names none.
  [[nodiscard]] std::string store() const;
};

}  // namespace smtptape
