// Every recording of a real server, with every output that the real kcli gave for it.
#include <map>

#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

struct Row {
  std::string folder;
  std::string feed;
  std::string output;
  std::string options;
  int exit = 0;
};

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const char* const folder : {"basic", "tlsauth", "errors"}) {
    for (const auto& row : read_table(std::string("feeds/") + folder + "/INDEX.tsv", Header::Yes)) {
      all.push_back({folder, "raw.jsonl", row.at(0), row.at(1), 0});
    }
  }
  for (const char* const folder : {"slices", "handmade"}) {
    for (const auto& row : read_table(std::string("feeds/") + folder + "/INDEX.tsv", Header::Yes)) {
      all.push_back({folder, row.at(1), row.at(0), row.at(2), std::stoi(row.at(3))});
    }
  }
  return all;
}

// Imports are made once.
class Recordings : public ::testing::Test {
 protected:
  static const std::string& tape_of(const Row& row) {
    static TemporaryDirectory directory;
    static std::map<std::string, std::string> made;
    const std::string feed = "feeds/" + row.folder + "/" + row.feed;
    std::string& tape = made[feed];
    if (tape.empty()) {
      tape = directory / (std::to_string(made.size()) + ".tape");
      const Ran ran = smtptape("import", {golden_path(feed).string(), "-o", tape});
      EXPECT_EQ(ran.exit, 0) << ran.err;
    }
    return tape;
  }
};

TEST_F(Recordings, ReplayPrintsWhatKcliPrinted) {
  for (const Row& row : rows()) {
    const Ran ran =
        smtptape("replay --as-live --kcli-profile halfeven " + row.options, {tape_of(row)});
    EXPECT_EQ(ran.exit, row.exit) << row.folder << " " << row.output << " " << ran.err;
    const std::string want = read_file(golden_path("feeds/" + row.folder + "/" + row.output));
    EXPECT_TRUE(ran.out == want) << row.folder << "/" << row.output << ": " << row.options;
  }
}

TEST_F(Recordings, ExportGivesBackTheFrames) {
  for (const Row& row : rows()) {
    const std::string want = read_file(golden_path("feeds/" + row.folder + "/" + row.feed));
    if (row.output.find("plain") == std::string::npos) continue;  // once a feed
    const std::string& tape = tape_of(row);
    EXPECT_TRUE(smtptape("export", {tape}).out == want) << row.folder << "/" << row.feed;
    TemporaryDirectory directory;
    const std::string framed = smtptape("export --format frames", {tape}).out;
    const Ran again =
        smtptape({"import", "-", "--format", "frames", "-o", directory / "x.tape"}, framed);
    EXPECT_EQ(again.exit, 0) << again.err;
    EXPECT_TRUE(smtptape("export", {directory / "x.tape"}).out == want) << row.feed;
  }
}

TEST_F(Recordings, NoOrdinaryFrameIsKeptVerbatim) {
  for (const Row& row : rows()) {
    if (row.folder == "handmade") continue;
    const Ran ran = smtptape("info --json", {tape_of(row)});
    EXPECT_NE(ran.out.find("\"verbatim\":0,"), std::string::npos) << row.folder << ran.out;
  }
}

}  // namespace
}  // namespace smtptape::testing
