#include "cli/options/retention_options.h"

#include <string_view>
#include <utility>

#include "cli/config/config_value.h"

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

void RetentionOptions::read(Mistakes& mistakes, StoreSettings& to) const {
  const std::pair<std::string_view, const std::optional<std::string>&> flags[] = {
      {"--max-bytes", max_bytes},
      {"--max-age", max_age},
      {"--max-tapes", max_tapes},
      {"--keep-free", keep_free},
      {"--keep-at-least", keep_at_least}};
  for (const auto& [flag, text] : flags) {
    if (text) mistakes.check([&flag = flag, &text = text, &to] { read_flag(flag, *text, to); });
  }
}

RetentionLimits RetentionOptions::limits() const {
  StoreSettings settings;
  Mistakes mistakes;
  read(mistakes, settings);
  mistakes.throw_if_any();
  RetentionLimits limits;
  limits.max_bytes = settings.max_bytes;
  limits.max_age = settings.max_age;
  limits.max_tapes = settings.max_tapes;
  limits.keep_free = settings.keep_free;
  limits.keep_at_least = settings.keep_at_least.value_or(limits.keep_at_least);
  return limits;
}

}  // namespace smtptape
