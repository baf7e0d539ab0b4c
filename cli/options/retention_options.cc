#include "cli/options/retention_options.h"

#include "base/error.h"
#include "base/time_spec.h"
#include "cli/options/mistakes.h"

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
  Mistakes mistakes;
  const auto read = [&mistakes](const std::optional<std::string>& text, auto&& parse) {
    if (text) mistakes.check([&] { parse(*text); });
  };
  read(max_bytes, [&](auto& text) { limits.max_bytes = parse_size(text, "--max-bytes"); });
  read(max_age, [&](auto& text) { limits.max_age = parse_duration_with_unit(text, "--max-age"); });
  read(max_tapes, [&](auto& text) { limits.max_tapes = parse_whole_number(text, "--max-tapes"); });
  read(keep_free, [&](auto& text) { limits.keep_free = parse_keep_free(text, "--keep-free"); });
  read(keep_at_least, [&](auto& text) {
    limits.keep_at_least = parse_duration_with_unit(text, "--keep-at-least");
  });
  mistakes.throw_if_any();
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
