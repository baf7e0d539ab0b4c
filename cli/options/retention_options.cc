#include "cli/options/retention_options.h"

#include "base/error.h"
#include "base/time_spec.h"

namespace smtptape {

void RetentionOptions::describe(Options& options, const std::string& default_keep_free) {
  options.value(
      "--max-bytes", max_bytes, "SIZE", "Keep so many bytes of tapes, all sources together");
  options.value("--max-age", max_age, "TIME", "Keep tapes that ended so long ago, or later");
  options.value("--max-tapes", max_tapes, "N", "Keep so many tapes");
  options.value("--keep-free",
                keep_free,
                "SHARE",
                "Leave so much of the file system free, as 5% or a size" +
                    (default_keep_free.empty() ? "" : " (default: " + default_keep_free + ")"));
  options.value("--keep-at-least",
                keep_at_least,
                "TIME",
                "--keep-free deletes nothing younger (default: 24h)");
}

RetentionLimits RetentionOptions::limits() const {
  RetentionLimits limits;
  if (max_bytes) limits.max_bytes = parse_size(*max_bytes, "--max-bytes");
  if (max_age) limits.max_age = parse_duration_with_unit(*max_age, "--max-age");
  if (max_tapes) limits.max_tapes = parse_whole_number(*max_tapes, "--max-tapes");
  if (keep_free) limits.keep_free = parse_keep_free(*keep_free, "--keep-free");
  if (keep_at_least)
    limits.keep_at_least = parse_duration_with_unit(*keep_at_least, "--keep-at-least");
  return limits;
}

std::uint64_t parse_whole_number(std::string_view text, std::string_view option) {
  constexpr std::size_t kMostDigits = 18;
  const bool number = !text.empty() && text.size() <= kMostDigits &&
                      text.find_first_not_of("0123456789") == std::string_view::npos;
  if (number) return std::stoull(std::string(text));
  throw UsageError(std::string(option) + ": \"" + std::string(text) +
                   "\" is not a number; give 100, for example");
}

}  // namespace smtptape
