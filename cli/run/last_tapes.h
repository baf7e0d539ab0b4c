// The newest tape of each source of a store: what is known when no recorder answers.  Only headers
// and footers are read, so that it takes no time however large the tapes are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "format/tape/tape_info.h"

namespace smtptape {

struct NewestTape {
  std::filesystem::path path;
  std::string source;
  std::string state;               // "sealed", "not sealed", "being written", "unreadable"
  std::uint64_t bytes = 0;         // of the file
  std::optional<std::int64_t> at;  // sealed, or last written to
  std::optional<Ledger> ledger;    // of a sealed one
  std::optional<std::int64_t> last_received;
};

// By source.  Throws Error when the directory can't be read.
[[nodiscard]] std::vector<NewestTape> last_tapes(const std::filesystem::path& store);

[[nodiscard]] std::string text_of(const NewestTape& tape);  // one line
[[nodiscard]] std::string json_of(const NewestTape& tape);  // an object

}  // namespace smtptape
