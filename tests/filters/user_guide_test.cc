// docs/user-guide.md lists the filters as the property table has them.
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

}  // namespace
}  // namespace smtptape
