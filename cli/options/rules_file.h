// The file of --rules: TOML, what of it is wrong is told with its line.
#pragma once

#include <filesystem>

#include "share/redact/rules.h"

namespace smtptape {

// Adds to `rules`.  Throws Error.
void read_rules(const std::filesystem::path& file, RedactionRules& rules);

}  // namespace smtptape
