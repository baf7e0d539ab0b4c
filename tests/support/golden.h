// The checked-in tables, transcripts and recordings under tests/golden.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape::testing {

[[nodiscard]] std::filesystem::path golden_path(std::string_view relative);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
// Without line ends; a missing last newline makes no difference.
[[nodiscard]] std::vector<std::string> read_lines(const std::filesystem::path& path);
// Rows of a table, split at tabs; `header`: the first row names the columns and is left out.
enum class Header : bool { No, Yes };
[[nodiscard]] std::vector<std::vector<std::string>> read_table(std::string_view relative,
                                                               Header header);
// The text of one JSON string, quotes included.
[[nodiscard]] std::string unquote(std::string_view json_string);
// Every frame of every recording and transcript: a varied corpus for property tests.
[[nodiscard]] std::vector<std::string> all_golden_frames();

}  // namespace smtptape::testing
