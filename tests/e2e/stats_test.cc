// Sessions, counted.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/e2e/session_lists.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

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
