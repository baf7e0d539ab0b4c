// The configuration as a file: read, parsed, and its mistakes told.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/io.h"
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

constexpr std::size_t kMostFileBytes = 1 << 20;

// A named pipe would be waited for, also by the one who asks to stop.
UniqueFd open_regular_file(const fs::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) throw system_error("opening " + file.string(), errno);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    throw Error("opening " + file.string() + ": it is no file");
  }
  return fd;
}

std::string read_text(const fs::path& file) {
  FdSource source(open_regular_file(file), file.string());
  std::string text(kMostFileBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t got = source.read(text.data() + size, text.size() - size);
    if (got == 0) break;
    size += got;
  }
  if (size > kMostFileBytes) throw UsageError(file.string() + ": too large for a configuration");
  text.resize(size);
  return text;
}

// A file that can't be read is a mistake of whoever named it: nothing to try again.
std::string read_configuration(const fs::path& file) {
  try {
    return read_text(file);
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
