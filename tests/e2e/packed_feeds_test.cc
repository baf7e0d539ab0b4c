// What people give to import: packed files, tapes, and files that are something else.
#include <chrono>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;

class PackedFeeds : public ::testing::Test {
 protected:
  // $S the program, $F a feed; in the test's directory.
  [[nodiscard]] Ran shell(const std::string& script) const {
    return run_program(
        "/bin/bash",
        {"-c", "S=$0 F=$1; cd $2; " + script, SMTPTAPE_PROGRAM, feed_, directory_.path().string()});
  }
  [[nodiscard]] bool wrote(const std::string& name) const {
    return std::filesystem::exists(directory_ / name);
  }

  TemporaryDirectory directory_;
  std::string feed_ = golden_path("feeds/basic/raw.jsonl").string();
  std::string whole_ = read_file(feed_);
};

TEST_F(PackedFeeds, AreImportedWhateverTheyAreCalled) {
  const std::vector<std::string> scripts{
      "zstd -q $F -o night.jsonl.zst",
      "gzip -c $F > night.jsonl.gz",
      "(head -n 5 $F | zstd -qc; tail -n +6 $F | zstd -qc) > night.jsonl",
      "(head -n 5 $F | gzip -c; tail -n +6 $F | gzip -c) > night"};
  for (const std::string& pack : scripts) {
    const Ran ran = shell("rm -f night*; " + pack + "; $S import night* -o night.tape");
    EXPECT_EQ(ran.exit, 0) << pack << ran.err;
    EXPECT_TRUE(shell("$S export night.tape").out == whole_) << pack;
    EXPECT_THAT(shell("$S info night.tape").out, HasSubstr("source    night (imported)"));
    EXPECT_TRUE(shell("cat [!.]*[!e] | $S import - -o - | $S export -").out == whole_) << pack;
  }
}

TEST_F(PackedFeeds, ThatAreCutOrDamagedLeaveNothing) {
  for (const std::string pack : {"zstd -qc $F", "gzip -c $F"}) {
    const Ran ran = shell(pack + " | head -c 2000 | $S import - -o x.tape");
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err, HasSubstr("is cut off"));
    EXPECT_FALSE(wrote("x.tape"));
  }
}

TEST_F(PackedFeeds, ThatAreNoneAreRefusedWithWhatToDo) {
  const Ran tape = shell("$S import $F -o x.tape; $S import x.tape -o y.tape");
  EXPECT_EQ(tape.exit, 1);
  EXPECT_THAT(tape.err, HasSubstr("is a tape already; smtptape replay"));
  const Ran utf16 = shell("iconv -t UTF-16 $F | $S import - -o y.tape");
  EXPECT_EQ(utf16.exit, 1);
  EXPECT_THAT(utf16.err, HasSubstr("iconv"));
  EXPECT_FALSE(wrote("y.tape"));
}

TEST_F(PackedFeeds, AreIncompleteWhereHardlyALineIsAnEvent) {
  const Ran text = shell("seq 100 | $S import - -o x.tape");
  EXPECT_EQ(text.exit, 3);
  EXPECT_THAT(text.err, HasSubstr("100 of 100 frames are no events of the feed"));
  const Ran few = shell("seq 4 | $S import - -o few.tape");
  EXPECT_EQ(few.exit, 0) << "that says nothing";
  const Ran some = shell("(echo garbage; cat $F) | $S import - -o x.tape --force");
  EXPECT_EQ(some.exit, 0) << "a bad line is kept, and no reason to doubt";
  const Ran marked = shell("(printf '\\xef\\xbb\\xbf'; cat $F) | $S import - -o y.tape");
  EXPECT_EQ(marked.exit, 0);
  EXPECT_THAT(marked.err, HasSubstr("byte order mark"));
  EXPECT_TRUE(shell("$S export y.tape").out == whole_);
}

TEST_F(PackedFeeds, ThatExportMadeAreTheLines) {
  ASSERT_EQ(shell("$S import $F -o night.tape").exit, 0);
  const Ran ran = shell("$S export night.tape --format jsonl.zst -o night.jsonl.zst");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_TRUE(shell("zstd -dc night.jsonl.zst").out == whole_);
  EXPECT_TRUE(shell("$S export night.tape --format jsonl.zst | zstd -dc").out == whole_);
  EXPECT_LT(std::filesystem::file_size(directory_ / "night.jsonl.zst"), whole_.size() / 5);
  EXPECT_EQ(shell("stat -c %a night.jsonl.zst").out, "600\n");
  EXPECT_EQ(shell("$S import night.jsonl.zst -o again.tape").exit, 0);
  EXPECT_TRUE(shell("$S export again.tape").out == whole_);
  const std::string filtered = "--code 5xx --until @1900000000";
  EXPECT_EQ(shell("$S export night.tape --format jsonl.zst " + filtered + " | zstd -dc").out,
            shell("$S export night.tape " + filtered).out);
}

TEST_F(PackedFeeds, ThatExportMadeOfNothingAreWhole) {
  ASSERT_EQ(shell("$S import $F -o night.tape").exit, 0);
  const Ran ran =
      shell("$S export night.tape --tenant nobody --scope strict --format jsonl.zst -o x");
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.err, HasSubstr("nothing was found in 1 tape"));
  const Ran unpacked = shell("zstd -dc < x");
  EXPECT_EQ(unpacked.exit, 0) << unpacked.err;
  EXPECT_EQ(unpacked.out, "");
  const Ran again = shell("$S import x -o none.tape && $S export none.tape");
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(again.out, "");
}

TEST_F(PackedFeeds, AreNotMadeOfWhatLinesCantHoldNorOverAnInput) {
  ASSERT_EQ(shell("$S import $F -o night.tape; cp night.tape before").exit, 0);
  EXPECT_EQ(shell("$S export night.tape --format jsonl.zst -o night.tape --force").exit, 2);
  EXPECT_EQ(shell("cmp night.tape before").exit, 0);
  ASSERT_EQ(
      shell("printf '\\001\\003\\000\\000\\000a\\nb' | $S import - --format frames -o x.tape").exit,
      0);
  const Ran ran = shell("$S export x.tape --format jsonl.zst -o x.jsonl.zst");
  EXPECT_EQ(ran.exit, 1) << ran.err;
  EXPECT_FALSE(wrote("x.jsonl.zst"));
}

TEST_F(PackedFeeds, AreNothingForATerminal) {
  ASSERT_EQ(shell("$S import $F -o night.tape").exit, 0);
  const Ran ran = run_program(SMTPTAPE_PROGRAM,
                              {"export", directory_ / "night.tape", "--format", "jsonl.zst"},
                              {},
                              std::chrono::seconds(30),
                              Output::Terminal);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("a packed file is nothing for a terminal"));
}

}  // namespace
}  // namespace smtptape::testing
