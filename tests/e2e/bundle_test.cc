// One file for a bug report: what is in it, what is not, and that every command reads it.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/counted.h"
#include "base/zip_file.h"
#include "tests/e2e/cli.h"
#include "tests/page/read_page.h"
#include "tests/share/redact/planted.h"
#include "tests/support/small_file_system.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// The members of an archive, by their names.
std::map<std::string, std::string> members_of(const std::string& path) {
  std::map<std::string, std::string> members;
  const UniqueFd fd = open_for_reading(path);
  ZipReader zip(fd.get(), path);
  while (const auto name = zip.next()) {
    std::string& text = members[*name];
    std::string piece(1 << 16, '\0');
    while (const std::size_t got = zip.read(piece.data(), piece.size()))
      text.append(piece, 0, got);
  }
  return members;
}

// Of a page, what is no packed block.
std::string without_blocks(const std::string& page) {
  std::string text;
  std::size_t from = 0;
  for (std::size_t at = 0; (at = page.find("data-block=", from)) != std::string::npos;) {
    text += page.substr(from, at - from);
    from = page.find("</script>", at);
  }
  return text + page.substr(from);
}

// Everything that somebody can read in it.
std::string text_in(const std::string& path) {
  std::string text;
  for (const auto& [name, content] : members_of(path)) {
    text += name + "\n";
    if (name == "trace.tape") continue;
    if (name != "index.html") {
      text += content + "\n";
      continue;
    }
    text += without_blocks(content) + "\n";
    for (const auto& [block, pieces] : ReadPage(content).blocks)
      for (const auto& lines : pieces)
        for (const auto& line : lines)
          text += boost::json::serialize(line) + "\n";
  }
  for (const std::string command : {"export", "info --json --groups", "replay"})
    text += smtptape(command, {path}).out + "\n";
  return text;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::vector<std::string> spellings_of(const std::string& secret) {
  std::vector<std::string> all{secret,
                               escaped(secret, "%", false),
                               escaped(secret, "%", true),
                               escaped(secret, "=", true),
                               escaped(secret, "", true)};
  for (std::size_t before = 0; before < 3; ++before) {
    // What depends on nothing that stands around it.
    const std::string digits = base64_of(std::string(before, 'x') + secret);
    const std::size_t from = before == 0 ? 0 : 4;
    const std::string mine = digits.substr(from, (before + secret.size()) / 3 * 4 - from);
    // Fewer digits stand anywhere by chance.
    if (mine.size() >= 8) all.push_back(mine);
  }
  return all;
}

class Bundle : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        smtptape("import", {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_}).exit, 0);
  }
  [[nodiscard]] Ran bundle(const std::string& words) const {
    return smtptape("bundle --yes " + words + " -o", {zip_, tape_});
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "night.tape";
  std::string zip_ = directory_ / "out.trace.zip";
};

TEST_F(Bundle, HoldsThePageTheTapeTheSessionsTheReportAndWhatWasTakenOut) {
  const Ran ran = bundle("");
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, IsEmpty());
  EXPECT_THAT(ran.err, HasSubstr("public"));
  EXPECT_EQ(std::filesystem::status(zip_).permissions(), std::filesystem::perms(0600));
  auto members = members_of(zip_);
  std::set<std::string> names;
  for (const auto& [name, text] : members)
    names.insert(name);
  EXPECT_EQ(names,
            (std::set<std::string>{
                "index.html", "trace.tape", "sessions.jsonl", "REDACTION.txt", "report.md"}));
  // Each tells the same sessions.
  EXPECT_EQ(members["sessions.jsonl"], smtptape("sessions --json --columns slowest", {zip_}).out);
  EXPECT_EQ(ReadPage(members["index.html"]).rows().size(),
            lines_of(smtptape("sessions --json", {tape_}).out).size());
  const std::string tape = directory_ / "unpacked.tape";
  write_file(tape, members["trace.tape"]);
  EXPECT_EQ(smtptape("verify", {tape}).exit, 0);
  EXPECT_THAT(members["REDACTION.txt"], HasSubstr("taken out: local-parts"));
}

TEST_F(Bundle, ItsReportAsksForWhatKumoMtaAsksForAndTellsWhatATraceTells) {
  ASSERT_EQ(bundle("").exit, 0);
  const std::string report = members_of(zip_)["report.md"];
  for (const std::string part : {"## What happened",
                                 "## What you expected instead",
                                 "- KumoMTA: <",
                                 "- Operating system: ",
                                 "## Relevant configuration",
                                 "## The trace",
                                 "451 4.7.1 Greylisting in action",
                                 "mx.mail4.example",
                                 "final reply",
                                 "Nothing that was chosen is known to be missing",
                                 "taken out: local-parts",
                                 "index.html"})
    EXPECT_THAT(report, HasSubstr(part));
}

TEST_F(Bundle, ItsReportTellsOfGaps) {
  ASSERT_EQ(smtptape("import --force",
                     {std::string(SMTPTAPE_SOURCE_DIR) + "/tests/e2e/lag.jsonl", "-o", tape_})
                .exit,
            0);
  const Ran ran = bundle("");
  EXPECT_EQ(ran.exit, 3) << ran.err;
  const std::string report = members_of(zip_)["report.md"];
  EXPECT_THAT(report, HasSubstr("3 gaps: events were lost"));
  EXPECT_THAT(report, HasSubstr("\n    gap: server lag: 4711 events missing"));
  EXPECT_THAT(report, Not(HasSubstr("Nothing that was chosen is known to be missing")));
}

// Of very many sessions the report names the first; what a server says is no markup.
TEST_F(Bundle, ItsReportIsShortAndNothingInItIsMarkup) {
  std::string feed;
  for (int session = 0; session < 60; ++session) {
    const std::string id = "0b1c0f4e-5f3a-4f0c-9b3c-0000000000" + std::to_string(10 + session);
    const std::string when = "2026-08-04T21:00:" + std::to_string(10 + session % 50) + ".000Z";
    for (const std::string payload : {R"("BeginSession")",
                                      R"({"Write":"MAIL FROM:<a@b.example>\r\n"})",
                                      R"({"Read":"550 5.7.1 ``` # <b>no</b>\r\n"})",
                                      R"("Closed")"})
      feed += R"({"conn_meta":{"id":")" + id + R"("},"payload":)" + payload + R"(,"when":")" +
              when + "\"}\n";
  }
  const std::string frames = directory_ / "many.jsonl";
  write_file(frames, feed);
  ASSERT_EQ(smtptape("import --force", {frames, "-o", tape_}).exit, 0);
  const Ran ran = bundle("--no-redact");
  ASSERT_EQ(ran.exit, 0) << ran.err;
  auto members = members_of(zip_);
  const std::string report = members["report.md"];
  EXPECT_THAT(report, HasSubstr("first 50; sessions.jsonl has all of them"));
  std::size_t named = 0;
  for (const std::string& line : lines_of(report)) {
    if (line.find("0b1c0f4e-") != std::string::npos) ++named;
    if (line.find("<b>no</b>") == std::string::npos) continue;
    EXPECT_THAT(line, StartsWith("    "));
  }
  EXPECT_EQ(named, 50U);
  EXPECT_THAT(report, HasSubstr("<b>no</b>"));
  EXPECT_EQ(lines_of(members["sessions.jsonl"]).size(), 60U);
}

TEST_F(Bundle, IsReadByEveryCommandAsItsTape) {
  ASSERT_EQ(bundle("").exit, 0);
  const std::string tape = directory_ / "unpacked.tape";
  write_file(tape, members_of(zip_)["trace.tape"]);
  for (const std::string command : {"replay",
                                    "export",
                                    "sessions --no-pager",
                                    "sessions --failed --json",
                                    "stats --no-pager --by reply"}) {
    const Ran ran = smtptape(command, {zip_});
    EXPECT_EQ(ran.out, smtptape(command, {tape}).out) << command;
    EXPECT_THAT(ran.out, Not(IsEmpty())) << command << ran.err;
  }
  EXPECT_EQ(smtptape({"sessions", "-"}, read_file(tape)).out, smtptape("sessions", {zip_}).out);
  const std::string copy = directory_ / "copy.tape";
  ASSERT_EQ(smtptape("extract -o", {copy, zip_}).exit, 0);
  EXPECT_EQ(smtptape("export", {copy}).out, smtptape("export", {tape}).out);
  EXPECT_THAT(smtptape("info", {zip_}).out, HasSubstr("redacted"));
  EXPECT_EQ(smtptape("verify", {zip_}).exit, 0);
}

TEST_F(Bundle, OfWhatIsNotRedactedTheReplayIsThatOfTheStore) {
  ASSERT_EQ(bundle("--failed --no-redact").exit, 0);
  EXPECT_EQ(smtptape("replay", {zip_}).out,
            smtptape("replay --scope session --failed", {tape_}).out);
  auto members = members_of(zip_);
  EXPECT_THAT(members["REDACTION.txt"], HasSubstr("Nothing was redacted"));
  EXPECT_THAT(members["report.md"], HasSubstr("**Nothing.**"));
  EXPECT_THAT(members["report.md"], HasSubstr("Chosen by: --failed"));
}

TEST_F(Bundle, TheSameInputOptionsAndMapGiveTheSameBytes) {
  const std::string other = directory_ / "other.trace.zip";
  const std::string map = directory_ / "map";
  for (const std::string& how :
       {"--map " + map, std::string("--no-redact"), "--failed --limit 120K --map " + map}) {
    ASSERT_EQ(bundle("--force " + how).exit, 0) << how;
    ASSERT_EQ(smtptape("bundle --force --yes " + how + " -o", {other, tape_}).exit, 0);
    EXPECT_EQ(read_file(zip_), read_file(other)) << how;
  }
  ASSERT_EQ(bundle("--force").exit, 0);
  EXPECT_NE(read_file(zip_), read_file(other));
}

// No name that was planted is in it, in no member and in no spelling; nor in what was printed.
TEST_F(Bundle, HasNothingOfWhatWasPlanted) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    Planted planted(seed);
    std::string feed;
    for (int session = 0; session < 12; ++session)
      for (const std::string& frame : planted.session())
        feed += frame + "\n";
    const std::string frames = directory_ / "planted.jsonl";
    write_file(frames, feed);
    ASSERT_EQ(smtptape("import --force", {frames, "-o", tape_}).exit, 0);
    const Ran ran = bundle("--force --failed --with-good 3 --json");
    ASSERT_EQ(ran.exit, 0) << ran.err << seed;
    const std::string text = lower(text_in(zip_) + ran.err + ran.out);
    std::set<std::string> names(planted.secrets.begin(), planted.secrets.end());
    for (const std::string& secret : names) {
      for (const std::string& spelling : spellings_of(secret))
        EXPECT_THAT(text, Not(HasSubstr(lower(spelling)))) << seed;
    }
  }
}

TEST_F(Bundle, TellsNothingOfWhatChoseIt) {
  const Ran all = smtptape("export", {tape_});
  const std::string key = R"("recipient":[")";
  const std::size_t at = all.out.find(key) + key.size();
  const std::string recipient = all.out.substr(at, all.out.find('"', at) - at);
  ASSERT_THAT(recipient, HasSubstr("@"));
  ASSERT_EQ(bundle("--rcpt-to " + recipient).exit, 0);
  EXPECT_THAT(text_in(zip_), Not(HasSubstr(recipient)));
}

TEST_F(Bundle, IsNotCalledByANameThatWasTakenOut) {
  const std::string named = directory_ / "globex-case.trace.zip";
  const Ran ran = smtptape("bundle --yes -o", {named, tape_});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("the name of the file"));
  EXPECT_FALSE(std::filesystem::exists(named));
  EXPECT_EQ(smtptape("bundle --yes --no-redact -o", {named, tape_}).exit, 0);
}

TEST_F(Bundle, FitsItsLimitByWholeSessions) {
  ASSERT_EQ(bundle("").exit, 0);
  const std::uintmax_t limit = std::filesystem::file_size(zip_) * 3 / 4;
  const Ran ran = bundle("--force --limit " + std::to_string(limit));
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_LE(std::filesystem::file_size(zip_), limit);
  EXPECT_GE(std::filesystem::file_size(zip_), limit / 2);
  EXPECT_THAT(ran.err, HasSubstr("left out, to stay within --limit"));
  auto members = members_of(zip_);
  EXPECT_THAT(members["report.md"], HasSubstr("left out to keep the archive small"));
  // What stands beside the chosen ones goes first, and only what is left of it is told of.
  const auto sessions = [this] { return lines_of(members_of(zip_)["sessions.jsonl"]).size(); };
  ASSERT_EQ(bundle("--force --code 452").exit, 0);
  const std::size_t chosen = sessions();
  ASSERT_EQ(bundle("--force --code 452 --with-good 9").exit, 0);
  const std::size_t all = sessions();
  const std::string some = std::to_string(std::filesystem::file_size(zip_) - 5000);
  const Ran beside = bundle("--force --code 452 --with-good 9 --limit " + some);
  ASSERT_EQ(beside.exit, 0) << beside.err;
  ASSERT_LT(sessions(), all);
  ASSERT_GT(sessions(), chosen);
  EXPECT_THAT(beside.err,
              HasSubstr(counted(sessions() - chosen, "session") + " of these to compare with"));
  const Ran none = bundle("--force --limit 1K");
  EXPECT_EQ(none.exit, 1);
  EXPECT_THAT(none.err, HasSubstr("more than --limit"));
}

TEST_F(Bundle, SaysWhatIsWrongWithTheWords) {
  const auto says = [this](const std::string& words, const std::string& what, int exit) {
    const Ran ran = smtptape(words, {tape_});
    EXPECT_EQ(ran.exit, exit) << words;
    EXPECT_THAT(ran.err, HasSubstr(what)) << words;
    EXPECT_FALSE(std::filesystem::exists(zip_));
  };
  says("bundle -o " + zip_, "add --yes", 2);  // no terminal
  says("bundle --yes", "-o NAME.trace.zip is missing", 2);
  says("bundle --yes --no-redact --keep labels -o " + zip_, "--no-redact", 2);
  says("bundle --yes --limit some -o " + zip_, "--limit", 2);
  says("bundle --yes --json -o -", "--json", 2);
  says("bundle --yes --tenant nobody -o " + zip_, "nothing was chosen", 1);
  says("bundle --yes --force -o " + tape_, tape_, 2);
  write_file(zip_ + ".old", "mine");
  const Ran ran = smtptape("bundle --yes -o", {zip_ + ".old", tape_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(read_file(zip_ + ".old"), "mine");
}

TEST_F(Bundle, GoesToStandardOutput) {
  const Ran ran = smtptape({"bundle", "--yes", "-", "-o", "-"}, read_file(tape_));
  ASSERT_EQ(ran.exit, 0) << ran.err;
  write_file(zip_, ran.out);
  EXPECT_EQ(smtptape("verify", {zip_}).exit, 0);
}

TEST_F(Bundle, LeavesNothingOnAFullDisk) {
  const SmallFileSystem disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "only root can mount a small file system";
  const std::string there = disk.path() / "out.trace.zip";
  const Ran ran = smtptape("bundle --yes -o", {there, tape_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("No space left"));
  EXPECT_TRUE(std::filesystem::is_empty(disk.path()));
}

// ---- reading archives that others made ----

void write_zip(const std::string& path, const std::map<std::string, std::string>& members) {
  OutputFile file(path, OutputFile::Existing::Replace);
  ZipWriter zip(file);
  for (const auto& [name, text] : members) {
    StringSource source(text);
    zip.add(name, ZipWriter::Packing::Deflate, text.size(), source);
  }
  zip.finish();
  file.commit();
}

TEST_F(Bundle, OfAnyArchiveItsTapeIsRead) {
  const std::string tape = read_file(tape_);
  write_zip(zip_, {{"__MACOSX/case/._night.tape", "x"}, {"case/night.tape", tape}, {"a.txt", "x"}});
  EXPECT_EQ(smtptape("replay", {zip_}).out, smtptape("replay", {tape_}).out);
  const std::string copies = directory_ / "copies";
  ASSERT_EQ(smtptape("compact -o", {copies, zip_}).exit, 0);
  EXPECT_EQ(smtptape("export", {copies + "/out.tape"}).out, smtptape("export", {tape_}).out);
  EXPECT_EQ(smtptape("compact --replace", {zip_}).exit, 3);
  EXPECT_EQ(members_of(zip_)["case/night.tape"], tape);
}

TEST_F(Bundle, OfAnArchiveWithoutATapeItIsSaid) {
  const auto says = [this](const std::string& what) {
    const Ran ran = smtptape("sessions", {zip_});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err, HasSubstr(zip_));
    EXPECT_THAT(ran.err, HasSubstr(what));
  };
  write_zip(zip_, {{"a.txt", "x"}, {"b\x1b[2J", "x"}});
  says("without a tape: it holds a.txt");
  write_zip(zip_, {{"a.tape", "x"}, {"b.tape", "x"}});
  says("more than one tape (a.tape, b.tape)");
  write_zip(zip_, {{"a.tape", "not one"}});
  says("not a smtptape tape");
  write_zip(zip_, {{"a.tape", std::string(100 << 20, '0')}});
  says("not unpacked any further");
  write_zip(zip_, {{"night.tape", read_file(tape_)}});
  std::string bytes = read_file(zip_);
  write_file(zip_, bytes.substr(0, bytes.size() / 2));
  says("ZIP");
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 0x55);
  write_file(zip_, bytes);
  says("ZIP");
}

// ---- open ----

TEST_F(Bundle, OpenShowsItsReportAndItsSessions) {
  ASSERT_EQ(bundle("").exit, 0);
  const Ran ran = smtptape("open --no-browser", {zip_});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("## What happened"));
  EXPECT_THAT(ran.out, HasSubstr(smtptape("sessions --no-pager", {zip_}).out));
  write_zip(zip_, {{"night.tape", read_file(tape_)}, {"report.md", "a\x1b[2Jb\nc\n"}});
  const Ran hostile = smtptape("open --no-browser", {zip_});
  EXPECT_THAT(hostile.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(hostile.out, HasSubstr("c\n"));
}

// Of the tape that is in the archive, whatever page lies beside it.
TEST_F(Bundle, OpenOpensAPageOfItsOwnInTheBrowser) {
  write_zip(zip_, {{"night.tape", read_file(tape_)}, {"index.html", "<script>evil()</script>"}});
  const std::string pages = directory_ / "pages";
  std::filesystem::create_directory(pages);
  const Ran ran = run_program("/usr/bin/env",
                              {"XDG_RUNTIME_DIR=" + pages,
                               "BROWSER=" + (directory_ / "nonesuch") + ":echo opened %s",
                               SMTPTAPE_PROGRAM,
                               "open",
                               zip_});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("opened file://" + pages + "/smtptape-page-"));
  std::vector<std::filesystem::path> there;
  for (const auto& entry : std::filesystem::directory_iterator(pages))
    there.push_back(entry.path());
  ASSERT_EQ(there.size(), 1U);
  const std::string page = read_file(there.front());
  EXPECT_THAT(page, Not(HasSubstr("evil")));
  EXPECT_THAT(ReadPage(page).rows(), Not(IsEmpty()));
  EXPECT_EQ(std::filesystem::status(there.front()).permissions(), std::filesystem::perms(0600));
  write_file(directory_ / "exits-127", "#!/bin/sh\nexit 127\n");
  std::filesystem::permissions(directory_ / "exits-127", std::filesystem::perms(0700));
  // A day later it goes.
  const timespec old[2] = {{1'000'000, 0}, {1'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, there.front().c_str(), old, 0), 0);
  // A browser that says "no such command" is none.
  const Ran missing = run_program("/usr/bin/env",
                                  {"XDG_RUNTIME_DIR=" + pages,
                                   "BROWSER=" + (directory_ / "exits-127") + ":echo opened",
                                   SMTPTAPE_PROGRAM,
                                   "open",
                                   zip_});
  EXPECT_THAT(missing.out, HasSubstr("opened file://"));
  const Ran again = run_program(
      "/usr/bin/env",
      {"XDG_RUNTIME_DIR=" + pages, "BROWSER=/nonesuch", SMTPTAPE_PROGRAM, "open", zip_});
  EXPECT_THAT(again.err, HasSubstr("open the page yourself"));
  EXPECT_FALSE(std::filesystem::exists(there.front()));
}

}  // namespace
}  // namespace smtptape::testing
