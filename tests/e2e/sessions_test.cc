// Sessions in a line each.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/e2e/session_lists.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Sessions, HaveALineEach) {
  const Ran ran = smtptape({"sessions", tape("errors")});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  const std::vector<std::string> lines = lines_of(ran.out);
  ASSERT_EQ(lines.size(), 42U);
  EXPECT_THAT(lines[0], StartsWith("START (UTC)"));
  EXPECT_TRUE(std::is_sorted(lines.begin() + 1, lines.end(), [](const auto& a, const auto& b) {
    constexpr std::size_t kTime = 24;
    return a.substr(0, kTime) < b.substr(0, kTime);
  }));
  const auto line = std::find_if(lines.begin(), lines.end(), [](const std::string& each) {
    return each.find(kMixed) != std::string::npos;
  });
  ASSERT_NE(line, lines.end());
  EXPECT_THAT(*line,
              AllOf(StartsWith("2026-11-22T19:34:40.018Z   6.3 ms src-c2"),
                    HasSubstr("mx.rcptmixed.example"),
                    HasSubstr("46.0 KiB   550 mixed")));
}

TEST_F(Sessions, AreJsonWithTheFieldsOfTheGuide) {
  const std::vector<json::object> all = objects_of(smtptape({"sessions", store_, "--json"}));
  ASSERT_EQ(all.size(), 73U);
  const auto mixed = std::find_if(all.begin(), all.end(), [](const json::object& each) {
    return each.at("id").as_string() == kMixed;
  });
  ASSERT_NE(mixed, all.end());
  EXPECT_EQ(
      json::serialize(*mixed),
      R"({"schema":"smtptape.sessions/1","id":"8817edca-6add-47a4-8d2c-ce963618dd93",)"
      R"("source":"raw","first_received":"2026-11-22T19:34:40.018Z",)"
      R"("last_received":"2026-11-22T19:34:40.024Z","seconds":6.261982E-3,)"
      R"("egress_pool":"pool_c","egress_source":"src-c2","source_address":"127.0.0.32:37001",)"
      R"("mx_host":"mx.rcptmixed.example","mx_address":"127.0.0.5:2607",)"
      R"("mx_hosts":["mx.rcptmixed.example"],"connections":1,"tls":"none","messages":1,)"
      R"("rcpt_commands":11,"recipients":{"delivered":5,"deferred":4,"bounced":2,)"
      R"("unfinished":0,"unknown":0},"bytes_read":448,"bytes_written":46695,)"
      R"("worst_reply":550,"last_reply":250,"outcome":"mixed","begins_here":true,)"
      R"("is_open":true,"gap":false})");
  const std::string guide = read_file(golden_path("../../docs/user-guide.md"));
  for (const auto& [name, value] : *mixed)
    EXPECT_THAT(guide, HasSubstr("`" + std::string(name) + "`"));
}

TEST_F(Sessions, AreTheSameByRowsAndByStories) {
  std::vector<json::object> by_rows = objects_of(smtptape({"sessions", store_, "--json"}));
  std::vector<json::object> by_stories = told_by_stories({"sessions", store_});
  sort_by_beginning(by_rows);
  sort_by_beginning(by_stories);
  EXPECT_EQ(by_rows, by_stories);
}

// Rows of before they told of recipients, and of since.
TEST_F(Sessions, OfOldTapesAreTheSame) {
  const auto by_beginning = [](const std::vector<std::string>& arguments) {
    std::vector<json::object> all = objects_of(smtptape(arguments));
    for (json::object& each : all)
      each.erase("source");
    return all;
  };
  const auto now = by_beginning({"sessions", tape("errors"), "--json"});
  for (const std::string name : {"rows", "outcomes"}) {
    const std::string old = golden_path("tapes/version-1-" + name + ".tape");
    EXPECT_EQ(by_beginning({"sessions", old, "--json"}), now) << name;
  }
}

TEST_F(Sessions, OfALiveTapeAreThoseOfTheSealedOne) {
  const Ran sealed = smtptape({"sessions", tape("errors")});
  const std::string live = unsealed("errors");
  EXPECT_EQ(smtptape({"sessions", live}).out, sealed.out);
  // Beside one that has rows.
  std::filesystem::remove(tape("errors"));
  const std::string beside = smtptape({"sessions", store_, live}).out;
  for (const std::string& line : lines_of(sealed.out))
    EXPECT_THAT(beside, HasSubstr(line));
  EXPECT_EQ(lines_of(beside).size(), 74U);
}

// Rows are there, and the events that some of them need are not.
TEST_F(Sessions, OfDamagedEventsAreSaidToBeIncomplete) {
  std::string bytes = read_file(tape("errors"));
  bytes[30'000] = static_cast<char>(~bytes[30'000]);
  const std::string damaged = directory_ / "damaged.tape";
  write_file(damaged, bytes);
  const Ran ran = smtptape({"sessions", damaged, "--json"});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("520 events lost"));
  const std::vector<json::object> all = objects_of(ran);
  EXPECT_EQ(all.size(), 41U);
  // Its message was not sent; of whom that was, the events would have told.
  const std::string cut_off = "0a9dbcaf-f740-423e-9380-e77aae48883c";
  for (const auto& [id, gap] : {std::pair(cut_off, true), std::pair(kMixed, false)}) {
    const auto session = std::find_if(all.begin(), all.end(), [&id = id](const auto& each) {
      return each.at("id").as_string() == id;
    });
    ASSERT_NE(session, all.end());
    EXPECT_EQ(session->at("gap").as_bool(), gap) << id;
  }
  EXPECT_EQ(smtptape({"sessions", damaged, "--recovery", "strict"}).exit, 1);
}

TEST_F(Sessions, ComeThroughAPipe) {
  const std::string bytes = read_file(tape("errors"));
  EXPECT_EQ(smtptape({"sessions", "-"}, bytes).out, smtptape({"sessions", tape("errors")}).out);
  EXPECT_EQ(smtptape({"sessions", "-", "--mx-host", "mx.rcptmixed.example"}, bytes).out,
            smtptape({"sessions", tape("errors"), "--mx-host", "mx.rcptmixed.example"}).out);
}

TEST_F(Sessions, ArePassedByFiltersAsWholes) {
  const Ran ran = smtptape({"sessions", store_, "--mx-host", "mx.rcptmixed.example", "--json"});
  EXPECT_EQ(objects_of(ran).size(), 2U);
  const Ran none = smtptape({"sessions", store_, "--mx-host", "mx.rcptmixd.example"});
  EXPECT_EQ(none.exit, 0);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("mx.rcptmixed.example"));
  const Ran outside = smtptape({"sessions", store_, "--until", "2020-01-01T00:00:00Z"});
  EXPECT_EQ(outside.out, "");
  EXPECT_THAT(outside.err, HasSubstr("is before all that was received"));
}

TEST_F(Sessions, OfATimeAreThoseThatAreThen) {
  const auto all = objects_of(smtptape({"sessions", tape("errors"), "--json"}));
  const auto some = objects_of(
      smtptape({"sessions", tape("errors"), "--json", "--since", "2026-11-22T19:34:41Z"}));
  const auto is_then = [](const json::object& each) {
    return each.at("last_received").as_string() >= "2026-11-22T19:34:41.000Z";
  };
  EXPECT_EQ(some.size(), static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_then)));
  EXPECT_LT(some.size(), all.size());
}

TEST_F(Sessions, AreSortedAndTheFirstOrLastOnes) {
  const auto all = objects_of(smtptape({"sessions", store_, "--json"}));
  const auto last = objects_of(smtptape({"sessions", store_, "--json", "-n", "3"}));
  EXPECT_THAT(last, ElementsAre(all[70], all[71], all[72]));
  for (const auto& [sort, field] : std::map<std::string, std::string>{
           {"duration", "seconds"}, {"messages", "messages"}, {"recipients", "rcpt_commands"}}) {
    const auto sorted = objects_of(smtptape({"sessions", store_, "--json", "--sort", sort}));
    EXPECT_EQ(sorted.size(), all.size());
    EXPECT_TRUE(std::is_sorted(sorted.begin(),
                               sorted.end(),
                               [&key = field](const auto& a, const auto& b) {
                                 return a.at(key).template to_number<double>() >
                                        b.at(key).template to_number<double>();
                               }))
        << sort;
    const auto first =
        objects_of(smtptape({"sessions", store_, "--json", "--sort", sort, "-n", "2"}));
    EXPECT_THAT(first, ElementsAre(sorted[0], sorted[1]));
  }
}

TEST_F(Sessions, HaveTheColumnsThatAreAskedFor) {
  const Ran ran =
      smtptape({"sessions", tape("errors"), "--columns", "id,worst,slowest", "-n", "1"});
  EXPECT_THAT(ran.out, StartsWith("ID                                   WORST  SLOWEST\n"));
}

TEST_F(Sessions, RefuseWhatTheyDontKnowAllAtOnce) {
  const Ran ran = smtptape({"sessions", store_, "--sort", "size", "--columns", "a", "-n", "0"});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("--sort: \"size\" is none of start, duration, bytes"),
                    HasSubstr("--columns: \"a\" is none of start, duration"),
                    HasSubstr("-n: \"0\" is no number from 1 on")));
}

// ---- a terminal ----

Ran on_terminal(const std::vector<std::string>& arguments) {
  return run_program(SMTPTAPE_PROGRAM, arguments, {}, std::chrono::seconds(30), Output::Terminal);
}

class SessionsOnATerminal : public Sessions {
 protected:
  void SetUp() override {
    Sessions::SetUp();
    ::setenv("TERM", "xterm", 1);
    ::setenv("LANG", "C.UTF-8", 1);
    ::unsetenv("LC_ALL");
    ::unsetenv("PAGER");
  }
  void TearDown() override {
    for (const char* const name : {"TERM", "COLUMNS", "SMTPTAPE_PAGER"})
      ::unsetenv(name);
  }
};

TEST_F(SessionsOnATerminal, LinesFitIntoItsWidth) {
  for (const int columns : {20, 40, 80, 132, 200}) {
    ::setenv("COLUMNS", std::to_string(columns).c_str(), 1);
    const Ran ran = on_terminal({"sessions", tape("errors"), "--no-pager"});
    const std::vector<std::string> lines = lines_of(ran.out);
    EXPECT_EQ(lines.size(), 42U);
    for (const std::string& line : lines) {
      const auto width = std::count_if(line.begin(), line.end(), [](char c) {
        return c != '\r' && (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
      });
      EXPECT_LT(width, columns + (columns < 30 ? 12 : 0)) << line;
    }
  }
}

TEST_F(SessionsOnATerminal, IsPagedAndSaysWhatElseThereIsBehindIt) {
  ::setenv("SMTPTAPE_PAGER", "sed s/^/paged:/", 1);
  for (const std::string command : {"sessions", "stats"}) {
    const Ran ran = on_terminal({command, tape("errors")});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    for (const std::string& line : lines_of(ran.out))
      EXPECT_THAT(line, StartsWith("paged:"));
    EXPECT_THAT(on_terminal({command, tape("errors"), "--no-pager"}).out, Not(HasSubstr("paged:")));
    EXPECT_THAT(smtptape({command, tape("errors")}).out, Not(HasSubstr("paged:")));
  }
  EXPECT_THAT(on_terminal({"show", kMixed, tape("errors")}).out, StartsWith("paged:session "));
  EXPECT_THAT(on_terminal({"replay", tape("errors")}).out, Not(HasSubstr("paged:")));
  ::setenv("TERM", "dumb", 1);
  EXPECT_THAT(on_terminal({"sessions", tape("errors")}).out, Not(HasSubstr("paged:")));
}

TEST_F(SessionsOnATerminal, APagerThatIsClosedIsNoError) {
  ::setenv("SMTPTAPE_PAGER", "head -1", 1);
  const Ran ran = on_terminal({"sessions", store_});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(lines_of(ran.out).size(), 1U);
}

TEST_F(SessionsOnATerminal, WithoutUtf8ShowsAscii) {
  ::setenv("LANG", "C", 1);
  ::setenv("COLUMNS", "70", 1);
  const Ran ran = on_terminal({"sessions", tape("errors"), "--no-pager"});
  EXPECT_THAT(ran.out, HasSubstr("~"));
  EXPECT_TRUE(std::all_of(ran.out.begin(), ran.out.end(), [](char c) { return c > 0; }));
}

TEST(SessionNames, CantSpeakToATerminal) {
  const TemporaryDirectory directory;
  const std::string feed = directory / "hostile.jsonl";
  write_file(feed,
             R"({"conn_meta":{"id":"s\u001b[2J","mx_host":"m\u001b]0;x\u0007\u202e\n"},)"
             R"("payload":"Connected","when":"2026-08-04T21:00:00Z"})"
             "\n");
  const std::string tape = directory / "hostile.tape";
  static_cast<void>(smtptape({"import", feed, "-o", tape}));
  for (const std::string command : {"sessions", "stats"}) {
    const std::string out = smtptape({command, tape}).out;
    EXPECT_THAT(out, HasSubstr("m\\u{1b}]0;x\\u{7}\\u{202e}\\n"));
    EXPECT_THAT(out, Not(HasSubstr("\x1b")));
  }
}

}  // namespace
}  // namespace smtptape::testing
