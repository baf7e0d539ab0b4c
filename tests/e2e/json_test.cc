// What --json prints: one object a line, each with its schema, and nothing else on standard output.
#include <filesystem>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;

namespace json = boost::json;

class Json : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(store_);
    const Ran ran =
        smtptape("import", {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_});
    ASSERT_EQ(ran.exit, 0) << ran.err;
    const std::string bytes = read_file(tape_);
    write_file(torn_, bytes.substr(0, bytes.size() * 2 / 3));
  }
  // Each line; checks the schema of each.
  static std::vector<json::object> objects(const Ran& ran, std::string_view schema) {
    std::vector<json::object> all;
    EXPECT_TRUE(ran.out.empty() || ran.out.back() == '\n');
    for (const std::string& line : lines_of(ran.out)) {
      all.push_back(json::parse(line).as_object());
      EXPECT_EQ(all.back().at("schema").as_string(), json::string_view(schema));
    }
    return all;
  }

  TemporaryDirectory directory_;
  std::string store_ = directory_ / "store";
  // Bytes that are no UTF-8.
  std::string tape_ = store_ + "/a-\xff\xc3\xa9.tape";
  std::string torn_ = store_ + "/torn.tape";
};

TEST_F(Json, OfVerifyTellsEachTapeAndTheTotals) {
  const Ran ran = smtptape({"verify", "--json", store_});
  EXPECT_EQ(ran.exit, 3);
  const auto all = objects(ran, "smtptape.verify/1");
  ASSERT_EQ(all.size(), 3U) << ran.out;
  EXPECT_EQ(all[0].at("what").as_string(), "tape");
  EXPECT_EQ(all[0].at("state").as_string(), "sealed");
  EXPECT_EQ(all[0].at("events").to_number<int>(), 520);
  EXPECT_TRUE(all[0].at("path").as_string().ends_with("a-\xEF\xBF\xBD\xc3\xa9.tape")) << ran.out;
  EXPECT_EQ(all[1].at("alarm").as_bool(), true);
  EXPECT_EQ(all[1].at("damage").at(0).at("what").as_string(), "cut inside a batch");
  EXPECT_GT(all[1].at("damage").at(0).at("offset").to_number<int>(), 0);
  EXPECT_EQ(all[2].at("what").as_string(), "totals");
  EXPECT_EQ(all[2].at("tapes").to_number<int>(), 2);
  EXPECT_EQ(all[2].at("alarms").to_number<int>(), 1);
  EXPECT_EQ(objects(smtptape({"verify", "--json", "--quiet", store_}), "smtptape.verify/1").size(),
            2U);
}

TEST_F(Json, OfRecoverAndCompactTellsEachCopy) {
  const Ran recovered = smtptape({"recover", "--json", store_, "-o", directory_ / "sound"});
  EXPECT_EQ(recovered.err, "");
  const auto copies = objects(recovered, "smtptape.recover/1");
  ASSERT_EQ(copies.size(), 2U) << recovered.out;
  EXPECT_EQ(copies[0].at("lost_unknown").to_number<int>(), 0);
  EXPECT_EQ(copies[1].at("lost_unknown").to_number<int>(), 1);
  EXPECT_TRUE(copies[1].at("copy").as_string().ends_with("sound/torn.tape"));

  const Ran compacted = smtptape({"compact", "--json", store_, "-o", directory_ / "small"});
  EXPECT_EQ(compacted.exit, 3);
  const auto all = objects(compacted, "smtptape.compact/1");
  ASSERT_EQ(all.size(), 3U) << compacted.out;
  EXPECT_EQ(all[0].at("what").as_string(), "copy");
  EXPECT_EQ(all[0].at("bytes").to_number<std::uint64_t>(),
            all[2].at("bytes").to_number<std::uint64_t>());
  EXPECT_EQ(all[1].at("what").as_string(), "left-alone");
  EXPECT_THAT(std::string(all[1].at("reason").as_string().c_str()), HasSubstr("torn tail"));
}

TEST_F(Json, OfACompactThatIsRepeatedSaysThatNothingWasToBeDone) {
  const auto all =
      objects(smtptape({"compact", "--json", "--replace", tape_}), "smtptape.compact/1");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].at("already").to_number<int>(), 1);
  EXPECT_EQ(smtptape({"compact", "--replace", tape_}).err,
            "smtptape: 1 tape is laid out so already\n");
}

TEST_F(Json, OfExtractAndSnapshotTellsTheTape) {
  const std::string cut = directory_ / "cut.tape";
  const auto extracted =
      objects(smtptape("extract --json --tenant acme -o", {cut, tape_}), "smtptape.extract/1");
  ASSERT_EQ(extracted.size(), 1U);
  EXPECT_EQ(extracted[0].at("events").to_number<int>(), 55);
  EXPECT_EQ(extracted[0].at("bytes").to_number<std::uint64_t>(), std::filesystem::file_size(cut));
  EXPECT_EQ(extracted[0].at("tenants"), json::value(json::array{"acme"}));
  EXPECT_EQ(extracted[0].at("complete").as_bool(), true);
  const Ran no_room = smtptape("extract --json --tenant acme -o", {"-", tape_});
  EXPECT_EQ(no_room.exit, 2);
  EXPECT_EQ(no_room.out, "");

  std::filesystem::remove(torn_);
  const Ran snapshot =
      smtptape({"snapshot", "--json", store_, "--last", "9999d", "-o", directory_ / "now.tape"});
  const auto taken = objects(snapshot, "smtptape.snapshot/1");
  ASSERT_EQ(taken.size(), 1U) << snapshot.err;
  EXPECT_EQ(taken[0].at("events").to_number<int>(), 520);
}

TEST_F(Json, OfInfoOfAStoreEndsWithTheTotals) {
  write_file(torn_, read_file(tape_));
  const auto lines = lines_of(smtptape({"info", "--json", store_}).out);
  ASSERT_EQ(lines.size(), 3U);
  const json::object totals = json::parse(lines[2]).as_object();
  EXPECT_EQ(totals.at("schema").as_string(), "smtptape.info-totals/1");
  EXPECT_EQ(totals.at("tapes").to_number<int>(), 2);
  EXPECT_EQ(totals.at("sources"), json::value(json::array{"raw"}));
  EXPECT_EQ(totals.at("ledger").at("received").to_number<int>(), 1040);
  EXPECT_EQ(totals.at("first_received").as_string(), "2026-11-22T19:34:39.814Z");
  EXPECT_THAT(smtptape({"info", store_}).out,
              HasSubstr("all 2 tapes, of 1 source\n"
                        "  received  2026-11-22T19:34:39.814Z to 2026-11-22T19:34:41.990Z\n"
                        "  events    1040\n"));
}

TEST_F(Json, OfInfoIsUtf8WhateverTheNameOfTheTape) {
  const auto all = objects(smtptape({"info", "--json", tape_}), "smtptape.info/1");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].at("ledger").at("stored").to_number<int>(), 520);
  EXPECT_EQ(all[0].at("last_received").as_string(), "2026-11-22T19:34:41.990Z");
}

}  // namespace
}  // namespace smtptape::testing
