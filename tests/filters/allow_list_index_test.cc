// What filters say of a group from its index: never that an event can't be there that is.
#include <string>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "filters/allow_list.h"
#include "format/tape/hash_filter.h"

namespace smtptape {
namespace {

AllowList tenants(const char* request = R"({"tenant":["acme"]})") {
  return {parse_request(request), Honour::Documented};
}

GroupIndex index_of(std::vector<SummaryValue> values) {
  GroupIndex index;
  index.index_version = kIndexVersion;
  PropertySummary& summary = index.summaries.emplace_back();
  summary.key = "tenant";
  summary.values = std::move(values);
  return index;
}

TEST(AllowListIndex, ExcludesAGroupOfOtherValues) {
  EXPECT_TRUE(tenants().excludes(index_of({{"\"other\"", false}}), Scope::Strict));
  EXPECT_TRUE(tenants().excludes(index_of({{"\"other\"", false}}), Scope::Event));
  EXPECT_FALSE(tenants().excludes(index_of({{"\"acme\"", false}}), Scope::Strict));
}

TEST(AllowListIndex, BelievesNoIndexFromBeforeItCouldBeReliedOn) {
  GroupIndex index = index_of({{"\"other\"", false}});
  index.index_version = 0;
  EXPECT_FALSE(tenants().excludes(index, Scope::Strict));
  EXPECT_FALSE(tenants().excludes(index, Scope::Event));
}

AllowList without_acme() {
  AllowList list({}, Honour::Documented);
  list.deny(parse_request(R"({"tenant":["acme"]})").allowed);
  return list;
}

TEST(DeniedIndex, ExcludesAGroupInWhichEverythingIsDenied) {
  const GroupIndex all = index_of({{"\"acme\"", false}});
  EXPECT_TRUE(without_acme().excludes(all, Scope::Event));
  EXPECT_TRUE(without_acme().excludes(all, Scope::Strict));
  const GroupIndex some = index_of({{"\"acme\"", false}, {"\"other\"", false}});
  EXPECT_FALSE(without_acme().excludes(some, Scope::Event));
  EXPECT_FALSE(without_acme().excludes(some, Scope::Strict));
  for (bool PropertySummary::*flag : {&PropertySummary::absent, &PropertySummary::incomparable}) {
    GroupIndex index = all;
    index.summaries[0].*flag = true;
    EXPECT_FALSE(without_acme().excludes(index, Scope::Event));
    EXPECT_TRUE(without_acme().excludes(index, Scope::Strict));
  }
  GroupIndex more = all;
  more.summaries[0].complete = false;
  EXPECT_FALSE(without_acme().excludes(more, Scope::Event));
  EXPECT_FALSE(without_acme().excludes(more, Scope::Strict));
}

TEST(AllowListIndex, AKeyThatIsNotIndexedMayHoldAnything) {
  GroupIndex index = index_of({});
  index.summaries.clear();
  EXPECT_FALSE(tenants().excludes(index, Scope::Strict));
}

TEST(AllowListIndex, ValuesThatAreNotListedMayBeThere) {
  GroupIndex index = index_of({{"\"other\"", false}});
  index.summaries[0].complete = false;
  EXPECT_FALSE(tenants().excludes(index, Scope::Strict));
  index.summaries[0].filter = make_filter({value_hash("\"acme\"", false)}, 8);
  EXPECT_FALSE(tenants().excludes(index, Scope::Strict));
}

TEST(AllowListIndex, WhatSaysNothingPassesLikeOnTheServer) {
  for (bool PropertySummary::*flag :
       {&PropertySummary::absent, &PropertySummary::incomparable, &PropertySummary::lists}) {
    GroupIndex index = index_of({{"\"other\"", false}});
    index.summaries[0].*flag = true;
    EXPECT_FALSE(tenants().excludes(index, Scope::Event));
    EXPECT_TRUE(tenants().excludes(index, Scope::Strict));
  }
}

TEST(AllowListIndex, OfAddressesACompleteListTells) {
  const AllowList list = tenants(R"({"source_addr":["10.0.0.0/8"]})");
  GroupIndex index = index_of({{"\"192.0.2.1:25\"", false}});
  index.summaries[0].key = "source_address";
  EXPECT_TRUE(list.excludes(index, Scope::Strict));
  EXPECT_TRUE(list.excludes(index, Scope::Event));
  index.summaries[0].complete = false;
  EXPECT_FALSE(list.excludes(index, Scope::Strict));
  index.summaries[0].complete = true;
  index.summaries[0].values.push_back({"\"nowhere\"", false});  // says nothing, so it passes
  EXPECT_FALSE(list.excludes(index, Scope::Event));
}

SessionRows row_of(std::vector<SummaryValue> values, std::uint8_t flags) {
  SessionRows rows;
  rows.rows.resize(1);
  SessionRows::Property& property = rows.properties.emplace_back();
  property.key = "tenant";
  property.values = std::move(values);
  property.flags = {flags};
  for (std::uint32_t i = 0; i < property.values.size(); ++i)
    property.listed.push_back(i);
  property.listed_until = {static_cast<std::uint32_t>(property.values.size())};
  property.hashed_until = {0};
  return rows;
}

TEST(AllowListIndex, ARowTellsWhetherItsSessionIsMeant) {
  EXPECT_EQ(tenants().in_row(row_of({{"\"acme\"", false}}, 0), 0), AllowList::InRow::Yes);
  EXPECT_EQ(tenants().in_row(row_of({{"\"other\"", false}}, 0), 0), AllowList::InRow::No);
  EXPECT_EQ(tenants().in_row(row_of({{"\"other\"", false}}, kMoreFlag), 0),
            AllowList::InRow::Maybe);
  SessionRows hashed = row_of({{"\"other\"", false}}, 0);
  hashed.properties[0].hashes = {1};
  hashed.properties[0].hashed_until = {1};
  EXPECT_EQ(tenants().in_row(hashed, 0), AllowList::InRow::Maybe);
}

// One event has to have all of them.
TEST(AllowListIndex, OfSeveralFiltersARowTellsOnlyThatItIsNone) {
  const AllowList both = tenants(R"({"tenant":["acme"],"campaign":["spring"]})");
  SessionRows rows = row_of({{"\"acme\"", false}}, 0);
  EXPECT_EQ(both.in_row(rows, 0), AllowList::InRow::Maybe);
  EXPECT_EQ(both.in_row(row_of({{"\"other\"", false}}, 0), 0), AllowList::InRow::No);
  AllowList named = tenants();
  named.require(Named("a"));
  rows.rows[0].id = "a";
  EXPECT_EQ(named.in_row(rows, 0), AllowList::InRow::Maybe);
}

// To whoever looks for a text a list says nothing.
TEST(DeniedIndex, AListIsNoOtherValue) {
  const GroupIndex index = index_of({{"\"other\"", true}});
  EXPECT_TRUE(without_acme().excludes(index, Scope::Strict));
}

TEST(DeniedIndex, ARowTellsOfWhatIsDenied) {
  using InRow = AllowList::InRow;
  EXPECT_EQ(without_acme().denied_in_row(row_of({{"\"acme\"", false}}, 0), 0), InRow::Yes);
  EXPECT_EQ(without_acme().denied_in_row(row_of({{"\"other\"", false}}, 0), 0), InRow::No);
  EXPECT_EQ(without_acme().denied_in_row(row_of({{"\"other\"", false}}, kMoreFlag), 0),
            InRow::Maybe);
  SessionRows unknown = row_of({{"\"other\"", false}}, 0);
  unknown.properties.clear();
  EXPECT_EQ(without_acme().denied_in_row(unknown, 0), InRow::Maybe);
  EXPECT_EQ(tenants().denied_in_row(row_of({{"\"acme\"", false}}, 0), 0), InRow::No);
}

TEST(SessionIndex, ARowTellsItsId) {
  using InRow = AllowList::InRow;
  SessionRows rows = row_of({}, 0);
  rows.rows[0].id = "a";
  AllowList list({}, Honour::Documented);
  list.require_sessions({"b", "a"});
  EXPECT_EQ(list.in_row(rows, 0), InRow::Yes);
  rows.rows[0].id = "c";
  EXPECT_EQ(list.in_row(rows, 0), InRow::No);
  rows.rows[0].id_hashed = true;
  rows.rows[0].id.clear();
  for (std::uint64_t hash = hash64("b"); rows.rows[0].id.size() < sizeof hash; hash >>= 8)
    rows.rows[0].id.push_back(static_cast<char>(hash & 0xff));
  EXPECT_EQ(list.in_row(rows, 0), InRow::Maybe);
}

}  // namespace
}  // namespace smtptape
