// What is read is never written to, and what is read can come from a pipe.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class OwnFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(store_);
    ASSERT_EQ(smtptape("import", {feed_, "-o", tape_}).exit, 0);
    before_ = read_file(tape_);
  }
  // With the tape as $T, the directory as $D and the program as $S.
  [[nodiscard]] Ran shell(const std::string& script) const {
    return run_program("/bin/bash",
                       {"-c",
                        "S=$0 T=$1 D=$2; cd $D; " + script,
                        SMTPTAPE_PROGRAM,
                        tape_,
                        directory_.path().string()});
  }
  void expect_refused(const std::string& script) const {
    SCOPED_TRACE(script);
    const Ran ran = shell(script);
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("which is read"));
    EXPECT_TRUE(read_file(tape_) == before_);
  }

  TemporaryDirectory directory_;
  std::string feed_ = golden_path("feeds/basic/raw.jsonl").string();
  std::string store_ = directory_ / "store";
  std::string tape_ = directory_ / "store/night.tape";
  std::string before_;
};

TEST_F(OwnFiles, AreNeverTheOutputByWhateverName) {
  fs::create_hard_link(tape_, directory_ / "hard.tape");
  fs::create_symlink(tape_, directory_ / "soft.tape");
  const std::vector<std::string> names{"$T",
                                       "store/../store/night.tape",
                                       "hard.tape",
                                       "soft.tape",
                                       "/proc/self/fd/5",
                                       "/dev/fd/5",
                                       "- >>$T",
                                       "/dev/stdout >>hard.tape"};
  for (const std::string& name : names) {
    for (const std::string command : {"extract $T -o ", "export store -o ", "extract - -o "}) {
      expect_refused("$S " + command + name + " 5<>$T <$T");
      expect_refused("$S " + command + name + " --force 5<>$T <$T");
    }
  }
}

TEST_F(OwnFiles, AreTheOutputOfNoCommand) {
  fs::create_hard_link(tape_, directory_ / "hard.tape");
  expect_refused("$S import $T -o $T --force");
  expect_refused("$S import - -o hard.tape --force <$T");
  expect_refused("$S snapshot store -o hard.tape --force");
  expect_refused("$S recover store -o store");
  expect_refused("$S recover $T -o store/.");
  expect_refused("$S compact store -o store");
  expect_refused("mkdir other; ln $T other/night.tape; $S compact store -o other");
  for (const std::string command : {"replay", "info", "verify", "export", "replay --follow"})
    expect_refused("$S " + command + " $T 1<>hard.tape");
  expect_refused("$S replay store >>hard.tape");
}

TEST_F(OwnFiles, CanBeCompactedInPlaceAlsoBehindALink) {
  fs::create_symlink(tape_, directory_ / "soft.tape");
  EXPECT_EQ(shell("$S compact --replace soft.tape").exit, 0);
  EXPECT_TRUE(fs::is_symlink(directory_ / "soft.tape"));
}

TEST_F(OwnFiles, OfADirectoryThatWasMadeForNothingNothingStays) {
  EXPECT_EQ(smtptape("recover none.tape -o", {directory_ / "new"}).exit, 1);
  std::ofstream(directory_ / "no.tape") << "this is no tape, but it is long enough";
  EXPECT_EQ(smtptape("recover -o", {directory_ / "new", directory_ / "no.tape"}).exit, 1);
  EXPECT_FALSE(fs::exists(directory_ / "new"));
}

TEST_F(OwnFiles, CopiesAreForTheirOwnerAlone) {
  EXPECT_EQ(shell("umask 0; $S recover $T -o a && $S compact $T -o b").exit, 0);
  for (const std::string made : {"a", "b"}) {
    EXPECT_EQ(fs::status(directory_ / made).permissions(), fs::perms(0700));
    EXPECT_EQ(fs::status(directory_ / (made + "/night.tape")).permissions(), fs::perms(0600));
  }
}

TEST_F(OwnFiles, GoToStandardOutputWhereThatMakesSense) {
  const std::string whole = read_file(feed_);
  EXPECT_TRUE(shell("$S export $T -o -").out == whole);
  EXPECT_TRUE(shell("$S extract $T -o - | $S export -").out == whole);
  EXPECT_TRUE(shell("$S export $T | $S import - -o - | $S export -").out == whole);
  EXPECT_EQ(shell("$S extract $T --tenant nobody -o -").out, "") << "not half a tape";
  for (const std::string command : {"recover $T -o -", "compact $T -o -", "snapshot store -o -"}) {
    const Ran ran = shell("$S " + command);
    EXPECT_EQ(ran.exit, 2);
    EXPECT_THAT(ran.err, HasSubstr("name"));
  }
  EXPECT_FALSE(fs::exists(directory_ / "-"));
  const Ran empty = shell("$S export $T -o ''");
  EXPECT_EQ(empty.exit, 2);
  EXPECT_THAT(empty.err, HasSubstr("names no file"));
  const Ran behind = shell("$S extract $T -o /proc/self/fd/5 --force 5<>other.tape");
  EXPECT_EQ(behind.exit, 2);
  EXPECT_THAT(behind.err, HasSubstr("no file can be put there"));
}

TEST_F(OwnFiles, HoldNoMessagesWhereADescriptorIsClosed) {
  EXPECT_EQ(shell("$S import " + feed_ + " -o a.tape 2>&-").exit, 0);
  EXPECT_EQ(shell("$S import " + feed_ + " -o b.tape <&- >&- 2>&-").exit, 0);
  const Ran ran = shell("$S verify a.tape b.tape");
  EXPECT_EQ(ran.exit, 0) << ran.out;
  const Ran closed = shell("$S replay $T >&-");
  EXPECT_EQ(closed.exit, 1);
  EXPECT_THAT(closed.err, HasSubstr("writing standard output"));
  const Ran no_input = shell("$S import - -o c.tape <&-");
  EXPECT_EQ(no_input.exit, 1) << "not an empty feed";
}

// Each is read several times: to see what it is, to choose, to print.
TEST_F(OwnFiles, CanBePipes) {
  const std::string whole = shell("$S replay $T").out;
  ASSERT_FALSE(whole.empty());
  EXPECT_TRUE(shell("$S replay <(cat $T)").out == whole);
  EXPECT_TRUE(shell("cat $T | $S replay /dev/stdin").out == whole);
  EXPECT_TRUE(shell("mkfifo f; cat $T >f & $S replay f").out == whole);
  EXPECT_TRUE(shell("cat $T | $S replay --recovery strict /dev/stdin").out == whole);
  EXPECT_TRUE(shell("$S replay <(cat $T) <(cat $T)").out == whole);
  EXPECT_TRUE(shell("$S export --scope session --tenant acme <(cat $T)").out ==
              shell("$S export --scope session --tenant acme $T").out);
  EXPECT_THAT(shell("$S info <(cat $T)").out, HasSubstr(": sealed"));
  EXPECT_THAT(shell("cat $T | $S verify /dev/stdin").out, HasSubstr("/dev/stdin: sealed"));
  EXPECT_EQ(shell("$S extract <(cat $T) -o x.tape; $S export x.tape").out, read_file(feed_));
  EXPECT_EQ(shell("$S import <(cat " + feed_ + ") -o y.tape; $S export y.tape").out,
            read_file(feed_));
}

TEST_F(OwnFiles, ThatCanBeReadOnlyOnceAreRefusedWhereThatIsNotEnough) {
  const auto refusal = [this](const std::string& script) {
    const Ran ran = shell(script);
    EXPECT_EQ(ran.exit, 2) << script;
    EXPECT_EQ(ran.out, "");
    return ran.err;
  };
  EXPECT_THAT(refusal("cat $T | $S replay /dev/stdin -"), HasSubstr("read only once"));
  EXPECT_THAT(refusal("cat $T | $S replay - -"), HasSubstr("read only once"));
  EXPECT_THAT(refusal("$S replay /dev/null"), HasSubstr("is a device"));
  EXPECT_THAT(refusal("$S info /dev/zero"), HasSubstr("is a device"));
  EXPECT_THAT(refusal("cat $T | $S recover /dev/stdin -o copies"), HasSubstr("is a pipe"));
  EXPECT_THAT(refusal("cat $T | $S compact /dev/stdin --replace"), HasSubstr("is a pipe"));
  EXPECT_THAT(refusal("cat $T | $S replay --follow /dev/stdin"), HasSubstr("be followed"));
}

}  // namespace
}  // namespace smtptape::testing
