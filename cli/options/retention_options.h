// --max-bytes, --max-age, --max-tapes, --keep-free, --keep-at-least: as words, and as limits, with
// the bounds of the keys of the same names (cli/config/config_keys.h).
#pragma once

#include <optional>
#include <string>

#include "cli/config/config.h"
#include "cli/options/mistakes.h"
#include "cli/options/options.h"
#include "store/keep/retention.h"

namespace smtptape {

struct RetentionOptions {
  std::optional<std::string> max_bytes;
  std::optional<std::string> max_age;
  std::optional<std::string> max_tapes;
  std::optional<std::string> keep_free;
  std::optional<std::string> keep_at_least;

  // `default_keep_free`: what holds without the option, for the help; empty: nothing.
  void describe(Options& options, const std::string& default_keep_free = {});
  // What was given, into the settings of the same names.
  void read(Mistakes& mistakes, StoreSettings& to) const;
  // What was not given is no limit.  Throws UsageError.
  [[nodiscard]] RetentionLimits limits() const;
};

}  // namespace smtptape
