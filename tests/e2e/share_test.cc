// What a user does to hand a trace on: cut out, compare, leave out, redact, join.
#include <algorithm>
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> ids_in(const std::string& tape) {
  std::vector<std::string> ids;
  for (const std::string& line : lines_of(smtptape("sessions --json", {tape}).out)) {
    const std::string before = R"("id":")";
    const std::size_t at = line.find(before) + before.size();
    ids.push_back(line.substr(at, line.find('"', at) - at));
  }
  return ids;
}

class Share : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        smtptape("import", {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_}).exit, 0);
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "night.tape";
  std::string out_ = directory_ / "out.tape";
};

// Every value of the metadata that is a name of ours or of a recipient.
std::set<std::string> names_in(const std::string& frames) {
  std::set<std::string> names;
  for (const std::string key : {"sender", "tenant", "campaign", "egress_pool", "message_id"}) {
    const std::string before = "\"" + key + "\":\"";
    for (std::size_t at = frames.find(before); at != std::string::npos;
         at = frames.find(before, at + 1)) {
      const std::size_t from = at + before.size();
      names.insert(frames.substr(from, frames.find('"', from) - from));
    }
  }
  names.erase("unspecified");
  names.erase("");
  return names;
}

TEST_F(Share, ARedactedTapeHasNoneOfTheNames) {
  const Ran ran = smtptape("redact -o", {out_, tape_});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, IsEmpty());
  EXPECT_THAT(ran.err, HasSubstr("taken out: local-parts"));
  EXPECT_THAT(ran.err, HasSubstr("in every spelling: none is left"));
  EXPECT_EQ(std::filesystem::status(out_).permissions(), std::filesystem::perms(0600));
  const std::string frames = smtptape("export", {out_}).out;
  const std::set<std::string> names = names_in(smtptape("export", {tape_}).out);
  ASSERT_GT(names.size(), 20U);
  for (const std::string& name : names) {
    EXPECT_THAT(frames, Not(HasSubstr("\"" + name + "\"")));
    if (name.find('@') != std::string::npos) {
      EXPECT_THAT(frames, Not(HasSubstr(name)));
      EXPECT_THAT(ran.err, Not(HasSubstr(name)));
    }
  }
  EXPECT_EQ(smtptape("verify", {out_}).exit, 0);
  EXPECT_THAT(smtptape("info", {out_}).out, HasSubstr("redacted"));
  EXPECT_EQ(ids_in(out_).size(), ids_in(tape_).size());
}

TEST_F(Share, TheFiguresOfARedactedTapeAreThoseOfTheOriginal) {
  ASSERT_EQ(smtptape("redact -o", {out_, tape_}).exit, 0);
  for (const std::string by : {"code", "mx-host", "tls", "reply"}) {
    const std::string words = "stats --csv --no-pager --by " + by;
    EXPECT_EQ(smtptape(words, {out_}).out, smtptape(words, {tape_}).out) << by;
  }
}

TEST_F(Share, AnExtractThatIsRedactedIsTheRedactedExtract) {
  const std::string map = directory_ / "map";
  const std::string part = directory_ / "part.tape";
  const std::string other = directory_ / "other.tape";
  ASSERT_EQ(smtptape("extract --failed -o", {part, tape_}).exit, 0);
  ASSERT_EQ(smtptape("redact --map", {map, "-o", out_, part}).exit, 0);
  EXPECT_EQ(std::filesystem::status(map).permissions(), std::filesystem::perms(0600));
  ASSERT_EQ(smtptape("extract --failed --redact --map", {map, "-o", other, tape_}).exit, 0);
  EXPECT_EQ(smtptape("export", {out_}).out, smtptape("export", {other}).out);
  const std::string third = directory_ / "third.tape";
  ASSERT_EQ(smtptape("redact -o", {third, part}).exit, 0);
  EXPECT_NE(smtptape("export", {out_}).out, smtptape("export", {third}).out);
}

TEST_F(Share, TheSameInputAndMapGiveTheSameBytes) {
  const std::string map = directory_ / "map";
  const std::string other = directory_ / "other.tape";
  ASSERT_EQ(smtptape("redact --map", {map, "-o", out_, tape_}).exit, 0);
  const std::string written = read_file(map);
  EXPECT_THAT(written, HasSubstr("smtptape.map/1"));
  ASSERT_EQ(smtptape("redact --map", {map, "-o", other, tape_}).exit, 0);
  EXPECT_EQ(read_file(out_), read_file(other));
  EXPECT_EQ(read_file(map), written);
}

TEST_F(Share, AMapKeepsWhatItHadOfOtherTapes) {
  const std::string map = directory_ / "map";
  const std::string part = directory_ / "part.tape";
  ASSERT_EQ(smtptape("redact --map", {map, "-o", out_, tape_}).exit, 0);
  const std::string before = read_file(map);
  ASSERT_EQ(smtptape("extract --failed --limit 20K -o", {part, tape_}).exit, 0);
  ASSERT_EQ(smtptape("redact --force --map", {map, "-o", out_, part}).exit, 0);
  const std::vector<std::string> after = lines_of(read_file(map));
  for (const std::string& line : lines_of(before))
    EXPECT_NE(std::find(after.begin(), after.end(), line), after.end()) << line;
}

TEST_F(Share, RedactsStandardInputToStandardOutput) {
  const Ran ran = smtptape({"redact", "-", "-o", "-"}, read_file(tape_));
  ASSERT_EQ(ran.exit, 0) << ran.err;
  write_file(out_, ran.out);
  EXPECT_EQ(smtptape("verify", {out_}).exit, 0);
}

TEST_F(Share, TellsWhatWasRedactedToAProgram) {
  const Ran ran = smtptape("redact --json --keep labels -o", {out_, tape_});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("schema":"smtptape.redact/1")"));
  EXPECT_THAT(ran.out, HasSubstr(R"("labels":{"kept":true,"places":0,"bytes":0})"));
  EXPECT_THAT(ran.out, Not(HasSubstr("tenants")));
}

TEST_F(Share, RulesNameMoreThatGoes) {
  const std::string rules = directory_ / "rules.toml";
  EXPECT_THAT(smtptape("export", {tape_}).out, HasSubstr("Greylisting in action"));
  write_file(rules, "words = [\"Greylisting in action\"]\n");
  ASSERT_EQ(smtptape("redact --rules", {rules, "-o", out_, tape_}).exit, 0);
  EXPECT_THAT(smtptape("export", {out_}).out, Not(HasSubstr("Greylisting in action")));
  write_file(rules, "patterns = [\"Greylisting [a-z]+ action\"]\nheaders = ['Date']\n");
  ASSERT_EQ(smtptape("redact --force --rules", {rules, "-o", out_, tape_}).exit, 0);
  EXPECT_THAT(smtptape("export", {out_}).out, Not(HasSubstr("Greylisting in action")));
}

TEST_F(Share, RulesThatAreWrongAreToldWithTheirLine) {
  const std::string rules = directory_ / "rules.toml";
  const std::vector<std::pair<std::string, std::string>> all{
      {"words = 1\n", "line 1: words: is no list"},
      {"words = [1]\n", "line 1: words: what stands there is no text"},
      {"\nwords = [\"abcdef\",\n \"abc\"]\n", "line 3: words: one has 6 characters"},
      {"\nwrods = []\n", "line 2: \"wrods\" is no rule; did you mean words?"},
      {"pattern = []\n", "did you mean patterns?"},
      {"header-names = []\n", "did you mean header_names?"},
      {"[[", "reading the rules"},
      {"patterns = ['a', 'b(c']\n", "line 1: patterns: \"b(c\" is no regular expression as RE2"},
      {"patterns = [\n'a*']\n", "line 2: patterns: \"a*\" matches where nothing is"},
      {"patterns = ['\\b']\n", "matches where nothing is"},
      {"patterns = ['x|$']\n", "matches where nothing is"},
      {"patterns = ['']\n", "line 1: patterns: the pattern is empty"},
      {"headers = ['a b']\n", "line 1: headers: \"a b\" is no name of a header"},
      {"header_names = ['X-A:']\n", "line 1: header_names: \"X-A:\" is no name"},
      {"patterns = [" +
           [] {
             std::string many;
             for (int i = 0; i < 101; ++i)
               many += "'x',";
             return many;
           }() +
           "]\n",
       "more than 100"}};
  for (const auto& [wrong, what] : all) {
    write_file(rules, wrong);
    const Ran ran = smtptape("redact --rules", {rules, "-o", out_, tape_});
    EXPECT_EQ(ran.exit, 1) << wrong;
    EXPECT_THAT(ran.err, HasSubstr(rules)) << wrong;
    EXPECT_THAT(ran.err, HasSubstr(what)) << wrong;
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
}

TEST_F(Share, NoFileIsWrittenOverAnotherOfTheSameCommand) {
  const std::string rules = directory_ / "rules.toml";
  const std::string there = directory_ / "there";
  const std::string link = directory_ / "link";
  const std::string nowhere = directory_ / "nowhere";
  const std::string hard = directory_ / "hard";
  const std::string rules_link = directory_ / "rules-link";
  write_file(rules, "words = []\n");
  ASSERT_EQ(smtptape("redact --map", {there, "-o", directory_ / "first.tape", tape_}).exit, 0);
  const std::string map = read_file(there);
  std::filesystem::create_symlink(there, link);
  std::filesystem::create_symlink("out.tape", nowhere);
  std::filesystem::create_hard_link(there, hard);
  std::filesystem::create_symlink(rules, rules_link);
  std::filesystem::create_directory(directory_ / "sub");
  const std::string tape = read_file(tape_);
  const std::vector<std::vector<std::string>> all{
      {"--map", out_, "-o", out_},
      {"--map", directory_ / "./out.tape", "-o", out_},
      {"--map", directory_ / "sub/../out.tape", "-o", out_},
      {"--map", nowhere, "-o", out_},
      {"--map", out_, "-o", nowhere},
      {"--map", link, "-o", there},
      {"--map", there, "-o", link},
      {"--map", there, "-o", hard},
      {"--rules", rules, "-o", rules},
      {"--rules", rules, "-o", rules_link},
      {"--rules", rules, "--map", rules, "-o", out_},
      {"--rules", rules_link, "--map", rules, "-o", out_},
      {"--map", tape_, "-o", out_}};
  for (const std::vector<std::string>& some : all) {
    for (const char* const command : {"redact --force", "extract --redact --force"}) {
      std::vector<std::string> more = some;
      more.push_back(tape_);
      const Ran ran = smtptape(command, more);
      EXPECT_EQ(ran.exit, 2) << command << " " << some[1] << " " << some[3] << ran.err;
      EXPECT_THAT(ran.err, HasSubstr(": that is ")) << some[1];
      EXPECT_THAT(ran.err, HasSubstr("give another name")) << some[1];
    }
  }
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(read_file(there), map);
  EXPECT_EQ(read_file(rules), "words = []\n");
  EXPECT_EQ(read_file(tape_), tape);
  // What is another file is fine, of whatever name.
  EXPECT_EQ(smtptape("redact --map", {directory_ / "sub/out.tape", "-o", out_, tape_}).exit, 0);
}

TEST_F(Share, WritesNothingWhereSomethingWouldBeLeft) {
  const std::string rules = directory_ / "rules.toml";
  const std::string map = directory_ / "map";
  write_file(rules, "words = [\"smtp_client\"]\n");
  const Ran ran = smtptape("redact --rules", {rules, "--map", map, "-o", out_, tape_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("nothing was written"));
  EXPECT_THAT(ran.err, HasSubstr("event 1, metadata (named)"));
  EXPECT_THAT(ran.err, Not(HasSubstr("smtp_client")));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_FALSE(std::filesystem::exists(map));
}

TEST_F(Share, SaysWhatIsWrongWithTheWords) {
  const auto says = [this](const std::string& words, const std::string& what) {
    const Ran ran = smtptape(words + " -o", {out_, tape_});
    EXPECT_EQ(ran.exit, 2) << words;
    EXPECT_THAT(ran.err, HasSubstr(what)) << words;
    EXPECT_FALSE(std::filesystem::exists(out_));
  };
  says("redact --keep names", "local-parts, domains");
  says("redact --keep messages", "always go");
  says("extract --map x", "--redact");
  says("extract --limit some", "--limit");
  says("extract --bodies some", "full, headers, none");
  says("extract --secrets some", "keep, mask");
  says("extract --with-good some", "--with-good");
  const std::string no_map = directory_ / "no-map";
  write_file(no_map, "something of mine\n");
  const Ran ran = smtptape("redact --map", {no_map, "-o", out_, tape_});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("name another file"));
  EXPECT_EQ(read_file(no_map), "something of mine\n");
  EXPECT_EQ(smtptape("redact --force -o", {tape_, tape_}).exit, 2);
}

TEST_F(Share, AnExtractStaysWithinItsLimitByWholeSessions) {
  ASSERT_EQ(smtptape("extract -o", {out_, tape_}).exit, 0);
  const std::uintmax_t all = std::filesystem::file_size(out_);
  const std::string small = directory_ / "small.tape";
  const Ran ran = smtptape("extract --limit " + std::to_string(all / 2) + " -o", {small, tape_});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("left out, to stay within --limit: "));
  EXPECT_LE(std::filesystem::file_size(small), all / 2);
  const std::vector<std::string> kept = ids_in(small);
  ASSERT_GT(kept.size(), 1U);
  // Whole ones, those that began first.
  for (const std::string& id : kept) {
    EXPECT_EQ(smtptape("export --session " + id, {small}).out,
              smtptape("export --session " + id, {tape_}).out);
  }
  const std::vector<std::string> first = ids_in(tape_);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), first.begin()));
  const Ran none = smtptape("extract --limit 100 -o", {directory_ / "none.tape", tape_});
  EXPECT_EQ(none.exit, 1);
  EXPECT_THAT(none.err, HasSubstr("--bodies none"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "none.tape"));
}

TEST_F(Share, SessionsToCompareWithAreAdded) {
  ASSERT_EQ(smtptape("extract --failed -o", {out_, tape_}).exit, 0);
  const std::string more = directory_ / "more.tape";
  const Ran ran = smtptape("extract --failed --with-good 2 --with-neighbours 1 -o", {more, tape_});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const std::vector<std::string> failed = ids_in(out_);
  const std::vector<std::string> all = ids_in(more);
  for (const std::string& id : failed)
    EXPECT_THAT(all, ::testing::Contains(id));
  EXPECT_GE(all.size(), failed.size() + 2);
  EXPECT_THAT(ran.err, HasSubstr("to compare with"));
  // What is too much goes first.
  const Ran less = smtptape("extract --force --failed --with-good 2 --limit " +
                                std::to_string(std::filesystem::file_size(more) / 10 * 9) + " -o",
                            {more, tape_});
  ASSERT_EQ(less.exit, 0) << less.err;
  const std::vector<std::string> left = ids_in(more);
  EXPECT_LE(left.size(), failed.size());
  for (const std::string& id : left)
    EXPECT_THAT(failed, ::testing::Contains(id));
}

TEST_F(Share, AnExtractWithoutBodiesHasNone) {
  ASSERT_EQ(smtptape("extract --bodies none --secrets mask -o", {out_, tape_}).exit, 0);
  EXPECT_THAT(smtptape("export", {tape_}).out, HasSubstr("Subject: "));
  EXPECT_THAT(smtptape("export", {out_}).out, Not(HasSubstr("Subject: ")));
  EXPECT_THAT(smtptape("info", {out_}).out, HasSubstr("bodies none"));
}

TEST_F(Share, MergedTapesAreTheirMerge) {
  const std::string other = directory_ / "other.tape";
  ASSERT_EQ(smtptape("import --name other",
                     {golden_path("feeds/tlsauth/raw.jsonl").string(), "-o", other})
                .exit,
            0);
  const Ran ran = smtptape("merge -o", {out_, tape_, other});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(smtptape("export", {out_}).out, smtptape("export", {other, tape_}).out);
  EXPECT_EQ(smtptape("sessions --json", {out_}).out,
            smtptape("sessions --json", {tape_, other}).out);
  EXPECT_EQ(smtptape("merge", {tape_, other}).exit, 2);
}

}  // namespace
}  // namespace smtptape::testing
