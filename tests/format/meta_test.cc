#include "format/meta.h"

#include <gtest/gtest.h>

namespace smtptape {
namespace {

TEST(Meta, ReadsTheSessionIdAsKcliDoes) {
  EXPECT_EQ(Meta::parse(R"({"id":"a\"b"})")->session_id(), "a\"b");
  EXPECT_EQ(Meta::parse("null")->session_id(), "");
  EXPECT_EQ(Meta::parse(R"(["zz"])")->session_id(), "zz");
  EXPECT_EQ(Meta::parse(R"(["zz","y"])")->session_id(), std::nullopt);
  EXPECT_EQ(Meta::parse(R"({"id":5})")->session_id(), std::nullopt);
  EXPECT_EQ(Meta::parse(R"({"x":"id"})")->session_id(), std::nullopt);
  EXPECT_EQ(Meta::parse("5")->session_id(), std::nullopt);
}

TEST(Meta, RefusesWhatIsNotJson) {
  EXPECT_EQ(Meta::parse(""), nullptr);
  EXPECT_EQ(Meta::parse("{\"a\":1"), nullptr);
  EXPECT_EQ(Meta::parse("nullx"), nullptr);
}

TEST(Meta, FindsKeysThatNeedEscapes) {
  const MetaPtr meta = Meta::parse(R"({"a\"b":1,"\u0001":2,"plain":3,"é":4})");
  EXPECT_EQ(meta->find("a\"b"), "1");
  EXPECT_EQ(meta->find("\x01"), "2");
  EXPECT_EQ(meta->find("plain"), "3");
  EXPECT_EQ(meta->find("é"), "4");
  EXPECT_EQ(meta->find("a"), std::nullopt);
}

TEST(Meta, DerivesFromAParentByChangesAndRemovals) {
  const MetaPtr parent = Meta::parse(R"({"b":1,"d":2,"f":3})");
  const MetaPtr child =
      Meta::derive(parent.get(), {{"a", "0"}, {"d", "\"x\""}, {"g", "[]"}}, {"b", "zz"});
  EXPECT_EQ(child->text(), R"({"a":0,"d":"x","f":3,"g":[]})");
  EXPECT_EQ(Meta::derive(nullptr, {}, {})->text(), "{}");
}

TEST(Meta, ComparesAsJson) {
  const auto same = [](const char* a, const char* b) {
    return Meta::parse(a)->same_as(*Meta::parse(b));
  };
  EXPECT_TRUE(same(R"({"a":0.0})", R"({"a":-0.0})"));
  EXPECT_TRUE(same(R"({"a":[1e0,"x"]})", R"({"a":[1.0,"x"]})"));
  EXPECT_FALSE(same(R"({"a":1})", R"({"a":1.0})"));
  EXPECT_FALSE(same(R"({"a":"0.0"})", R"({"a":"-0.0"})"));
  EXPECT_FALSE(same(R"({"a":"\\\"-0.0"})", R"({"a":"\\\"0.0"})"));
  EXPECT_FALSE(same(R"({"a":-0.05})", R"({"a":0.05})"));
  EXPECT_FALSE(same("null", "{}"));
}

TEST(MetaMemo, ForgetsRatherThanConfuses) {
  MetaMemo<int> memo;
  const MetaPtr a = Meta::parse("{}");
  EXPECT_EQ(memo.find(*a), nullptr);
  EXPECT_EQ(memo.remember(*a, 5), 5);
  EXPECT_EQ(*memo.find(*a), 5);
  const MetaPtr b = Meta::parse("{}");
  EXPECT_EQ(memo.find(*b), nullptr);
}

}  // namespace
}  // namespace smtptape
