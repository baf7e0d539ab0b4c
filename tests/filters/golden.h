// Reads the rows of tests/golden/kcli/*.tsv.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smtptape::testing {

// The fields of each line, split at tabs; a missing last field is empty.
[[nodiscard]] std::vector<std::vector<std::string>> golden_rows(std::string_view file);

[[nodiscard]] std::vector<std::string> split(std::string_view text, char at);

}  // namespace smtptape::testing
