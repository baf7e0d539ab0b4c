// Wrong options and wrong files: one line that says what, where and what to do.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void expect_refusal(const Ran& ran, int exit, const std::string& word) {
  EXPECT_EQ(ran.exit, exit) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr(word));
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
}

TEST(WrongOptions, ThatNoStoreIsNamedSaysSo) {
  const TemporaryDirectory directory;
  const std::string none = directory / "none.toml";
  write_file(none, "");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"sessions"}, {"stats"}, {"show", "x"}}) {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--config", none});
    expect_refusal(smtptape(words), 2, "nothing to read: name a store or tapes, as " + none);
  }
}

TEST(WrongOptions, AreNamedWithWhatWasMeant) {
  expect_refusal(smtptape("replya", {"x.tape"}), 2, "did you mean replay?");
  expect_refusal(smtptape("replay x.tape --colour no", {}), 2, "did you mean --color?");
  expect_refusal(smtptape("replay x.tape --tennant=a", {}), 2, "did you mean --tenant?");
  expect_refusal(smtptape("replay x.tape --color maybe", {}), 2, "none of tty, yes, no");
  expect_refusal(smtptape("replay", {}), 2, "TAPE is missing");
  expect_refusal(smtptape("replay x.tape --tenant", {}), 2, "--tenant");
  expect_refusal(smtptape("replay x.tape --scope wide", {}), 2, "event, strict, session");
  expect_refusal(smtptape("replay x.tape --source 10.0.0/8", {}), 2, "invalid --source value(s)");
  expect_refusal(smtptape("replay x.tape --kcli-profile new", {}), 2, "halfup");
  expect_refusal(smtptape("replay -f x.tape --scope session", {}), 2, "not known yet");
  expect_refusal(smtptape("replay -f x.tape --recovery strict", {}), 2, "take skip or tail");
  expect_refusal(smtptape("replay --follow -", {}), 2, "standard input can't be followed");
  expect_refusal(smtptape("import x", {}), 2, "-o X.tape is missing");
  expect_refusal(smtptape("replay x.tape --since 2026-02-30", {}), 2, "is not a time");
  expect_refusal(smtptape("replay x.tape --since=", {}), 2, "is not a time");
  expect_refusal(smtptape("replay x.tape --until=", {}), 2, "is not a time");
}

TEST(WrongOptions, InAWrongPlaceSayTheRightOne) {
  expect_refusal(smtptape("trace-smtp-client --endpoint http://a:8000", {}),
                 2,
                 "stands before the command, as kcli has it: "
                 "smtptape --endpoint http://a:8000 trace-smtp-client");
  expect_refusal(smtptape("--color=no replay x.tape", {}), 2, "smtptape replay --color=no");
  expect_refusal(smtptape("--color no replay x.tape", {}), 2, "stands behind its name");
  expect_refusal(
      smtptape("info x.tape --since -2h", {}),
      2,
      "--since is an option of replay, sessions, show, stats, top, serve, export, extract");
  expect_refusal(smtptape("version", {}), 2, "did you mean --version?");
  expect_refusal(smtptape("replay x.tape --tenant", {}), 2, "--tenant: its value is missing");
  expect_refusal(smtptape("replay x.tape --color no --color no", {}), 2, "--color: give it once");
}

TEST(WrongOptions, AreToldTogether) {
  const TemporaryDirectory directory;
  const auto told = [](const Ran& ran) {
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    return lines_of(ran.err);
  };
  EXPECT_THAT(told(smtptape("replay --foo --tenat x x.tape", {})),
              ElementsAre(HasSubstr("unknown option --foo"), HasSubstr("did you mean --tenant?")));
  EXPECT_THAT(told(smtptape("replay x.tape --scope x --since y --recovery z --color c", {})),
              ElementsAre(HasSubstr("--scope: "),
                          HasSubstr("--since: "),
                          HasSubstr("--recovery: "),
                          HasSubstr("--color: ")));
  EXPECT_THAT(
      told(smtptape("capture --rotate-size 1 --on-full x --max-tapes y --store",
                    {directory / "store"})),
      ElementsAre(
          HasSubstr("--on-full: "), HasSubstr("--rotate-size: "), HasSubstr("--max-tapes: ")));
  EXPECT_THAT(told(smtptape("prune --max-bytes x --max-age y", {directory / "store"})),
              ElementsAre(HasSubstr("--max-bytes: "), HasSubstr("--max-age: ")));
}

TEST(Help, IsGivenHoweverItIsAsked) {
  const Ran all = smtptape("help", {});
  EXPECT_EQ(all.exit, 0);
  EXPECT_EQ(all.err, "");
  EXPECT_EQ(all.out, smtptape("--help", {}).out);
  EXPECT_THAT(all.out, HasSubstr("Usage: smtptape [--endpoint URL] COMMAND"));
  const Ran of_replay = smtptape("help replay", {});
  EXPECT_EQ(of_replay.exit, 0);
  EXPECT_EQ(of_replay.out, smtptape("replay --help", {}).out);
  expect_refusal(smtptape("help replya", {}), 2, "did you mean replay?");
  const Ran version = smtptape("--version", {});
  EXPECT_EQ(smtptape("-V", {}).out, version.out);
  EXPECT_EQ(smtptape("replay --version", {}).out, version.out);
}

TEST(WrongOptions, OfARecorderAreNamed) {
  const TemporaryDirectory directory;
  const std::string store = directory / "store";
  const auto capture = [&](const std::string& options) {
    return smtptape("capture --endpoint http://127.0.0.1:1 --until-end " + options, {});
  };
  expect_refusal(capture("--store " + store + " --socket ''"), 2, "--socket: the path is empty");
  expect_refusal(capture("--store " + store + " --socket /nowhere/x"), 1, "--socket: ");
  expect_refusal(capture("--store " + store + " --max-tapes 0"), 2, "0 would keep nothing");
  expect_refusal(capture("--store " + store + " --max-tapes 1"), 2, "give at least 2");
  expect_refusal(capture("--store " + store + " --rotate-interval 1ms"), 2, "at least 1s");
  expect_refusal(capture("--store " + store + " --flush-interval 0"), 2, "must be more than 0");
  expect_refusal(
      capture("--store " + store + " --group-bytes 1"), 2, "between 1.0 KiB and 64.0 MiB");
  expect_refusal(capture("--store " + store + " --listen-metrics x"), 2, "is not HOST:PORT");
  expect_refusal(
      capture("--store " + store + " --stop-after 5"), 2, "neither events:N nor duration:T");
  expect_refusal(capture("--store " + store + " --max-age 0"), 2, "0 would keep nothing");
  expect_refusal(capture("--store " + store + " --max-age 14"), 2, "give 14d, 14h or 14s");
  expect_refusal(capture("--store " + store + " --keep-free 10"), 2, "give 10%");
  expect_refusal(capture("--store " + store + "/a/b"), 1, "the directory above it is missing");
  expect_refusal(smtptape("snapshot s -o -", {}), 2, "a snapshot is a file");
  expect_refusal(smtptape("rotate", {store + "/none"}), 1, "no such directory");
}

// With the bounds of the configuration's keys, wherever they are given.
TEST(WrongOptions, OfLimitsAreThoseOfTheConfiguration) {
  const TemporaryDirectory directory;
  const std::string store = directory.path().string();
  for (const std::string& command :
       {"prune " + store,
        "doctor --endpoint http://127.0.0.1:1 --store " + store,
        "capture --endpoint http://127.0.0.1:1 --until-end --store " + store}) {
    SCOPED_TRACE(command);
    const auto refusal = [&](const std::string& limit, const std::string& why) {
      expect_refusal(smtptape(command + " " + limit, {}), 2, why);
    };
    refusal("--max-tapes 0", "--max-tapes: must be between 1 and 1000000000; 0 would keep nothing");
    refusal("--max-tapes 2000000000", "--max-tapes: must be between 1 and 1000000000");
    refusal("--max-tapes many", "--max-tapes: \"many\" is not a number");
    refusal("--max-age 0", "--max-age: must be more than 0; 0 would keep nothing");
    refusal("--max-age 14", "give 14d, 14h or 14s");
    refusal("--keep-free 10", "give 10%");
    refusal("--max-bytes x", "--max-bytes: ");
  }
}

TEST(Recorder, StopsAtTheFirstOfItsLimits) {
  const TemporaryDirectory directory;
  for (const std::string limits :
       {"events:5 --stop-after duration:10ms",
        "duration:10ms --stop-after events:5 --stop-after duration:1h"}) {
    const Ran ran = smtptape(
        "capture --endpoint http://127.0.0.1:1 --keep-free 0 --stop-after " + limits + " --store",
        {directory / "store"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
  }
}

TEST(WrongFiles, OneThatMayNotGrowIsAnErrorAndNoDeath) {
  const TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  const Ran ran =
      run_program("/bin/sh",
                  {"-c", "ulimit -f 1; exec \"$0\" import - -o \"$1\"", SMTPTAPE_PROGRAM, tape},
                  "x\n");
  expect_refusal(ran, 1, "File too large");
}

TEST(WrongFiles, AreNamed) {
  TemporaryDirectory directory;
  write_file(directory / "text.tape", "hello, this is no tape\n");
  write_file(directory / "feed.jsonl", "{\"conn_meta\":null}\n");
  expect_refusal(smtptape("replay", {directory / "none.tape"}), 1, "none.tape: no such file");
  expect_refusal(smtptape("replay -f", {directory / "none.tape"}), 1, "none.tape: no such file");
  expect_refusal(
      smtptape("replay", {directory / "text.tape"}), 1, "text.tape: not a smtptape tape");
  expect_refusal(
      smtptape("replay", {directory / "feed.jsonl"}), 1, "feed.jsonl: not a smtptape tape");
  expect_refusal(smtptape("replay", {directory / "feed.jsonl"}), 1, "smtptape import");
  std::filesystem::create_directory(directory / "empty");
  expect_refusal(smtptape("replay", {directory / "empty"}), 1, "no tapes in this directory");
  expect_refusal(smtptape("info", {directory / "text.tape"}), 1, "not a smtptape tape");
  expect_refusal(smtptape("serve --once --listen 127.0.0.1:0", {directory / "text.tape"}),
                 1,
                 "text.tape: not a smtptape tape");
  expect_refusal(smtptape({"serve", "-", "--once", "--listen", "127.0.0.1:0"}, "no tape"),
                 1,
                 "smtptape: standard input: not a smtptape tape");
}

TEST(WrongFiles, OfPackedFramesNameTheCommandThatTakesThem) {
  const TemporaryDirectory directory;
  const std::string frames = "{\"conn_meta\":null}\n";
  write_file(directory / "night.jsonl", frames);
  for (const std::string pack : {"zstd -q -o night.jsonl.zst night.jsonl", "gzip -k night.jsonl"}) {
    const Ran packed = run_program("/bin/sh", {"-c", "cd \"$0\" && " + pack, directory.path()});
    ASSERT_EQ(packed.exit, 0) << packed.err;
  }
  for (const char* const name : {"night.jsonl", "night.jsonl.zst", "night.jsonl.gz"}) {
    for (const char* const command : {"replay", "export", "info"}) {
      expect_refusal(smtptape(command, {directory / name}),
                     1,
                     std::string(name) +
                         ": not a smtptape tape, but a file of frames as it seems; "
                         "smtptape import makes a tape of it");
    }
  }
}

TEST(Options, ValuesMayBeEmptyBeginWithADashOrBeAnAddressInBrackets) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  const std::string feed =
      R"({"conn_meta":{"id":"a","sender":"","tenant":"--only-one"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})"
      "\n";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, feed).exit, 0);
  EXPECT_EQ(smtptape("export --mail-from= --tenant --only-one", {tape}).out, feed);
  EXPECT_EQ(smtptape("export --tenant=--only-one", {tape}).out, feed);
  EXPECT_EQ(smtptape("export --tenant= --mail-from=", {tape}).out, "");
  EXPECT_EQ(smtptape("export --tenant -x", {tape}).out, "");
  EXPECT_THAT(smtptape("export --mx-addr [::1]", {tape}).err,
              HasSubstr("[::1] is not a valid CIDR"));
}

TEST(Capture, SaysWhichWordIsTooMuch) {
  const Ran ran = smtptape("capture /var/lib/smtptape --store x", {});
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.err,
            "smtptape: no option takes /var/lib/smtptape (smtptape capture --help tells more)\n");
}

TEST(Help, HasOneEmptyLineBetweenGroups) {
  EXPECT_THAT(smtptape("capture --help", {}).out, Not(HasSubstr("\n\n\n")));
}

TEST(Help, EachCommandShowsExamplesFirstTimeUsersCanCopy) {
  for (const char* const command : {"replay", "import", "export", "extract", "info", "prune"}) {
    const Ran ran = smtptape(command, {"--help"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_THAT(ran.out, HasSubstr("Examples:"));
    EXPECT_THAT(ran.out, HasSubstr(std::string("smtptape ") + command));
  }
  EXPECT_EQ(smtptape("--version", {}).exit, 0);
  EXPECT_EQ(smtptape("--help", {}).exit, 0);
}

TEST(Output, AFullDeviceIsOneLineAndFailure) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  ASSERT_EQ(smtptape("import", {golden_path("feeds/basic/raw.jsonl").string(), "-o", tape}).exit,
            0);
  for (const char* const command : {" replay ", " info ", " sessions ", " stats ", " verify "}) {
    const Ran ran = run_program(
        "/bin/sh",
        {"-c",
         std::string(SMTPTAPE_PROGRAM) + command + directory.path().string() + " > /dev/full"});
    EXPECT_EQ(ran.exit, 1) << command;
    EXPECT_EQ(ran.err, "smtptape: writing standard output: No space left on device\n") << command;
  }
  const Ran head = run_program(
      "/bin/sh",
      {"-c",
       "{ " + std::string(SMTPTAPE_PROGRAM) + " replay " + tape + "; echo $? >&2; } | head -n 1"});
  EXPECT_EQ(head.err, "0\n");
}

}  // namespace
}  // namespace smtptape::testing
