// Sessions in a line each, and counted: the same by rows, by stories, and however the tapes lie.
#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/tape/tape_reader.h"
#include "tests/e2e/cli.h"
#include "tests/e2e/session_store.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

namespace json = boost::json;

const std::string kMixed = "8817edca-6add-47a4-8d2c-ce963618dd93";

std::vector<json::object> objects_of(const Ran& ran) {
  std::vector<json::object> all;
  for (const std::string& line : lines_of(ran.out))
    all.push_back(json::parse(line).as_object());
  return all;
}

// The same from stories, which `slowest` takes: without what only these tell, in the usual order.
std::vector<json::object> told_by_stories(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--sort", "slowest", "--json"});
  std::vector<json::object> all = objects_of(smtptape(arguments));
  for (json::object& each : all)
    each.erase("slowest_reply_seconds");
  return all;
}

void sort_by_beginning(std::vector<json::object>& sessions) {
  std::sort(sessions.begin(), sessions.end(), [](const json::object& a, const json::object& b) {
    const auto key = [](const json::object& each) {
      return std::string(each.at("first_received").as_string()) + json::serialize(each);
    };
    return key(a) < key(b);
  });
}

class Sessions : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(store_);
    for (const std::string name : {"basic", "errors", "tlsauth"}) {
      const Ran ran = smtptape(
          "import", {golden_path("feeds/" + name + "/raw.jsonl").string(), "-o", tape(name)});
      ASSERT_TRUE(std::filesystem::exists(tape(name))) << ran.err;
    }
  }
  [[nodiscard]] std::string tape(const std::string& name) const {
    return store_ + "/" + name + ".tape";
  }
  // As a recorder leaves it that was killed, or is writing.
  std::string unsealed(const std::string& name) const {
    std::string copy = directory_ / (name + "-unsealed.tape");
    std::filesystem::copy_file(tape(name), copy);
    const UniqueFd fd(::open(copy.c_str(), O_RDONLY | O_CLOEXEC));
    const auto summary = read_summary(fd.get());
    EXPECT_TRUE(summary);
    std::filesystem::resize_file(copy, summary->footer_offset);
    return copy;
  }

  TemporaryDirectory directory_;
  std::string store_ = directory_ / "store";
};

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

// What there was to be asked, and of how much of it the events were.
struct Asked {
  std::size_t sessions = 0;
  std::size_t read = 0;
};

void expect_same_by_rows_and_by_stories(std::vector<std::string> arguments, Asked& asked) {
  std::vector<json::object> by_stories = told_by_stories(arguments);
  arguments.insert(arguments.end(), {"--json", "--explain"});
  const Ran ran = smtptape(arguments);
  std::vector<json::object> by_rows = objects_of(ran);
  sort_by_beginning(by_rows);
  sort_by_beginning(by_stories);
  ASSERT_EQ(by_rows.size(), by_stories.size()) << ran.err;
  for (std::size_t i = 0; i < by_rows.size(); ++i)
    ASSERT_EQ(json::serialize(by_rows[i]), json::serialize(by_stories[i]));
  asked.sessions += by_rows.size();
  const std::size_t at = ran.err.find("read; of ");
  if (at != std::string::npos) asked.read += std::stoul(ran.err.substr(at + 9));
}

// Whatever the rows of random stores say; and some of it is said by rows alone.
TEST(SessionsOfRandomStores, AreTheSameByRowsAndByStories) {
  Asked asked;
  std::vector<std::uint32_t> seeds(20);
  std::iota(seeds.begin(), seeds.end(), 1U);
  // Recipients that were never named, LMTP that broke off, messages that were sent again.
  seeds.insert(seeds.end(), {182, 199, 218, 263, 351, 441, 469});
  for (const std::uint32_t seed : seeds) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::Some);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 500U);
  EXPECT_GT(asked.read, asked.sessions / 20);
  EXPECT_LT(asked.read, asked.sessions * 7 / 10);
}

// Nearly every session goes over the ends of groups.
TEST(SessionsOfRandomStores, OverTheEndsOfGroupsAreTheSame) {
  Asked asked;
  Asked of_a_time;
  for (std::uint32_t seed = 101; seed <= 112; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All, 5);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    for (const std::string bound : {"--since", "--until"}) {
      expect_same_by_rows_and_by_stories({"sessions", store, bound, "2026-08-04T21:00:04Z"},
                                         of_a_time);
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 400U);
  EXPECT_LT(asked.read, asked.sessions * 7 / 10);
  EXPECT_GT(of_a_time.sessions, 100U);
}

// The events of such groups are read, and nothing goes on from them or over them.
void damage_indexes(const std::string& store, std::uint32_t seed) {
  std::uint32_t number = seed;
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    const std::string path = entry.path();
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto summary = read_summary(fd.get());
    ASSERT_TRUE(summary);
    std::string bytes = read_file(path);
    for (const GroupIndex& group : summary->footer.groups) {
      constexpr std::uint64_t kIntoTheFrame = 60;
      if (++number % 7 == 0) bytes[group.offset + group.bytes + kIntoTheFrame] ^= 1;
    }
    write_file(path, bytes);
  }
}

TEST(SessionsOfRandomStores, OverDamagedIndexesAreTheSame) {
  Asked asked;
  for (std::uint32_t seed = 121; seed <= 126; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All, 5);
    SCOPED_TRACE("seed " + std::to_string(seed));
    damage_indexes(store, seed);
    EXPECT_THAT(smtptape({"sessions", store, "--explain"}).err, Not(HasSubstr(" 0 tapes and")));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 100U);
}

TEST(SessionsOfRandomStores, WithTapesThatAreGoneAreTheSame) {
  Asked asked;
  for (std::uint32_t seed = 131; seed <= 142; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All, 10);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<std::filesystem::path> tapes(std::filesystem::directory_iterator(store), {});
    std::sort(tapes.begin(), tapes.end());
    if (tapes.size() < 3) continue;
    std::filesystem::remove(tapes[1]);
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 100U);
}

// What is written again has rows of its own.
TEST(SessionsOfRandomStores, AreTheSameInCopies) {
  Asked asked;
  Asked of_copies;
  for (std::uint32_t seed = 151; seed <= 156; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::Some, 5);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    const std::string whole = smtptape({"sessions", store, "--json"}).out;
    for (const std::string command : {"compact", "recover"}) {
      const std::string copies = directory / command;
      ASSERT_EQ(smtptape({command, store, "-o", copies}).exit % 3, 0);
      expect_same_by_rows_and_by_stories({"sessions", copies}, of_copies);
      // Gaps stand elsewhere in them, and tapes that had no end have one.
      if (seed % SessionStore::kGapsInEach != 0) {
        EXPECT_EQ(smtptape({"sessions", copies, "--json"}).out, whole) << command;
      }
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 100U);
}

TEST(SessionsOfRandomStores, AreTheirMergeAndCountOnce) {
  for (std::uint32_t seed = 41; seed <= 48; ++seed) {
    // A copy has gaps elsewhere.
    if (seed % SessionStore::kGapsInEach == 0) continue;
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All);
    const std::string merged = directory / "merged.tape";
    ASSERT_EQ(smtptape({"extract", store, "--scope", "event", "-o", merged}).exit % 3, 0);
    const std::vector<json::object> of_store = objects_of(smtptape({"sessions", store, "--json"}));
    const auto of_merged = objects_of(smtptape({"sessions", merged, "--json"}));
    ASSERT_EQ(of_store.size(), of_merged.size()) << "seed " << seed;
    for (std::size_t i = 0; i < of_store.size(); ++i)
      EXPECT_EQ(json::serialize(of_store[i]), json::serialize(of_merged[i])) << "seed " << seed;
    EXPECT_EQ(of_store, objects_of(smtptape({"sessions", merged, store, "--json"})));
  }
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

// ---- stats ----

TEST_F(Sessions, AreCountedByProvider) {
  const std::vector<json::object> all = objects_of(smtptape({"stats", store_, "--json"}));
  const auto mixed = std::find_if(all.begin(), all.end(), [](const json::object& each) {
    return each.at("key").at("provider").as_string() == "rcptmixed.example";
  });
  ASSERT_NE(mixed, all.end());
  EXPECT_EQ(mixed->at("schema").as_string(), "smtptape.stats/1");
  EXPECT_EQ(mixed->at("sessions").to_number<int>(), 2);
  EXPECT_EQ(json::serialize(mixed->at("recipients")),
            R"({"delivered":10,"deferred":5,"bounced":4,"unfinished":0,"unknown":0})");
  EXPECT_GT(mixed->at("phases").at("final reply").at("p50").to_number<double>(), 0);
  EXPECT_THAT(json::serialize(mixed->at("refusals")),
              HasSubstr(R"({"reply":"450 4.2.1 Mailbox busy","count":5})"));
  const std::string guide = read_file(golden_path("../../docs/user-guide.md"));
  for (const auto& [name, value] : *mixed)
    EXPECT_THAT(guide, HasSubstr("`" + std::string(name) + "`"));
}

TEST_F(Sessions, AreCountedTheSameByRowsAndByStories) {
  const auto without = [](std::vector<json::object> all) {
    for (json::object& each : all) {
      each.erase("phases");
      each.erase("refusals");
    }
    return all;
  };
  for (const std::string by : {"provider",
                               "mx-host",
                               "mx-addr",
                               "source",
                               "pool",
                               "egress-source",
                               "tls",
                               "hour",
                               "pool,provider"}) {
    const auto by_rows = objects_of(
        smtptape({"stats", store_, "--by", by, "--json", "--columns", "sessions,messages,codes"}));
    EXPECT_GT(by_rows.size(), 0U);
    EXPECT_EQ(by_rows, without(objects_of(smtptape({"stats", store_, "--by", by, "--json"}))))
        << by;
  }
}

// Of each key the figures are those of a filter for it.
TEST_F(Sessions, AreCountedAsFiltersChooseThem) {
  for (const json::object& each :
       objects_of(smtptape({"stats", store_, "--by", "tenant", "--json"}))) {
    const std::string tenant(each.at("key").at("tenant").as_string());
    if (tenant == "(none)") continue;
    const auto sessions = objects_of(smtptape({"sessions", store_, "--tenant", tenant, "--json"}));
    EXPECT_EQ(each.at("sessions").to_number<std::size_t>(), sessions.size()) << tenant;
  }
}

TEST_F(Sessions, AreCountedByReplyAndOverTime) {
  const auto replies = objects_of(smtptape({"stats", store_, "--by", "provider,reply", "--json"}));
  const auto busy = std::find_if(replies.begin(), replies.end(), [](const json::object& each) {
    return json::serialize(each.at("key")) ==
           R"({"provider":"rcptmixed.example","reply":"450 4.2.1 Mailbox busy"})";
  });
  ASSERT_NE(busy, replies.end());
  EXPECT_EQ(busy->at("replies").to_number<int>(), 5);
  EXPECT_EQ(busy->at("recipients").at("deferred").to_number<int>(), 5);
  const auto hours =
      objects_of(smtptape({"stats", store_, "--by", "hour", "--json", "--bucket", "1s"}));
  ASSERT_EQ(hours.size(), 1U);
  std::size_t sessions = 0;
  for (const json::value& bucket : hours[0].at("buckets").as_array())
    sessions += bucket.at("sessions").to_number<std::size_t>();
  EXPECT_EQ(sessions, 73U);
}

TEST_F(Sessions, AreComparedWithTheSpanBefore) {
  const Ran ran = smtptape({"stats",
                            store_,
                            "--json",
                            "--columns",
                            "sessions,codes",
                            "--since",
                            "2026-11-22T19:34:39Z",
                            "--until",
                            "2026-11-22T20:00:00Z",
                            "--compare",
                            "24s"});
  const auto all = objects_of(ran);
  const auto before = std::find_if(all.begin(), all.end(), [](const json::object& each) {
    return each.at("before").at("sessions").to_number<int>() > 0;
  });
  ASSERT_NE(before, all.end()) << ran.out << ran.err;
  EXPECT_THAT(smtptape({"stats", store_, "--compare", "yesterday"}).err,
              HasSubstr("--compare needs --since"));
}

TEST_F(Sessions, AreCsvThatOthersRead) {
  const Ran ran = smtptape({"stats", store_, "--csv", "--columns", "sessions"});
  EXPECT_THAT(ran.out,
              StartsWith("provider,sessions,messages,replies,delivered,deferred,bounced,"
                         "unfinished,unknown,deferred_share,bounced_share,first,last\r\n"));
  EXPECT_EQ(smtptape({"stats", store_, "--csv", "--json"}).exit, 2);
  EXPECT_EQ(smtptape({"stats", store_, "--by", "phase,tenant"}).exit, 2);
  EXPECT_EQ(smtptape({"stats", store_, "--by", "colour"}).exit, 2);
}

TEST_F(Sessions, KnowTheProvidersOfAFile) {
  const std::string file = directory_ / "providers";
  write_file(file, "# ours\n.rcptmixed.example  Mixed\n");
  EXPECT_THAT(smtptape({"stats", store_, "--providers", file}).out, HasSubstr("\nMixed "));
  write_file(file, "one\n");
  const Ran ran = smtptape({"stats", store_, "--providers", file});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("line 1: a line is the end of an MX host's name"));
}

}  // namespace
}  // namespace smtptape::testing
