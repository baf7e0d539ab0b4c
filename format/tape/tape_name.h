// The names of recorded tapes: they tell source and number without the file being opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtptape {

// "<source>-<number, 8 digits>-<UTC start>.tape": sorted by name is in order, source by source.
struct TapeName {
  std::string source;  // as it stands in file names: see file_name_of_source()
  std::uint64_t number = 0;
  std::string start;  // "20260804T210000Z"
  bool operator==(const TapeName&) const = default;
};
[[nodiscard]] std::string to_file_name(const TapeName& name);
[[nodiscard]] std::optional<TapeName> parse_tape_name(std::string_view file_name);
// Bytes outside of A-Za-z0-9._- become _XX, as does an underscore that would read as such.  Throws
// UsageError for a name that is empty or too long for a file.
[[nodiscard]] std::string file_name_of_source(std::string_view source);
[[nodiscard]] std::string tape_start_text(std::int64_t unix_nanos);

}  // namespace smtptape
