// What an operator does after a bad night: verify, recover, compact.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class Soundness : public ::testing::Test {
 protected:
  void SetUp() override {
    const Ran ran = smtptape("import", {feed_, "-o", tape_});
    ASSERT_EQ(ran.exit, 0) << ran.err;
  }
  // One bit in the middle of the payload.
  void damage() {
    std::string bytes = read_file(tape_);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    std::ofstream(tape_, std::ios::binary) << bytes;
  }

  TemporaryDirectory directory_;
  std::string feed_ = golden_path("feeds/basic/raw.jsonl").string();
  std::string tape_ = directory_ / "night.tape";
  std::string copies_ = directory_ / "copies";
};

TEST_F(Soundness, VerifyIsContentWithASoundTape) {
  const Ran ran = smtptape("verify", {tape_});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.out, HasSubstr("sealed"));
  EXPECT_EQ(smtptape("verify --quiet", {tape_}).out, "");
}

TEST_F(Soundness, VerifyNamesPlaceAndLossOfDamage) {
  damage();
  const Ran ran = smtptape("verify --quiet", {tape_});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.out, HasSubstr(tape_ + ": damaged"));
  EXPECT_THAT(ran.out, HasSubstr("events lost"));
}

TEST_F(Soundness, VerifyGoesOnBehindWhatIsNoTape) {
  std::ofstream(directory_ / "a.tape") << "somebody else's file, which is no tape at all";
  const Ran ran = smtptape("verify", {directory_.path().string()});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.out, HasSubstr("a.tape"));
  EXPECT_THAT(ran.out, HasSubstr(tape_ + ": sealed"));
  EXPECT_EQ(smtptape("verify", {directory_ / "a.tape"}).exit, 1);
}

TEST_F(Soundness, AStoreIsReadAlthoughSomethingElseLiesInIt) {
  std::ofstream(directory_ / "a.tape") << "somebody else's file, which is no tape at all";
  std::ofstream(directory_ / "empty.tape");
  fs::create_symlink("/nowhere", directory_ / "link.tape");
  fs::create_directory(directory_ / "directory.tape");
  const Ran ran = smtptape("export", {directory_.path().string()});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_EQ(ran.out, read_file(feed_));
  EXPECT_THAT(ran.err, HasSubstr("a.tape: not a smtptape tape; passed over"));
  EXPECT_EQ(smtptape("export", {directory_ / "a.tape"}).exit, 1);
  const Ran info = smtptape("info", {directory_.path().string()});
  EXPECT_EQ(info.exit, 3);
  EXPECT_THAT(info.out, HasSubstr(tape_ + ": sealed"));
}

TEST_F(Soundness, RecoverCopiesWhatIsGoodAndLeavesTheOriginalAlone) {
  damage();
  const std::string before = read_file(tape_);
  const Ran ran = smtptape("recover -o", {copies_, tape_});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("events are lost"));
  EXPECT_EQ(read_file(tape_), before);
  EXPECT_EQ(smtptape("verify", {copies_}).exit, 0);
  EXPECT_THAT(smtptape("info", {copies_}).out, HasSubstr("disk"));
  EXPECT_EQ(smtptape("export", {copies_}).out, smtptape("export", {tape_}).out);
}

TEST_F(Soundness, RecoverOfASoundTapeLosesNothing) {
  EXPECT_EQ(smtptape("recover -o", {copies_, tape_}).exit, 0);
  EXPECT_EQ(smtptape("export", {copies_}).out, read_file(feed_));
}

TEST_F(Soundness, RecoverNeverWritesOverAFile) {
  EXPECT_EQ(smtptape("recover -o", {copies_, tape_}).exit, 0);
  const Ran again = smtptape("recover -o", {copies_, tape_});
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.err, HasSubstr("exists"));
}

// Small groups, so that something stands behind the damage, and a store of one tape.
class Recovery : public Soundness {
 protected:
  void SetUp() override {
    bytes_ = read_file(golden_path("tapes/version-1-recorded.tape"));
    frames_ = read_lines(golden_path("tapes/version-1.jsonl"));
    bytes_[bytes_.size() / 2] = static_cast<char>(bytes_[bytes_.size() / 2] ^ 4);
    std::ofstream(tape_, std::ios::binary) << bytes_;
  }
  [[nodiscard]] std::size_t common_start(const std::vector<std::string>& got) const {
    const auto differ = std::mismatch(got.begin(), got.end(), frames_.begin(), frames_.end());
    return static_cast<std::size_t>(differ.first - got.begin());
  }
  std::string bytes_;
  std::vector<std::string> frames_;
};

TEST_F(Recovery, SkipGoesOnBehindTheDamage) {
  const Ran ran = smtptape("export", {tape_});
  EXPECT_EQ(ran.exit, 3);
  const auto got = lines_of(ran.out);
  EXPECT_LT(common_start(got), got.size());
  EXPECT_EQ(got.back(), frames_.back());
}

TEST_F(Recovery, TailEndsAtTheDamage) {
  const Ran ran = smtptape("export --recovery tail", {tape_});
  EXPECT_EQ(ran.exit, 3);
  const auto got = lines_of(ran.out);
  EXPECT_GT(got.size(), 0U);
  EXPECT_EQ(common_start(got), got.size());
  EXPECT_LT(got.size(), lines_of(smtptape("export", {tape_}).out).size());
}

TEST_F(Recovery, StrictPrintsNothing) {
  const Ran ran = smtptape("export --recovery strict", {tape_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr(tape_ + " at "));
  const Ran piped = run_program(SMTPTAPE_PROGRAM, {"replay", "-", "--recovery", "strict"}, bytes_);
  EXPECT_EQ(piped.exit, 1);
  EXPECT_EQ(piped.out, "");
}

TEST_F(Recovery, AnotherWordIsWrongUsage) {
  EXPECT_EQ(smtptape("replay --recovery all", {tape_}).exit, 2);
}

TEST_F(Soundness, CompactLeavesDamagedTapesAlone) {
  damage();
  const std::string before = read_file(tape_);
  const Ran ran = smtptape("compact --replace", {tape_});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("recover"));
  EXPECT_EQ(read_file(tape_), before);
}

// Root compacts at night what belongs to the recorder, which must still be able to read it.
TEST_F(Soundness, CompactLeavesATapeToItsOwnerAndItsReaders) {
  const std::string recorded = directory_ / "recorded.tape";
  fs::copy_file(golden_path("tapes/version-1-recorded.tape"), recorded);
  ASSERT_EQ(::chmod(recorded.c_str(), 0640), 0);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(recorded.c_str(), 4242, 4243), 0);
  }
  struct stat before {};
  struct stat after {};
  ASSERT_EQ(::lstat(recorded.c_str(), &before), 0);
  const Ran ran = smtptape("compact --replace", {recorded});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  ASSERT_EQ(::lstat(recorded.c_str(), &after), 0);
  EXPECT_NE(after.st_ino, before.st_ino) << ran.err;
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
}

TEST_F(Soundness, CompactWantsToKnowWhere) {
  EXPECT_EQ(smtptape("compact", {tape_}).exit, 2);
  EXPECT_EQ(smtptape("compact --replace -o", {copies_, tape_}).exit, 2);
}

TEST_F(Soundness, CompactCopiesIntoADirectory) {
  EXPECT_EQ(smtptape("compact -o", {copies_, tape_}).exit, 0);
  EXPECT_EQ(smtptape("export", {copies_}).out, read_file(feed_));
  EXPECT_EQ(smtptape("verify", {copies_}).exit, 0);
}

}  // namespace
}  // namespace smtptape::testing
