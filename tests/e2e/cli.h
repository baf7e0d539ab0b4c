// The program under test, with short names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/golden.h"
#include "tests/support/program.h"

namespace smtptape::testing {

inline Ran smtptape(const std::vector<std::string>& arguments, std::string_view input = {}) {
  return run_program(SMTPTAPE_PROGRAM, arguments, input);
}

inline Ran smtptape(const std::string& line, const std::vector<std::string>& more) {
  std::vector<std::string> words = shell_words(line);
  words.insert(words.end(), more.begin(), more.end());
  return smtptape(words);
}

// Without their ends; what follows the last line end is no line.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> all;
  std::size_t from = 0;
  for (std::size_t end = 0; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
    all.push_back(text.substr(from, end - from));
  }
  return all;
}

}  // namespace smtptape::testing
