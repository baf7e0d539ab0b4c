// How a tape is laid out.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "format/limits.h"

namespace smtptape {

struct TapeOptions {
  std::uint64_t batch_bytes = kDefaultBatchBytes;  // of wire JSON: the most a crash can lose
  std::uint64_t group_bytes = kDefaultGroupBytes;  // of wire JSON: what a reader must hold
  int level = 3;                                   // of zstd: 1 where time counts, 5 gains nothing
  std::vector<std::string> indexed_keys;  // metadata keys whose values the session rows list
};

// Of a file that is written at once.
[[nodiscard]] inline TapeOptions file_options(std::vector<std::string> indexed_keys) {
  TapeOptions options;
  options.batch_bytes = kFileBatchBytes;
  options.indexed_keys = std::move(indexed_keys);
  return options;
}

}  // namespace smtptape
