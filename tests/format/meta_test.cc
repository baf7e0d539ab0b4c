#include "format/meta.h"

#include <array>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

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

// Whatever is changed, and whether keys need escapes or not: as if the text had been read anew.
TEST(Meta, DerivesWhatReadingTheTextWouldGive) {
  constexpr std::array<std::string_view, 6> kKeys{"a", "b\"", "c", "d", "f\n", "é"};
  std::minstd_rand random(1);
  for (int round = 0; round < 3000; ++round) {
    // Every third without the keys that need escapes.
    const auto has = [&](std::size_t i) {
      return random() % 2 == 0 && (round % 3 != 0 || (i != 1 && i != 4));
    };
    std::map<std::string, std::string> wanted;
    std::vector<Meta::Entry> set;
    for (std::size_t i = 0; i < kKeys.size(); ++i)
      if (has(i)) set.push_back({kKeys[i], "[1,2]"});
    const MetaPtr parent = Meta::derive(nullptr, set, {});
    for (const Meta::Entry& entry : set)
      wanted.emplace(entry.key, entry.json);
    std::vector<std::string_view> removed;
    set.clear();
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (random() % 3 == 0) removed.push_back(kKeys[i]);
      if (!has(i)) continue;
      set.push_back({kKeys[i], "\"new\""});
    }
    for (const std::string_view key : removed)
      wanted.erase(std::string(key));
    for (const Meta::Entry& entry : set)
      wanted.insert_or_assign(std::string(entry.key), entry.json);

    const MetaPtr child = Meta::derive(parent.get(), set, removed);
    const MetaPtr again = Meta::parse(child->text());
    ASSERT_NE(again, nullptr) << child->text();
    EXPECT_EQ(again->text(), child->text());
    EXPECT_EQ(again->hash(), child->hash());
    ASSERT_EQ(child->entries().size(), wanted.size()) << child->text();
    ASSERT_EQ(again->entries().size(), wanted.size());
    std::size_t at = 0;
    for (const auto& [key, json] : wanted) {
      EXPECT_EQ(child->entries()[at].key, key);
      EXPECT_EQ(child->entries()[at].json, json);
      EXPECT_EQ(again->entries()[at++].key, key);
    }
  }
}

// Of any size: blocks are small, large, and as large as one value.
TEST(Meta, ThoseOfAnArenaAreAsGoodAsOthers) {
  boost::intrusive_ptr<MetaArena> arena(new MetaArena);
  std::vector<MetaPtr> made;
  std::vector<MetaPtr> alone;
  for (std::size_t i = 0; i < 6000; ++i) {
    const std::size_t size = i % 1000 == 999 ? 3'000'000 : i % 1500;
    const std::string value = '"' + std::string(size, static_cast<char>('a' + i % 26)) + '"';
    const std::string id = i % 3 == 0 ? R"("a\u0001b")" : "\"" + std::to_string(i) + "\"";
    std::vector<Meta::Entry> set{{"id", id}, {"value", value}};
    if (i % 7 == 0) set.insert(set.begin(), {"a\"b", "1"});
    const Meta* const parent = i % 10 == 0 || i % 1000 == 0 ? nullptr : made[i - 1].get();
    made.push_back(Meta::derive(parent, set, {}, arena.get()));
    alone.push_back(Meta::derive(parent, set, {}));
  }
  arena.reset();
  const MetaPtr kept = made[4001]->kept();
  const MetaPtr odd = made[4200]->kept();
  for (std::size_t i = 0; i < made.size(); ++i) {
    ASSERT_EQ(made[i]->text(), alone[i]->text());
    ASSERT_EQ(made[i]->session_id(), alone[i]->session_id());
    ASSERT_EQ(made[i]->find("value"), alone[i]->find("value"));
  }
  made.clear();  // and their memory
  for (const auto& [copy, i] : {std::pair(kept, 4001U), std::pair(odd, 4200U)}) {
    EXPECT_EQ(copy->text(), alone[i]->text());
    EXPECT_EQ(copy->session_id(), alone[i]->session_id());
    EXPECT_EQ(copy->find("a\"b"), alone[i]->find("a\"b"));
    EXPECT_EQ(copy->entries().size(), alone[i]->entries().size());
  }
  EXPECT_EQ(odd->session_id(),
            "a\x01"
            "b");
  EXPECT_EQ(alone[1]->kept(), alone[1]);
}

TEST(Meta, KeepsTheSessionOfItsParent) {
  const MetaPtr parent = Meta::parse(R"({"a":1,"id":"one"})");
  EXPECT_EQ(Meta::derive(parent.get(), {{"z", "1"}}, {})->session_id(), "one");
  EXPECT_EQ(Meta::derive(parent.get(), {{"id", "\"two\""}}, {})->session_id(), "two");
  EXPECT_EQ(Meta::derive(parent.get(), {}, {"id"})->session_id(), std::nullopt);
  // With escapes as well, and however far down the line.
  const MetaPtr odd = Meta::parse(R"({"a":1,"id":"o\"n\\e\u0001"})");
  const MetaPtr child = Meta::derive(odd.get(), {{"b", "[1,2]"}, {"z", "1"}}, {"a"});
  const MetaPtr last = Meta::derive(child.get(), {{"k\"", "2"}}, {});
  EXPECT_EQ(odd->session_id(), "o\"n\\e\x01");
  EXPECT_EQ(child->session_id(), "o\"n\\e\x01");
  EXPECT_EQ(last->session_id(), "o\"n\\e\x01");
  EXPECT_EQ(last->text(), R"({"b":[1,2],"id":"o\"n\\e\u0001","k\"":2,"z":1})");
  EXPECT_EQ(last->find("k\""), "2");
  // From what is no object nothing is taken.
  EXPECT_EQ(Meta::derive(Meta::null().get(), {{"z", "1"}}, {})->text(), R"({"z":1})");
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
