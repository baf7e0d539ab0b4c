// The configuration as a file: read, parsed, and its mistakes told.
#include <string>
#include <utility>

#include "base/error.h"
#include "base/small_file.h"
#include "base/visible_text.h"
#include "cli/config/config.h"

namespace smtptape {

namespace fs = std::filesystem;

std::string text_of(const ConfigMistakes& mistakes, const fs::path& file) {
  std::string text;
  for (const ConfigMistake& mistake : mistakes) {
    if (!text.empty()) text += "\n";
    text += visible(file.string() + ":" + std::to_string(mistake.line) + ": " + mistake.text);
  }
  return text;
}

namespace {

// A file that can't be read is a mistake of whoever named it: nothing to try again.
std::string read_configuration(const fs::path& file) {
  try {
    return read_small_file(file, "a configuration");
  } catch (const Error& error) {
    throw UsageError(std::string("the configuration: ") + error.what());
  }
}

}  // namespace

Config load_config(const fs::path& file, SourcesIn sources, NamedFiles files) {
  auto result = parse_config(read_configuration(file), file, sources, files);
  if (auto* const mistakes = std::get_if<ConfigMistakes>(&result)) {
    throw ConfigError(text_of(*mistakes, file));
  }
  return std::get<Config>(std::move(result));
}

}  // namespace smtptape
