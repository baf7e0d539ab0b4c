// What a user does with tapes: cut out sessions, join copies, look at times and gaps.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Tapes : public ::testing::Test {
 protected:
  void SetUp() override {
    const Ran ran = smtptape("import", {feed_, "-o", tape_});
    ASSERT_EQ(ran.exit, 0) << ran.err;
  }
  // The text between the quotes after `"key":"`, or empty.
  static std::string value_of(const std::string& frame, const std::string& key) {
    const std::string before = "\"" + key + "\":\"";
    const std::size_t at = frame.find(before);
    if (at == std::string::npos) return {};
    const std::size_t start = at + before.size();
    return frame.substr(start, frame.find('"', start) - start);
  }

  TemporaryDirectory directory_;
  std::string feed_ = golden_path("feeds/errors/raw.jsonl").string();
  std::string tape_ = directory_ / "night.tape";
  std::string whole_ = read_file(golden_path("feeds/errors/raw.jsonl"));
};

TEST_F(Tapes, StrictKeepsOnlyLinesOfThatTenant) {
  const Ran ran = smtptape("export --scope strict --tenant acme", {tape_});
  std::string want;
  for (const std::string& frame : lines_of(whole_)) {
    if (value_of(frame, "tenant") == "acme") want += frame + "\n";
  }
  ASSERT_FALSE(want.empty());
  EXPECT_EQ(ran.out, want);
}

TEST_F(Tapes, SessionKeepsTheWholeDialogueAndNothingElse) {
  std::vector<std::string> ids;
  for (const std::string& frame : lines_of(whole_)) {
    if (value_of(frame, "tenant") == "acme") ids.push_back(value_of(frame, "id"));
  }
  std::string want;
  for (const std::string& frame : lines_of(whole_)) {
    if (std::find(ids.begin(), ids.end(), value_of(frame, "id")) != ids.end()) want += frame + "\n";
  }
  EXPECT_EQ(smtptape("export --scope session --tenant acme", {tape_}).out, want);
  const std::string bytes = read_file(tape_);
  EXPECT_EQ(smtptape({"export", "-", "--scope", "session", "--tenant", "acme"}, bytes).out, want);
  const std::string cut = directory_ / "acme.tape";
  const Ran extracted = smtptape("extract --tenant acme -o", {cut, tape_});
  EXPECT_EQ(extracted.exit, 0) << extracted.err;
  EXPECT_THAT(extracted.err, HasSubstr("tenants inside: "));
  EXPECT_THAT(extracted.err, HasSubstr("secrets"));
  EXPECT_EQ(smtptape("export", {cut}).out, want);
  EXPECT_EQ(std::filesystem::status(cut).permissions(), std::filesystem::perms(0600));
}

TEST_F(Tapes, CopiesAndOverlappingExtractsGiveEachEventOnce) {
  const std::string one = directory_ / "one.tape";
  const std::string two = directory_ / "two.tape";
  ASSERT_EQ(smtptape("extract --tenant acme -o", {one, tape_}).exit, 0);
  ASSERT_EQ(smtptape("extract --tenant globex -o", {two, tape_}).exit, 0);
  EXPECT_TRUE(smtptape("export", {one, tape_, two, tape_}).out == whole_);
  const auto merged = lines_of(smtptape("export", {two, one}).out);
  const auto all = lines_of(whole_);
  std::size_t next = 0;
  for (const std::string& frame : all) {
    if (next < merged.size() && merged[next] == frame) ++next;
  }
  EXPECT_EQ(next, merged.size()) << "in the order of reception, none twice";
}

TEST_F(Tapes, SeveralSourcesAreMergedByReceiveTime) {
  const std::string other = directory_ / "other.tape";
  ASSERT_EQ(
      smtptape("import",
               {golden_path("feeds/tlsauth/raw.jsonl").string(), "-o", other, "--name", "mta-2"})
          .exit,
      0);
  const auto merged = lines_of(smtptape("export", {tape_, other}).out);
  EXPECT_EQ(merged.size(), 520U + 420U);
  std::vector<std::string> times;
  for (const std::string& frame : merged)
    times.push_back(value_of(frame, "when").substr(0, 19));
  // Receive times are the running maximum, so whole seconds may only step back within a source.
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
}

TEST_F(Tapes, TimesChooseWhatKcliWouldHavePrintedHadItBeenStartedThen) {
  const Ran late = smtptape("export --since 2026-11-22T19:34:41Z", {tape_});
  const Ran early = smtptape("export --until 2026-11-22T19:34:41Z", {tape_});
  EXPECT_FALSE(late.out.empty());
  EXPECT_FALSE(early.out.empty());
  EXPECT_TRUE(early.out + late.out == whole_);
  EXPECT_EQ(smtptape("replay --since 2030-01-01T00:00:00Z", {tape_}).out, "");
  EXPECT_EQ(smtptape("replay --since yesterdayish", {tape_}).exit, 2);
}

TEST_F(Tapes, AStoreIsReadInOrder) {
  const std::string store = directory_ / "store";
  std::filesystem::create_directory(store);
  std::filesystem::rename(tape_, store + "/night.tape");
  write_file(store + "/README", "not a tape");
  std::filesystem::create_symlink("/etc/passwd", store + "/link.tape");
  EXPECT_TRUE(smtptape("export", {store}).out == whole_);
}

TEST_F(Tapes, LagNoticesAreEventsAndGapsAndMakeTheAnswerIncomplete) {
  const std::string lag = directory_ / "lag.tape";
  const auto feed = golden_path("feeds/slices/lag-inside.jsonl").string();
  ASSERT_EQ(smtptape("import", {feed, "-o", lag}).exit, 0);
  const Ran ran = smtptape("replay", {lag});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("gap: server lag: "));
  EXPECT_EQ(smtptape("replay --as-live", {lag}).exit, 0);
  EXPECT_THAT(smtptape("info --json", {lag}).out, HasSubstr("\"upstream\":{\"server lag\":{"));
}

TEST_F(Tapes, ACutTapeGivesWhatIsWholeThenOneLineWithFileAndOffset) {
  const std::string bytes = read_file(tape_);
  write_file(directory_ / "cut.tape", bytes.substr(0, bytes.size() - 40'000));
  const Ran ran = smtptape("replay", {directory_ / "cut.tape"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("cut.tape at "));
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  write_file(directory_ / "empty.tape", "");
  const Ran empty = smtptape("replay", {directory_ / "empty.tape"});
  EXPECT_EQ(empty.exit, 0);
  EXPECT_THAT(empty.err, HasSubstr("not sealed"));
}

TEST_F(Tapes, ADamagedTapeGivesTheRest) {
  std::string bytes = read_file(tape_);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x40);
  write_file(directory_ / "bad.tape", bytes);
  const Ran ran = smtptape("replay", {directory_ / "bad.tape"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("bad.tape at "));
}

TEST(Import, KeepsWhateverCameAndGivesItBack) {
  TemporaryDirectory directory;
  const std::string tape = directory / "odd.tape";
  for (const std::string& feed :
       {std::string(""),
        std::string("\n"),
        std::string("\n\n"),
        std::string("x"),
        std::string("not json\n\xff\xfe\n{\"conn_meta\":null\n\r\n"),
        std::string("a\nb"),
        std::string(
            "{\"conn_meta\":{},\"payload\":\"Closed\",\"when\":\"2026-08-04T13:54:50Z\"}\r\n"),
        std::string("\0\0\n\0", 4)}) {
    const Ran in = smtptape({"import", "-", "-o", tape, "--force"}, feed);
    EXPECT_EQ(in.exit, 0) << in.err;
    EXPECT_EQ(smtptape("export", {tape}).out, feed);
  }
}

TEST(Import, LeavesAGapForAFrameOverTheLimit) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  const std::string feed = "small\n" + std::string(300'000, 'x') + "\nlast";
  const Ran ran = smtptape({"import", "-", "-o", tape, "--max-frame", "1K"}, feed);
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("--max-frame"));
  EXPECT_EQ(smtptape("export", {tape}).out, "small\nlast");
  EXPECT_THAT(smtptape("info", {tape}).out, HasSubstr("a frame of 300000 bytes was not kept"));
  EXPECT_EQ(smtptape({"import", "-", "-o", directory / "y.tape", "--max-frame", "600M"}, "").exit,
            2);
}

TEST(Info, ANameFromATapeDoesNotSpeakToTheTerminal) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape, "--name", "a\x1b[31mb"}, "x\n").exit, 0);
  EXPECT_THAT(smtptape("info", {tape}).out, HasSubstr("a\\u{1b}[31mb"));
}

TEST(Import, AGroupEndsHoweverSmallItsFramesAre) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  const std::string empty_frames((4U << 20U) + 10, '\n');
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, empty_frames).exit, 0);
  EXPECT_THAT(smtptape("info --groups", {tape}).out, HasSubstr("group 1 at "));
}

TEST(Import, NeverOverwritesAndLeavesNothingBehind) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, "a\n").exit, 0);
  const Ran again = smtptape({"import", "-", "-o", tape}, "b\n");
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.err, HasSubstr("--force"));
  EXPECT_EQ(smtptape("export", {tape}).out, "a\n");
  const Ran bad =
      smtptape({"import", "-", "--format", "frames", "-o", directory / "y.tape"}, "junk!");
  EXPECT_EQ(bad.exit, 1);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path()))
    ++files;
  EXPECT_EQ(files, 1U);
}

TEST(Export, LinesCantHoldANewline) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  const std::string framed("\x01\x03\0\0\0a\nb\x02\x02\0\0\0\xff\0", 15);
  ASSERT_EQ(smtptape({"import", "-", "--format", "frames", "-o", tape}, framed).exit, 0);
  const Ran lines = smtptape("export", {tape});
  EXPECT_EQ(lines.exit, 1);
  EXPECT_THAT(lines.err, HasSubstr("--format frames"));
  EXPECT_EQ(smtptape("export --format frames", {tape}).out, framed);
  const Ran shown = smtptape("replay", {tape});
  EXPECT_EQ(shown.exit, 3);
  EXPECT_THAT(shown.out, HasSubstr("unreadable frame, 3 bytes"));
}

TEST_F(Tapes, AMissingLastNewlineIsThatOfItsOwnImport) {
  const std::string with = directory_ / "with.jsonl";
  const std::string without = directory_ / "without.jsonl";
  write_file(with, "b\n");
  write_file(without, "a");
  ASSERT_EQ(smtptape("import -o", {directory_ / "a.tape", without, "--name", "a"}).exit, 0);
  ASSERT_EQ(smtptape("import -o", {directory_ / "b.tape", with, "--name", "b"}).exit, 0);
  EXPECT_EQ(smtptape("export", {directory_ / "a.tape"}).out, "a");
  EXPECT_EQ(smtptape("export", {directory_ / "a.tape", directory_ / "b.tape"}).out, "a\nb\n");
}

TEST_F(Tapes, ExtractTakesWholeTheSessionsThatAWindowAloneChose) {
  const auto frame = [](const std::string& id, const std::string& second) {
    return R"({"conn_meta":{"id":")" + id + R"("},"payload":"Closed","when":"2026-08-04T21:00:)" +
           second + R"(Z"})" + "\n";
  };
  const std::string feed = directory_ / "three.jsonl";
  const std::string part = directory_ / "part.tape";
  const std::string chosen = frame("s1", "00") + frame("s1", "10");
  write_file(feed, frame("s2", "00") + std::string(500, ' ') + "\n" + chosen);
  ASSERT_EQ(smtptape("import --force --max-frame 200 -o", {tape_, feed}).exit, 3);
  const Ran ran = smtptape("extract --since 2026-08-04T21:00:05Z -o", {part, tape_});
  EXPECT_EQ(ran.exit, 0) << ran.err << "the gap lies before the window";
  EXPECT_EQ(smtptape("export", {part}).out, chosen);
  const Ran info = smtptape("info", {part});
  EXPECT_THAT(info.out, HasSubstr("2 received = 2 stored + 0 not selected + 0 lost"));
  EXPECT_THAT(info.out, Not(HasSubstr("gap: ")));
}

TEST_F(Tapes, CompactTriesAsHardAsItIsTold) {
  std::vector<std::uintmax_t> sizes;
  for (const std::string level : {"1", "19"}) {
    const std::string copies = directory_ / ("level" + level);
    const Ran ran = smtptape("compact --level " + level + " -o", {copies, tape_});
    ASSERT_EQ(ran.exit, 0) << ran.err;
    sizes.push_back(std::filesystem::file_size(copies + "/night.tape"));
    EXPECT_EQ(smtptape("export", {copies + "/night.tape"}).out, whole_);
  }
  EXPECT_LT(sizes[1], sizes[0]);
  for (const char* level : {"0", "20", "x", "3x", ""}) {
    const Ran ran = smtptape({"compact", "--level", level, "-o", directory_ / "none", tape_});
    EXPECT_EQ(ran.exit, 2) << level;
    EXPECT_THAT(ran.err, HasSubstr("give a number from 1 to 19"));
  }
}

// What was read and what not, and why.
TEST_F(Tapes, ExplainTellsWhatWasRead) {
  const Ran none = smtptape("export --explain --scope strict --tenant nobody", {tape_});
  EXPECT_THAT(none.err, HasSubstr("passed over: no event has a value that was asked for"));
  EXPECT_THAT(none.err, Not(HasSubstr(" read\n")));
  const Ran some = smtptape("export --explain --scope session --tenant acme", {tape_});
  EXPECT_THAT(some.err, HasSubstr("plan, choosing sessions: 1 tape"));
  EXPECT_THAT(some.err, HasSubstr("plan, reading: 1 group of"));
  EXPECT_THAT(smtptape("export --explain", {tape_, tape_}).err, HasSubstr("all is read"));
  EXPECT_EQ(smtptape("export", {tape_}).err, "");
}

}  // namespace
}  // namespace smtptape::testing
