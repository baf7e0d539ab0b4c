// Reads the tables and transcripts under tests/golden.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

using Row = std::vector<std::string>;

// The bytes of a file; `path` is relative to tests/golden.  Ends the test program if it is missing.
std::string read_golden(const std::string& path);
// Rows of a table whose cells are separated by tabs; a heading is a row like any other.
std::vector<Row> read_table(const std::string& path);
// The lines of a feed, one frame each.
std::vector<std::string_view> split_frames(std::string_view feed);

}  // namespace smtptape
