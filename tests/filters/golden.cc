#include "tests/filters/golden.h"

#include <cstddef>
#include <fstream>
#include <stdexcept>

namespace smtptape::testing {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> fields;
  while (true) {
    const std::size_t end = text.find(at);
    fields.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::vector<std::string>> golden_rows(std::string_view file) {
  const std::string path = SMTPTAPE_GOLDEN_DIR "/kcli/" + std::string(file);
  std::ifstream lines(path);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line);)
    rows.push_back(split(line, '\t'));
  if (rows.empty()) throw std::runtime_error("no rows in " + path);
  return rows;
}

}  // namespace smtptape::testing
