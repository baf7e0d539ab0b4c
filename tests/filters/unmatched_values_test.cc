#include "filters/unmatched_values.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<UnmatchedValues::Miss> misses(std::string_view request,
                                          const std::vector<std::string>& metas,
                                          Honour honour = Honour::Documented) {
  UnmatchedValues values(parse_request(request), honour);
  for (const std::string& meta : metas)
    values.note(*Meta::parse(meta));
  return values.misses();
}

TEST(UnmatchedValues, NamesWhatIsMuchLikeTheValue) {
  const auto found =
      misses(R"({"tenant":["acmee"]})",
             {R"({"tenant":"globex"})", R"({"tenant":"acme-eu"})", R"({"tenant":"acme"})", "{}"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].flag, "--tenant");
  EXPECT_EQ(found[0].value, "acmee");
  EXPECT_THAT(found[0].instead, ElementsAre("acme", "acme-eu"));
  EXPECT_EQ(found[0].more, 1U);
  EXPECT_FALSE(found[0].and_others);
}

TEST(UnmatchedValues, NamesWhatThereIsWhereNothingIsLikeIt) {
  const auto found = misses(R"({"tenant":["zzz"]})", {R"({"tenant":"b"})", R"({"tenant":"aaaa"})"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].instead, ElementsAre("b", "aaaa"));
}

TEST(UnmatchedValues, OfSeveralNamesOnlyThoseThatOccurNowhere) {
  const auto found = misses(R"({"tenant":["a","b"],"domain":["d"]})",
                            {R"({"tenant":"a","domain":"d"})", R"({"tenant":"c"})"});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].value, "b");
  EXPECT_THAT(misses(R"({"tenant":["a"]})", {R"({"tenant":"a"})"}), IsEmpty());
  EXPECT_THAT(misses("{}", {R"({"tenant":"a"})"}), IsEmpty());
}

TEST(UnmatchedValues, LooksIntoListsAndNetworks) {
  const std::vector<std::string> metas = {
      R"({"recipient":["a@x","b\u0041@x",1],"mx_address":"10.1.2.3:25"})"};
  EXPECT_THAT(misses(R"({"rcpt_to":["bA@x"]})", metas), IsEmpty());
  const auto recipients = misses(R"({"rcpt_to":["c@x"]})", metas);
  ASSERT_EQ(recipients.size(), 1U);
  EXPECT_THAT(recipients[0].instead, ElementsAre("a@x", "bA@x"));
  EXPECT_THAT(misses(R"({"mx_addr":["10.0.0.0/8"]})", metas), IsEmpty());
  const auto networks = misses(R"({"mx_addr":["11.0.0.0/8"]})", metas);
  ASSERT_EQ(networks.size(), 1U);
  EXPECT_EQ(networks[0].value, "11.0.0.0/8");
  EXPECT_THAT(networks[0].instead, ElementsAre("10.1.2.3"));
}

TEST(UnmatchedValues, AsLiveIgnoreWhatTheServerIgnores) {
  const std::vector<std::string> metas = {R"({"recipient":["a@x"],"ready_queue_name":"q"})"};
  EXPECT_EQ(misses(R"({"rcpt_to":["c@x"],"ready_queue":["p"]})", metas).size(), 2U);
  EXPECT_THAT(misses(R"({"rcpt_to":["c@x"],"ready_queue":["p"]})", metas, Honour::AsLive),
              IsEmpty());
}

TEST(UnmatchedValues, RemembersSoManyAndFindsTheNearestBehindThem) {
  std::vector<std::string> metas;
  for (std::size_t i = 0; i < 2 * UnmatchedValues::kMostKnown; ++i)
    metas.push_back(R"({"tenant":"number-)" + std::to_string(i) + R"("})");
  metas.emplace_back(R"({"tenant":"acme"})");
  metas.push_back(R"({"tenant":")" + std::string(UnmatchedValues::kLongestValue + 1, 'x') + "\"}");
  const auto found = misses(R"({"tenant":["acmee"]})", metas);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].instead, ElementsAre("acme"));
  EXPECT_EQ(found[0].more, UnmatchedValues::kMostKnown);
  EXPECT_TRUE(found[0].and_others);
}

}  // namespace
}  // namespace smtptape
