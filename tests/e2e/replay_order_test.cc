// replay in another order, or of the last sessions only: compared with the plain text, cut up here.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kNight = SMTPTAPE_SOURCE_DIR "/samples/night.tape";

std::string session_of(std::string_view line) {
  return std::string(line.substr(0, line.find(']')));
}

// By the order in which they began.
std::vector<std::string> sessions_of(const std::vector<std::string>& lines) {
  std::vector<std::string> sessions;
  for (const std::string& line : lines) {
    const std::string session = session_of(line);
    if (std::find(sessions.begin(), sessions.end(), session) == sessions.end())
      sessions.push_back(session);
  }
  return sessions;
}

std::string grouped(const std::vector<std::string>& lines, bool newest_first) {
  std::map<std::string, std::string> texts;
  for (const std::string& line : lines)
    texts[session_of(line)] += line + "\n";
  std::vector<std::string> sessions = sessions_of(lines);
  if (newest_first) std::reverse(sessions.begin(), sessions.end());
  std::string out;
  for (const std::string& session : sessions)
    out += texts[session];
  return out;
}

std::string last_of(const std::vector<std::string>& lines, std::size_t count) {
  std::vector<std::string> sessions = sessions_of(lines);
  if (sessions.size() > count)
    sessions.erase(sessions.begin(), sessions.end() - static_cast<long>(count));
  std::string out;
  for (const std::string& line : lines) {
    if (std::find(sessions.begin(), sessions.end(), session_of(line)) != sessions.end())
      out += line + "\n";
  }
  return out;
}

std::string without_ends(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines)
    out += line + "\n";
  return out;
}

class ReplayOrder : public ::testing::Test {
 protected:
  ReplayOrder() {
    for (const char* const feed : {"basic", "errors", "tlsauth"}) {
      const std::string raw = golden_path(std::string("feeds/") + feed + "/raw.jsonl");
      const Ran ran = smtptape({"import", raw, "-o", directory_ / (std::string(feed) + ".tape")});
      EXPECT_EQ(ran.exit, 0) << ran.err;
    }
  }
  static std::string replay(std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.begin(), "replay");
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = smtptape(words);
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return ran.out;
  }

  TemporaryDirectory directory_;
  // One tape, a store of three, and what filters leave of them.
  std::vector<std::vector<std::string>> asked_ = {
      {kNight},
      {directory_ / ""},
      {directory_ / "", "--egress-pool", "pool_c", "--scope", "strict"},
      {directory_ / "", "--egress-pool", "pool_c", "--scope", "session"},
      {directory_ / "", "--only-new", "--since", "2026-11-22T19:34:40Z"},
      {directory_ / "", "--terse", "--until", "2026-11-22T19:34:41Z"},
  };
};

TEST_F(ReplayOrder, SessionAfterSession) {
  for (const auto& asked : asked_) {
    const std::vector<std::string> plain = lines_of(replay(asked, {}));
    ASSERT_GT(sessions_of(plain).size(), 3U);
    EXPECT_EQ(replay(asked, {"--group"}), grouped(plain, false));
    EXPECT_EQ(replay(asked, {"--group", "--reverse"}), grouped(plain, true));
    EXPECT_EQ(replay(asked, {"--reverse"}), grouped(plain, true));
    EXPECT_EQ(replay(asked, {"--reverse", "-n", "3"}), grouped(lines_of(last_of(plain, 3)), true));
  }
}

TEST_F(ReplayOrder, TheLastSessions) {
  for (const auto& asked : asked_) {
    const std::vector<std::string> plain = lines_of(replay(asked, {}));
    const std::size_t all = sessions_of(plain).size();
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{9}, all / 2, all - 1, all, all + 1})
      EXPECT_EQ(replay(asked, {"-n", std::to_string(count)}), last_of(plain, count)) << count;
  }
}

TEST_F(ReplayOrder, OfStandardInput) {
  const std::string tape = read_file(kNight);
  const std::vector<std::string> plain = lines_of(smtptape({"replay", kNight}).out);
  EXPECT_EQ(smtptape({"replay", "-", "-n", "2"}, tape).out, last_of(plain, 2));
  EXPECT_EQ(smtptape({"replay", "-", "--group"}, tape).out, grouped(plain, false));
}

// Nothing is told of what was not asked for.
TEST_F(ReplayOrder, ValuesOfEarlierSessionsAreNotMissing) {
  const Ran ran = smtptape({"replay",
                            directory_ / "",
                            "-n",
                            "1",
                            "--egress-pool",
                            "pool_a",
                            "--egress-pool",
                            "pool_c",
                            "--scope",
                            "strict"});
  EXPECT_EQ(ran.err, "");
  // Where all of it was looked at for them.
  const Ran missed = smtptape({"replay",
                               directory_ / "",
                               "-n",
                               "1000",
                               "--egress-pool",
                               "pool_c",
                               "--egress-pool",
                               "none",
                               "--scope",
                               "strict"});
  EXPECT_THAT(missed.err, HasSubstr("no events of --egress-pool \"none\""));
}

TEST_F(ReplayOrder, AnEmptyAnswerSaysWhatThereIs) {
  const Ran ran = smtptape({"replay", kNight, "-n", "3", "--since", "2026-12-01"});
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("nothing was found"));
}

TEST_F(ReplayOrder, AClockBeforeEachLine) {
  const std::vector<std::string> plain = lines_of(smtptape({"replay", kNight}).out);
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{}, {"--speed", "max"}, {"--group"}}) {
    std::vector<std::string> words = {"replay", kNight, "--clock", "--utc"};
    words.insert(words.end(), order.begin(), order.end());
    std::vector<std::string> lines = lines_of(smtptape(words).out);
    ASSERT_EQ(lines.size(), plain.size());
    for (std::string& line : lines) {
      const std::size_t begin = line.find("=== BeginSession 2026-11-22 ");
      if (begin != std::string::npos) {
        // The same time as kcli's text has it.
        EXPECT_EQ(line.substr(0, 12), line.substr(begin + 28, 12));
      }
      EXPECT_EQ(line.substr(2, 1) + line.substr(5, 1) + line.substr(8, 1) + line[12], "::. ");
      line.erase(0, 13);
    }
    EXPECT_EQ(
        without_ends(lines),
        order == std::vector<std::string>{"--group"} ? grouped(plain, false) : without_ends(plain));
  }
}

TEST_F(ReplayOrder, TimesAreLocalUnlessUtc) {
  ::setenv("TZ", "EAST-2", 1);
  const std::string local = smtptape({"replay", kNight, "--clock"}).out;
  const std::string utc = smtptape({"replay", kNight, "--clock", "--utc"}).out;
  const Ran since = smtptape({"replay", kNight, "--since", "2026-11-22 19:38", "--utc"});
  const Ran early = smtptape({"replay", kNight, "--since", "2026-11-22 21:38"});
  ::unsetenv("TZ");
  EXPECT_THAT(local, StartsWith("21:34:17.169 "));
  EXPECT_THAT(utc, StartsWith("19:34:17.169 "));
  EXPECT_EQ(since.out, early.out);
  EXPECT_EQ(since.out, smtptape({"replay", kNight, "--since", "2026-11-22T19:38:00Z"}).out);
}

// Before anything is read: what stands behind it would be read first, and is no tape.
TEST_F(ReplayOrder, WhatCanNotBeFollowedIsRefusedFirst) {
  write_file(directory_ / "none", "rubbish");
  for (const char* const words : {"--scope session --tenant x", "--recovery strict"}) {
    const Ran ran = smtptape("replay --follow -n 2 " + std::string(words), {directory_ / "none"});
    EXPECT_EQ(ran.exit, 2) << words << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("--follow")) << words;
  }
}

TEST_F(ReplayOrder, WhatExcludesEachOtherIsWrongUsage) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"--idle-limit 2s", "add --speed 1"},
      {"--speed max --idle-limit 2s", "add --speed 1"},
      {"--speed fast", "want max"},
      {"--speed 0", "want max"},
      {"--speed 1 --idle-limit soon", "--idle-limit"},
      {"--follow --speed 1", "leave one of them out"},
      {"--follow --loop", "leave one of them out"},
      {"--follow --group", "replay it afterwards"},
      {"--follow --reverse", "replay it afterwards"},
      {"--only-one --reverse", "take -n 1"},
      {"-n 0", "at least 1"},
      {"-n -1", "as in -n 5"},
      {"-n two", "as in -n 5"},
      {"-n 99999999999999999999", "as in -n 5"},
      {"-n ''", "as in -n 5"},
  };
  for (const auto& [words, advice] : wrong) {
    const Ran ran = smtptape("replay " + words, {kNight});
    EXPECT_EQ(ran.exit, 2) << words;
    EXPECT_EQ(ran.out, "") << words;
    EXPECT_THAT(ran.err, HasSubstr(advice)) << words;
  }
}

}  // namespace
}  // namespace smtptape::testing
