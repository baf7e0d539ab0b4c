// smtptape prune: what it deletes, what it prints, what it refuses.
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;

class PruneCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    const Ran ran =
        smtptape("import", {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape(1)});
    ASSERT_EQ(ran.exit, 0) << ran.err;
    write_file(tape(2), "what a crash left");
    write_file(directory_ / "notes.txt", "mine");
  }
  std::string tape(int number) const {
    return directory_ / ("mta-0000000" + std::to_string(number) + "-20260801T000000Z.tape");
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
      found.insert(entry.path().string());
    return found;
  }
  Ran prune(const std::string& options) const {
    return smtptape("prune " + options, {directory_.path().string()});
  }

  TemporaryDirectory directory_;
};

TEST_F(PruneCommand, PrintsWhatItDeletesAndTheTotals) {
  const Ran ran = prune("--max-tapes 1");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out,
              ::testing::MatchesRegex(".*mta-00000001-[^ ]*  [0-9.]+ KiB  [0-9dhms]+  "
                                      "max-tapes\n"));
  EXPECT_THAT(ran.err, ::testing::MatchesRegex("smtptape: deleted 1 file, .* KiB of .* KiB\n"));
  EXPECT_EQ(names(), (std::set{tape(2), directory_ / "notes.txt"}));
}

TEST_F(PruneCommand, ADryRunDeletesNothing) {
  const std::set<std::string> before = names();
  for (const char* const option : {"-n", "--dry-run"}) {
    const Ran ran = prune(std::string("--max-bytes 0 ") + option);
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(lines_of(ran.out).size(), 2U);
    EXPECT_THAT(ran.err, HasSubstr("would delete 2 files"));
    EXPECT_EQ(names(), before);
  }
}

TEST_F(PruneCommand, PrintsOneJsonObjectALine) {
  const Ran ran = prune("--max-bytes 0 --json --dry-run");
  const std::vector<std::string> lines = lines_of(ran.out);
  ASSERT_EQ(lines.size(), 3U);
  for (const std::string& line : lines)
    EXPECT_TRUE(line.starts_with(R"({"schema":"smtptape.prune/1","what":")")) << line;
  EXPECT_THAT(lines[0], HasSubstr(R"("reason":"max-bytes","read":false,"deleted":false})"));
  EXPECT_THAT(lines[2], HasSubstr(R"("what":"totals","deletions":2,)"));
}

TEST_F(PruneCommand, SaysWhichLimitCannotBeMet) {
  const Ran ran = prune("--keep-free 99% --keep-at-least 20000d");
  EXPECT_EQ(ran.exit, 3) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("keep-free: still short by "));
  EXPECT_THAT(ran.err, HasSubstr("2 tapes younger than keep-at-least"));
}

TEST_F(PruneCommand, WantsALimitAndAStore) {
  const std::set<std::string> before = names();
  for (const char* const options : {"", "--keep-at-least 1h", "-n"}) {
    const Ran ran = prune(options);
    EXPECT_EQ(ran.exit, 2);
    for (const char* const limit : {"--max-bytes", "--max-age", "--max-tapes", "--keep-free"})
      EXPECT_THAT(ran.err, HasSubstr(limit));
  }
  EXPECT_THAT(prune("--max-tapes few").err, HasSubstr("--max-tapes: \"few\" is not a number"));
  EXPECT_THAT(prune("--max-age 2y").err, HasSubstr("--max-age: \"2y\" is not a duration"));
  EXPECT_THAT(prune("--keep-free 100%").err, HasSubstr("--keep-free: \"100%\" is not a share"));
  EXPECT_EQ(smtptape("prune --max-tapes 1", {tape(1)}).exit, 1);
  EXPECT_EQ(smtptape("prune --max-tapes 1", {directory_ / "none"}).exit, 1);
  EXPECT_EQ(names(), before);
}

}  // namespace
}  // namespace smtptape::testing
