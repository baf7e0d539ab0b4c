#include "base/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/error.h"
#include "base/io.h"

namespace smtptape {

namespace {

UniqueFd open_regular_file(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) throw system_error("opening " + file.string(), errno);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    throw Error("opening " + file.string() + ": it is no file");
  }
  return fd;
}

}  // namespace

std::string read_small_file(const std::filesystem::path& file, const char* what) {
  FdSource source(open_regular_file(file), file.string());
  std::string text(kMostSmallFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const std::size_t got = source.read(text.data() + size, text.size() - size);
    if (got == 0) break;
    size += got;
  }
  if (size > kMostSmallFile) throw Error(file.string() + ": too large for " + what);
  text.resize(size);
  return text;
}

}  // namespace smtptape
