#include "cli/config/recorder_settings.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/time_spec.h"
#include "capture/feed/access_files.h"
#include "cli/config/config_keys.h"
#include "cli/version.h"

namespace smtptape {

namespace {

std::string about(const SourceSettings& source) {
  return "source " + source.name.value_or(source.endpoint.value_or(""));
}

void refuse(std::string_view option, const std::string& trouble) {
  if (!trouble.empty()) throw UsageError(std::string(option) + ": " + trouble);
}

}  // namespace

CheckedSource checked_source(const SourceSettings& from, const StoreSettings& store) {
  CheckedSource checked;
  SourceOptions& to = checked.options;
  to.endpoint = parse_endpoint(from.endpoint.value());
  to.honour = from.as_live.value_or(false) ? Honour::AsLive : Honour::Documented;
  to.request = request_from_options(from.filters, to.honour);
  to.request.terse = from.terse.value_or(false);
  to.name = from.name.value_or("");
  const auto made = [&] { return std::make_shared<AccessFiles>(from, to.endpoint); };
  const auto files = from.name ? with_context(about(from), made) : made();
  to.access = [files] { return files->read(); };
  try {
    static_cast<void>(to.access());
  } catch (const Error& error) {
    checked.trouble = about(from) + ": " + error.what();
  }
  for (const std::string& warning : files->warnings())
    checked.warnings.push_back(about(from) + ": " + warning);
  to.levels.bodies = from.bodies.value_or(store.bodies.value_or(Bodies::Full));
  to.levels.secrets = from.secrets.value_or(store.secrets.value_or(Secrets::Keep));
  return checked;
}

StoreSettings merged(const StoreSettings& flags, const StoreSettings& file) {
  StoreSettings settings = file;
  for (const ConfigKey<StoreSettings>& key : store_keys()) {
    std::visit(
        [&](auto field) {
          if constexpr (!std::is_same_v<decltype(field), std::size_t>) {
            if (flags.*field) settings.*field = flags.*field;
          }
        },
        key.field);
  }
  return settings;
}

std::string trouble_with_max_tapes(std::uint64_t max_tapes, std::uint64_t sources) {
  const std::uint64_t least = 2 * sources;
  if (max_tapes >= least) return {};
  return std::to_string(max_tapes) + " is too few for " + std::to_string(sources) +
         (sources == 1 ? " source" : " sources") +
         ": of each, one tape is being written and one that is sealed stays; give at least " +
         std::to_string(least);
}

StoreLimits limits_of(const StoreSettings& settings, std::uint64_t sources) {
  StoreLimits limits;
  limits.rotate_size = settings.rotate_size.value_or(limits.rotate_size);
  limits.rotate_interval = settings.rotate_interval.value_or(limits.rotate_interval);
  limits.rotate_aligned = settings.rotate_aligned.value_or(false);
  limits.retention.max_bytes = settings.max_bytes;
  limits.retention.max_age = settings.max_age;
  limits.retention.max_tapes = settings.max_tapes;
  limits.retention.keep_free = settings.keep_free.value_or(KeepFree{0, kDefaultKeepFreePercent});
  limits.retention.keep_at_least = settings.keep_at_least.value_or(limits.retention.keep_at_least);
  if (settings.max_bytes) {
    refuse("--max-bytes", trouble_with_max_bytes(*settings.max_bytes, sources));
    limits.rotate_size = std::min(limits.rotate_size, *settings.max_bytes / (4 * sources));
  }
  if (settings.max_tapes) {
    refuse("--max-tapes", trouble_with_max_tapes(*settings.max_tapes, sources));
  }
  limits.on_full = settings.on_full.value_or(OnFull::Drop);
  return limits;
}

RecorderSettings recorder_settings_of(const Config& config) {
  const StoreSettings& store = config.store;
  if (!store.store || store.store->empty()) {
    throw UsageError("--store DIR is missing: where the tapes go");
  }
  RecorderSettings settings;
  CaptureOptions& options = settings.options;
  for (const SourceSettings& source : config.sources) {
    CheckedSource checked = checked_source(source, store);
    options.sources.push_back(std::move(checked.options));
    std::move(
        checked.warnings.begin(), checked.warnings.end(), std::back_inserter(settings.warnings));
    if (!checked.trouble.empty()) settings.troubles.push_back(std::move(checked.trouble));
  }
  options.store = *store.store;
  options.version = kVersion;
  options.limits = limits_of(store, config.sources.size());
  options.max_frame = store.max_frame.value_or(options.max_frame);
  // A frame of the largest size fits beside the one that the writer has in hand.
  options.queue_bytes =
      store.queue_bytes.value_or(std::max(kDefaultQueueBytes, 2 * options.max_frame + kMiB));
  options.flush_interval = store.flush_interval.value_or(options.flush_interval);
  options.sync_interval = store.sync_interval.value_or(options.sync_interval);
  options.batch_bytes = store.batch_bytes.value_or(options.batch_bytes);
  options.group_bytes = store.group_bytes.value_or(options.group_bytes);
  options.listen_metrics = store.listen_metrics.value_or("");
  options.socket = store.socket;
  options.group_readable = store.group_readable.value_or(false);
  refuse("--queue-bytes", trouble_with_queue(options.queue_bytes, options.max_frame));
  return settings;
}

std::vector<std::string> what_takes_a_restart(const Config& running, const Config& read) {
  std::vector<std::string> names;
  for (const ConfigKey<StoreSettings>& key : store_keys()) {
    if (changes_on_reload(key.name)) continue;
    std::visit(
        [&](auto field) {
          if constexpr (!std::is_same_v<decltype(field), std::size_t>) {
            if (running.store.*field != read.store.*field) names.emplace_back(key.name);
          }
        },
        key.field);
  }
  if (running.sources != read.sources) names.emplace_back("source");
  return names;
}

}  // namespace smtptape
