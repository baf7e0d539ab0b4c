// A session is found by what a person has in hand, and an index never denies what is there.
#include "filters/named.h"

#include <string>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "filters/allow_list.h"
#include "format/tape/hash_filter.h"

namespace smtptape {
namespace {

bool matches(const char* name, const char* json) {
  const MetaPtr meta = Meta::parse(json);
  return meta != nullptr && Named(name).matches(*meta);
}

TEST(Named, IsASessionAMessageOrARecipient) {
  const char* const meta =
      R"({"id":"a","message_id":"m1","recipient":["b@x",7,"\"q\"@x"],"sender":"s@x"})";
  for (const char* const name : {"a", "m1", "b@x", "\"q\"@x"})
    EXPECT_TRUE(matches(name, meta)) << name;
  for (const char* const name : {"A", "m", "s@x", "7", ""})
    EXPECT_FALSE(matches(name, meta)) << name;
  EXPECT_TRUE(matches("b@x", R"({"id":"a","recipient":"b@x"})"));
  // What has no session can't be shown.
  EXPECT_FALSE(matches("m1", R"({"message_id":"m1"})"));
  EXPECT_FALSE(matches("", R"({"id":""})"));
}

TEST(Named, AnIndexTellsOfMessagesAndRecipients) {
  GroupIndex index;
  index.index_version = kIndexVersion;
  index.message_ids_known = true;
  index.message_ids = make_filter({hash64("\"m1\"")}, kMessageIdBits);
  PropertySummary& recipients = index.summaries.emplace_back();
  recipients.key = "recipient";
  recipients.values = {{"\"b@x\"", true}};
  EXPECT_TRUE(Named("m1").may_be_of_message(index));
  EXPECT_TRUE(Named("b@x").may_be_of_message(index));
  EXPECT_FALSE(Named("other").may_be_of_message(index));
  index.message_ids_known = false;
  EXPECT_TRUE(Named("other").may_be_of_message(index));
  index.message_ids_known = true;
  index.summaries.clear();
  EXPECT_TRUE(Named("other").may_be_of_message(index));
  index.index_version = 0;
  EXPECT_TRUE(Named("other").may_be_of_message(index));
}

TEST(Named, ARowTellsOfItsSessionAndRecipientsOnly) {
  SessionRows rows;
  rows.rows.resize(1);
  rows.rows[0].id = "a";
  SessionRows::Property& recipients = rows.properties.emplace_back();
  recipients.key = "recipient";
  recipients.values = {{"\"b@x\"", true}};
  recipients.flags = {0};
  recipients.listed = {0};
  recipients.listed_until = {1};
  recipients.hashes = {value_hash("\"c@x\"", true)};
  recipients.hashed_until = {1};
  EXPECT_EQ(Named("a").in_row(rows, 0), Named::InRow::Yes);
  EXPECT_EQ(Named("b@x").in_row(rows, 0), Named::InRow::Yes);
  EXPECT_EQ(Named("c@x").in_row(rows, 0), Named::InRow::Maybe);
  EXPECT_EQ(Named("m1").in_row(rows, 0), Named::InRow::No);
  AllowList list(TraceRequest{}, Honour::Documented);
  list.require(Named("m1"));
  EXPECT_EQ(list.in_row(rows, 0), Named::InRow::Maybe);
  GroupIndex index;
  index.index_version = kIndexVersion;
  index.message_ids_known = true;
  index.summaries.emplace_back().key = "recipient";
  EXPECT_EQ(list.in_row(rows, 0, &index), Named::InRow::No);
}

TEST(Named, IsOneMoreThingThatAnEventMustHave) {
  AllowList list(parse_request(R"({"tenant":["acme"]})"), Honour::Documented);
  list.require(Named("m1"));
  EXPECT_FALSE(list.empty());
  const MetaPtr both = Meta::parse(R"({"id":"a","message_id":"m1","tenant":"acme"})");
  const MetaPtr one = Meta::parse(R"({"id":"a","message_id":"m1","tenant":"other"})");
  const MetaPtr other = Meta::parse(R"({"id":"a","message_id":"m2","tenant":"acme"})");
  EXPECT_TRUE(list.passes(both.get(), Scope::Strict));
  EXPECT_FALSE(list.passes(one.get(), Scope::Strict));
  EXPECT_FALSE(list.passes(other.get(), Scope::Strict));
}

}  // namespace
}  // namespace smtptape
