#include "cli/text/question.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/io.h"
#include "base/visible_text.h"

namespace smtptape {

bool can_ask() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool ask(std::string_view question) {
  write_all(STDERR_FILENO, visible(question) + " [y/N] ", "standard error");
  std::string line;
  constexpr std::size_t kMostBytes = 1024;
  FdSource in(UniqueFd(::dup(STDIN_FILENO)), "standard input");
  char c = '\0';
  while (line.size() < kMostBytes && in.read(&c, 1) == 1 && c != '\n')
    line += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  line.erase(0, line.find_first_not_of(" \t"));
  line.erase(
      std::find_if(line.begin(), line.end(), [](char it) { return it == ' ' || it == '\r'; }),
      line.end());
  return line == "y" || line == "yes";
}

}  // namespace smtptape
