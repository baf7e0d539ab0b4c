// export --format csv and sessions.jsonl: which sessions there are, in which order, and how it
// ends.
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ExportedRows : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        smtptape("import",
                 {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_, "--name", "mta1"})
            .exit,
        0);
  }
  Ran exported(const std::string& options) const {
    return smtptape("export --format " + options, {tape_});
  }
  // What Python's own reader makes of it, a JSON object a row.
  std::vector<std::string> rows(const std::string& csv) const {
    const std::string script =
        "import csv, io, json, sys\n"
        "for row in csv.DictReader(io.TextIOWrapper(sys.stdin.buffer, newline=''), strict=True):\n"
        "    print(json.dumps(row))\n";
    const Ran ran = run_program("/usr/bin/python3", {"-c", script}, csv);
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return lines_of(ran.out);
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "errors.tape";
};

TEST_F(ExportedRows, AsJsonAreWhatSessionsPrints) {
  const Ran ran = exported("sessions.jsonl");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.out, smtptape({"sessions", tape_, "--json"}).out);
  const std::string choice = "--failed --since 2026-11-22T19:34:30Z";
  EXPECT_EQ(exported("sessions.jsonl " + choice).out,
            smtptape("sessions --json " + choice, {tape_}).out);
}

TEST_F(ExportedRows, AsCsvAreTheSameSessionsInTheSameOrder) {
  const Ran ran = exported("csv");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  const std::vector<std::string> csv = rows(ran.out);
  const std::vector<std::string> json = lines_of(smtptape({"sessions", tape_, "--json"}).out);
  ASSERT_EQ(csv.size(), json.size());
  for (std::size_t i = 0; i < csv.size(); ++i) {
    const auto row = boost::json::parse(csv[i]).as_object();
    const auto session = boost::json::parse(json[i]).as_object();
    for (const char* const name : {"id", "source", "first_received", "mx_host", "tls", "outcome"})
      EXPECT_EQ(row.at(name), session.at(name).is_null() ? "" : session.at(name)) << name;
    EXPECT_EQ(std::string(row.at("deferred").as_string()),
              std::to_string(session.at("recipients").at("deferred").to_number<int>()));
    EXPECT_EQ(std::string(row.at("bytes_read").as_string()),
              std::to_string(session.at("bytes_read").to_number<int>()));
    EXPECT_EQ(std::string(row.at("first_tape").as_string()), "1");
  }
}

TEST_F(ExportedRows, AreOfWholeSessionsUnlessEventsAreAskedFor) {
  const std::string filter = "--rcpt-to user97@rcptmixed.example";
  const auto events = [&](const std::string& scope) {
    const std::vector<std::string> csv = rows(exported("csv " + scope + filter).out);
    return std::string(boost::json::parse(csv.at(0)).at("events").as_string());
  };
  EXPECT_EQ(events(""), "35");
  EXPECT_LT(std::stoi(events("--scope strict ")), 35);
  const auto sessions = [&](const std::string& options) {
    return lines_of(exported("sessions.jsonl " + options).out).size();
  };
  EXPECT_EQ(sessions(filter), 1U);
  EXPECT_EQ(sessions("--scope strict " + filter), 1U);
  EXPECT_GT(sessions("--scope event " + filter), 1U);
}

TEST_F(ExportedRows, OfNothingAreTitlesAndAReason) {
  const Ran csv = exported("csv --code 299");
  EXPECT_EQ(csv.exit, 0);
  EXPECT_THAT(csv.err, HasSubstr("nothing was found in 1 tape"));
  EXPECT_THAT(lines_of(csv.out), SizeIs(1));
  EXPECT_THAT(csv.out, StartsWith("first_received,last_received,seconds,id,"));
  const Ran json = exported("sessions.jsonl --code 299");
  EXPECT_EQ(json.exit, 0);
  EXPECT_EQ(json.out, "");
  EXPECT_THAT(json.err, HasSubstr("nothing was found in 1 tape"));
}

TEST_F(ExportedRows, AreAFileForNobodyElseAndReplaceNoInput) {
  for (const std::string format : {"csv", "sessions.jsonl"}) {
    const std::string file = directory_ / ("night." + format);
    EXPECT_EQ(exported(format + " -o " + file).exit, 0);
    EXPECT_EQ(read_file(file), exported(format).out);
    const auto permissions = std::filesystem::status(file).permissions();
    EXPECT_EQ(static_cast<unsigned>(permissions), 0600U);
    EXPECT_EQ(exported(format + " -o " + file).exit, 1);
    EXPECT_EQ(exported(format + " --force -o " + tape_).exit, 2);
    const Ran live = exported(format + " --as-live");
    EXPECT_EQ(live.exit, 2);
    EXPECT_THAT(live.err, HasSubstr("--as-live is for frames"));
  }
}

TEST_F(ExportedRows, SayWhatIsMissing) {
  const std::string tape = directory_ / "lag.tape";
  const std::string feed = golden_path("feeds/slices/lag-inside.jsonl").string();
  ASSERT_EQ(smtptape("import", {feed, "-o", tape}).exit, 0);
  for (const std::string format : {"csv", "sessions.jsonl"}) {
    const Ran ran = smtptape("export --format " + format, {tape});
    EXPECT_EQ(ran.exit, 3);
    EXPECT_THAT(ran.err, HasSubstr("138355 events missing"));
  }
}

TEST_F(ExportedRows, AreCommandLinesOfSwaks) {
  const Ran ran = exported("swaks --reply 'no such user'");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("\nswaks --server 127.0.0.5 --port 2607 --ehlo "));
  EXPECT_THAT(ran.out, HasSubstr(": '550 5.1.1 No such user'\n"));
  const std::string file = directory_ / "failed.sh";
  EXPECT_EQ(exported("swaks -o " + file).exit, 0);
  EXPECT_EQ(read_file(file), exported("swaks").out);
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(file).permissions()), 0600U);
  EXPECT_EQ(exported("swaks --force -o " + tape_).exit, 2);
}

TEST_F(ExportedRows, SayWhereNothingFailed) {
  const std::string tape = directory_ / "good.tape";
  ASSERT_EQ(smtptape("import", {golden_path("feeds/basic/raw.jsonl").string(), "-o", tape}).exit,
            0);
  const Ran good = smtptape("export --format swaks", {tape});
  EXPECT_EQ(good.exit, 0);
  EXPECT_EQ(good.out, "");
  EXPECT_THAT(good.err, HasSubstr("none of 10 sessions failed, so there is nothing to repeat"));
  const Ran none = exported("swaks --code 299");
  EXPECT_EQ(none.exit, 0);
  EXPECT_THAT(none.err, HasSubstr("nothing was found in 1 tape"));
}

TEST(StatisticsAsCsv, AreNoFormulasEither) {
  TemporaryDirectory directory;
  const std::string tape = directory / "x.tape";
  const std::string feed =
      R"({"conn_meta":{"egress_source":"=1+1\u001b;@a","id":"a"},"payload":"BeginSession","when":"2026-08-04T13:54:50Z"})"
      "\n";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, feed).exit, 0);
  EXPECT_THAT(smtptape("stats --by egress-source --csv", {tape}).out,
              HasSubstr("\r\n\"'=1+1\\u{1b};'@a\",1,0,"));
}

}  // namespace
}  // namespace smtptape::testing
