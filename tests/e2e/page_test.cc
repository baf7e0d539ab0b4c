// export --format html: which sessions a page is made of, what is told beside it, and how it ends.
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/page/read_page.h"

namespace smtptape::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class ExportedPage : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        smtptape("import",
                 {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_, "--name", "mta1"})
            .exit,
        0);
  }
  static ReadPage read(const Ran& ran) {
    EXPECT_THAT(ran.out, StartsWith("<!doctype html>")) << ran.err;
    return ReadPage(ran.out);
  }
  ReadPage page(const std::string& options) const {
    return read(smtptape("export --format html " + options, {tape_}));
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "errors.tape";
};

TEST_F(ExportedPage, HasTheSessionsThatSessionsHas) {
  std::set<std::string> ids;
  for (const auto& row : page("").rows())
    ids.insert(std::string(row.at("id").as_string()));
  std::set<std::string> expected;
  for (const std::string& line : lines_of(smtptape({"sessions", tape_, "--json"}).out))
    expected.insert(std::string(boost::json::parse(line).at("id").as_string()));
  EXPECT_EQ(ids, expected);
}

TEST_F(ExportedPage, TellsOfASessionWhatShowTells) {
  const auto sessions = page("--failed").sessions();
  ASSERT_FALSE(sessions.empty());
  for (boost::json::object session : sessions) {
    const std::string id(session.at("id").as_string());
    for (const char* const ours : {"doubts", "transcript", "transcript_left_out"})
      session.erase(ours);
    EXPECT_EQ(boost::json::parse(smtptape({"show", id, tape_, "--json"}).out), session) << id;
  }
}

TEST_F(ExportedPage, HasTheLinesOfKcli) {
  const std::string id = "8817edca-6add-47a4-8d2c-ce963618dd93";
  std::vector<std::string> ours;
  const auto session = page("--session " + id).sessions().at(0);
  for (const auto& event : session.at("transcript").as_array()) {
    const std::vector<std::string> lines =
        lines_of(std::string(event.at("text").as_string()) + "\n");
    ours.insert(ours.end(), lines.begin(), lines.end());
  }
  const std::string replayed = smtptape({"replay", tape_, "--session", id}).out;
  const std::vector<std::string> theirs = lines_of(replayed);
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_THAT(theirs[i], EndsWith(" " + ours[i]));
    EXPECT_LT(theirs[i].size(), ours[i].size() + id.size() + 12);  // [id] and the time
  }
}

TEST_F(ExportedPage, IsMadeOfWholeSessionsUnlessEventsAreAskedFor) {
  const auto events = [](const ReadPage& page) {
    return page.about().at("events").to_number<int>();
  };
  const std::string filter = "--rcpt-to user97@rcptmixed.example";
  const ReadPage whole = page(filter);
  EXPECT_EQ(events(whole), 35);
  EXPECT_EQ(whole.rows().size(), 1U);
  EXPECT_LT(events(page("--scope strict " + filter)), 35);
  EXPECT_GT(page("--scope event " + filter).rows().size(), 1U);
  const std::string cut_through =
      "--session 8817edca-6add-47a4-8d2c-ce963618dd93 --until 2026-11-22T19:34:40.020Z";
  EXPECT_EQ(events(page(cut_through)), 35);
  EXPECT_EQ(events(page("--scope session " + cut_through)), 35);
  EXPECT_LT(events(page("--scope event " + cut_through)), 35);
}

TEST_F(ExportedPage, SaysHowItWasAskedWithTimesThatStay) {
  const std::string chosen(
      page("--tenant acme --tenant 'o b' --failed --since 2026-11-22T19:00:00Z --until @1900000000")
          .about()
          .at("chosen")
          .as_string());
  EXPECT_EQ(chosen,
            " --tenant acme --tenant 'o b' --failed --since 2026-11-22T19:00:00.000Z --until "
            "2030-03-17T17:46:40.000Z");
  EXPECT_THAT(std::string(page("--since -100000h").about().at("chosen").as_string()),
              MatchesRegex(" --since 20..-..-..T..:..:..\\....Z"));
}

TEST_F(ExportedPage, IsAFileForNobodyElseAndReplacesNone) {
  const std::string file = directory_ / "night.html";
  const Ran ran = smtptape({"export", tape_, "--format", "html", "-o", file});
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("what the tapes hold is in it: passwords, addresses, mail"));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(smtptape({"export", tape_, "--format", "html", "-o", file}).exit, 1);
  EXPECT_EQ(smtptape({"export", tape_, "--format", "html", "-o", file, "--force"}).exit, 0);
  EXPECT_EQ(smtptape({"export", tape_, "--format", "html", "-o", tape_, "--force"}).exit, 2);
}

TEST_F(ExportedPage, OfNothingThereIsNone) {
  const std::string file = directory_ / "night.html";
  const Ran ran = smtptape({"export", tape_, "--format", "html", "--code", "299", "-o", file});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_THAT(ran.err, HasSubstr("nothing was found"));
  EXPECT_EQ(smtptape("export --format html --code 299", {tape_}).out, "");
}

TEST_F(ExportedPage, SaysWhatIsMissing) {
  const std::string tape = directory_ / "lag.tape";
  const std::string feed = golden_path("feeds/slices/lag-inside.jsonl").string();
  ASSERT_EQ(smtptape("import", {feed, "-o", tape}).exit, 0);
  const Ran ran = smtptape({"export", tape, "--format", "html"});
  EXPECT_EQ(ran.exit, 3);
  const ReadPage read_page = read(ran);
  EXPECT_THAT(std::string(read_page.about().at("gaps").at(0).as_string()),
              HasSubstr("138355 events missing"));
  EXPECT_EQ(read_page.about().at("events_without_session").to_number<int>(), 1);
  EXPECT_THAT(ran.err, HasSubstr("138355 events missing"));
}

TEST_F(ExportedPage, IsNotMadeAsALiveToolWould) {
  const Ran ran = smtptape("export --format html --as-live", {tape_});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("--as-live is for frames"));
  EXPECT_THAT(smtptape("export --format pdf", {tape_}).err,
              HasSubstr("\"pdf\" is none of jsonl, jsonl.zst, frames, html"));
}

TEST_F(ExportedPage, IsNothingForATerminal) {
  const Ran ran = run_program(SMTPTAPE_PROGRAM,
                              {"export", tape_, "--format", "html"},
                              {},
                              std::chrono::seconds(30),
                              Output::Terminal);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("a page is nothing for a terminal"));
}

// One frame after another, of sessions with a thousand of them.
std::string long_feed(int sessions) {
  std::string feed;
  for (int i = 0; i < sessions * 1000; ++i) {
    const std::string number = std::to_string(1'000'000'000 + i);
    feed += R"({"conn_meta":{"id":"s)" + std::to_string(i / 1000) +
            R"("},"payload":{"Read":"250 ok\r\n"},"when":"2026-11-22T19:00:00.)" +
            number.substr(1) + "Z\"}\n";
  }
  return feed;
}

TEST_F(ExportedPage, WithoutRoomForAllNamesTheRest) {
  const std::string tape = directory_ / "long.tape";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, long_feed(103)).exit, 0);
  const Ran ran = smtptape({"export", tape, "--format", "html"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("no room in the page for 3 sessions"));
  EXPECT_THAT(ran.err, HasSubstr("--since 2026-11-22T19:00:00.000Z begins with these"));
  const ReadPage read_page = read(ran);
  EXPECT_EQ(read_page.rows().size(), 100U);
  EXPECT_EQ(read_page.about().at("left_out_ids"), boost::json::value({"s100", "s101", "s102"}));
}

}  // namespace
}  // namespace smtptape::testing
