// What a trial counted, for docs/durability.md: a file NAME.tsv in the directory that the
// environment variable SMTPTAPE_TRIALS names, and a line on standard output.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtptape {

class TrialFigures {
 public:
  explicit TrialFigures(std::string name) : name_(std::move(name)) {}
  void add(std::string_view what, std::uint64_t value) {
    figures_.emplace_back(what, std::to_string(value));
  }
  ~TrialFigures() {
    std::string line = name_ + ":";
    for (const auto& [what, value] : figures_)
      line += " " + what + " " + value + ";";
    std::puts(line.c_str());
    const char* const directory = std::getenv("SMTPTAPE_TRIALS");
    if (directory == nullptr || *directory == '\0') return;
    std::ofstream file(std::string(directory) + "/" + name_ + ".tsv");
    for (const auto& [what, value] : figures_)
      file << what << '\t' << value << '\n';
  }
  TrialFigures(const TrialFigures&) = delete;
  TrialFigures& operator=(const TrialFigures&) = delete;

 private:
  std::string name_;
  std::vector<std::pair<std::string, std::string>> figures_;
};

}  // namespace smtptape
