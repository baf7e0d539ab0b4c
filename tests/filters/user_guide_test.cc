// docs/user-guide.md lists the filters as the property table has them.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/property.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

TEST(UserGuide, ListsEveryFilterInTheOrderOfTheTable) {
  std::vector<std::string> expected;
  for (const Property& property : kProperties) {
    expected.push_back("| `" + std::string(property.flag) + "` | `" +
                       std::string(property.meta_key) + "` | " + std::string(property.help) + " |");
  }
  std::vector<std::string> listed;
  for (const std::string& line : testing::read_lines(SMTPTAPE_SOURCE_DIR "/docs/user-guide.md")) {
    if (line.starts_with("| `--") && line.ends_with(". |")) listed.push_back(line);
  }
  EXPECT_EQ(listed, expected);
}

std::vector<std::string> lines_of_all_examples() {
  std::vector<std::string> lines;
  const std::filesystem::path root = SMTPTAPE_SOURCE_DIR;
  const auto add = [&lines](const std::filesystem::path& file) {
    for (const std::string& line : testing::read_lines(file))
      lines.push_back(line);
  };
  add(root / "README.md");
  for (const char* const folder : {"docs", "samples", "cli/commands"}) {
    for (const auto& file : std::filesystem::directory_iterator(root / folder)) {
      const std::string kind = file.path().extension();
      if (kind == ".md" || kind == ".sh" || kind == ".cc") add(file.path());
    }
  }
  return lines;
}

// With the scope `event` a file of one tenant holds the AUTH lines of others.
// Of a format that keeps to sessions by itself.
bool is_of_sessions(const std::string& line) {
  for (const char* const format : {"html", "csv", "sessions.jsonl", "swaks", "pcapng"})
    if (line.find(std::string("--format ") + format) != std::string::npos) return true;
  return false;
}

TEST(Examples, OfFilesToHandOnKeepToTheSession) {
  std::size_t seen = 0;
  for (const std::string& line : lines_of_all_examples()) {
    const bool is_file =
        line.find(" > ") != std::string::npos || line.find(" -o ") != std::string::npos;
    const bool is_export = line.find("smtptape export ") != std::string::npos;
    if (is_export && is_file) {
      ++seen;
      const bool of_sessions = is_of_sessions(line);
      const std::string scope = of_sessions ? "--scope" : "--scope session";
      EXPECT_EQ(line.find(scope) != std::string::npos, !of_sessions) << line;
    }
    if (line.find("smtptape extract ") != std::string::npos) {
      EXPECT_EQ(line.find("--scope event"), std::string::npos) << line;
    }
  }
  EXPECT_GE(seen, 3U);
}

}  // namespace
}  // namespace smtptape
