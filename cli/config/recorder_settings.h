// From settings, wherever they were given, to what a recorder runs with.  Flags beat the
// configuration file; what neither gives has its default here.
#pragma once

#include <string>
#include <vector>

#include "capture/capture.h"
#include "cli/config/config.h"

namespace smtptape {

// What `flags` gives, else what `file` gives.
[[nodiscard]] StoreSettings merged(const StoreSettings& flags, const StoreSettings& file);

// Throw UsageError for what can't be.
// With max_bytes a tape is at most a quarter of what each source may have: tapes are deleted whole.
// Of each source one tape is being written, and one that is sealed must stay beside it.
// What is wrong with so many, for so many sources; empty: nothing.
[[nodiscard]] std::string trouble_with_max_tapes(std::uint64_t max_tapes, std::uint64_t sources);
[[nodiscard]] StoreLimits limits_of(const StoreSettings& settings, std::uint64_t sources);
struct RecorderSettings {
  CaptureOptions options;
  std::vector<std::string> warnings;  // of all sources, as below
  std::vector<std::string> troubles;  // of those that have one
};
[[nodiscard]] RecorderSettings recorder_settings_of(const Config& config);

// Looks at the files of its credentials, too, which are read again at each attempt to connect.
struct CheckedSource {
  SourceOptions options;
  std::vector<std::string> warnings;  // what is odd about it, one line each: to be told once
  std::string trouble;                // why it could not connect now; else empty
};
// `store`: what holds where the source says nothing of its own.
[[nodiscard]] CheckedSource checked_source(const SourceSettings& source,
                                           const StoreSettings& store);

// What differs and takes a restart: the names of keys, "source" for all about the sources.
[[nodiscard]] std::vector<std::string> what_takes_a_restart(const Config& running,
                                                            const Config& read);

}  // namespace smtptape
