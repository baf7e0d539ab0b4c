// Files that a person wrote, read as a whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace smtptape {

inline constexpr std::size_t kMostSmallFile = 1 << 20;

// Throws Error when it can't be read, is no file (a pipe would be waited for) or too large for
// `what`.
[[nodiscard]] std::string read_small_file(const std::filesystem::path& file, const char* what);

}  // namespace smtptape
