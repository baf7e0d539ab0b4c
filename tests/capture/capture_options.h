// How a test records.
#pragma once

#include <filesystem>
#include <string>

#include "capture/capture.h"

namespace smtptape {

[[nodiscard]] inline CaptureOptions recording_into(const std::filesystem::path& store) {
  CaptureOptions options;
  options.store = store;
  options.version = "test";
  return options;
}

inline void add_source(CaptureOptions& options, const std::string& name, const std::string& url) {
  SourceOptions& source = options.sources.emplace_back();
  source.name = name;
  source.endpoint = parse_endpoint(url);
}

}  // namespace smtptape
