#include "cli/text/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

namespace smtptape {

namespace {

// The first of these that is set decides.
std::string charset() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace

std::size_t terminal_columns() {
  constexpr std::size_t kUsual = 80;
  if (const char* const told = std::getenv("COLUMNS"); told != nullptr) {
    const unsigned long columns = std::strtoul(told, nullptr, 10);
    if (columns > 0) return columns;
  }
  winsize size{};
  // The first is the pager's where there is one.
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO})
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsual;
}

bool terminal_takes_utf8() {
  std::string name = charset();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return name.find("utf-8") != std::string::npos || name.find("utf8") != std::string::npos;
}

}  // namespace smtptape
