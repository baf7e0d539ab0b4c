// Runs the built program as a user would, in a temporary directory.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace smtptape::testing {

struct Ran {
  int exit = -1;  // 128 + n: ended by signal n
  std::string out;
  std::string err;
};

// What the program's standard output is.
enum class Output { Pipe, Terminal };

// Ends after `within` at the latest, by SIGKILL.
[[nodiscard]] Ran run_program(const std::filesystem::path& program,
                              const std::vector<std::string>& arguments,
                              std::string_view standard_input = {},
                              std::chrono::seconds within = std::chrono::seconds(30),
                              Output output = Output::Pipe);

// Shell words: spaces and single quotes.
[[nodiscard]] std::vector<std::string> shell_words(std::string_view line);

void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace smtptape::testing
