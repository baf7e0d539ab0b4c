// --max-bytes, --max-age, --max-tapes, --keep-free, --keep-at-least: as words, and as limits.
#pragma once

#include <optional>
#include <string>

#include "capture/keep/retention.h"
#include "cli/options/options.h"

namespace smtptape {

struct RetentionOptions {
  std::optional<std::string> max_bytes;
  std::optional<std::string> max_age;
  std::optional<std::string> max_tapes;
  std::optional<std::string> keep_free;
  std::optional<std::string> keep_at_least;

  // `default_keep_free`: what holds without the option, for the help; empty: nothing.
  void describe(Options& options, const std::string& default_keep_free = {});
  // What was not given is no limit.  Throws UsageError.
  [[nodiscard]] RetentionLimits limits() const;
};

// A number of digits only.  Throws UsageError that names `option`.
[[nodiscard]] std::uint64_t parse_whole_number(std::string_view text, std::string_view option);

}  // namespace smtptape
