// What of the chosen sessions is copied: what extract and bundle share.
#pragma once

#include <optional>
#include <string>

#include "cli/options/options.h"
#include "cli/run/extraction.h"

namespace smtptape {

struct ExtractOptions {
  std::optional<std::string> limit;
  std::optional<std::string> neighbours;
  std::optional<std::string> good;
  std::string bodies = "full";
  std::string secrets = "keep";

  void describe_limit(Options& options, const std::string& help);
  void describe(Options& options);
  // Throws UsageError for what makes no sense.
  void apply_to(ExtractWishes& wishes) const;
};

}  // namespace smtptape
