// What one group's rows hand on to the next one's.
#include "format/tape/rows_before.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/session_row_builder.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

class Group {
 public:
  explicit Group(RowsBefore before = {}) : rows_({}, Id128{}, std::move(before)) {}

  void add(const std::string& id, const std::string& payload) {
    EventBatch batch;
    Event& event = decoder_.decode(R"({"conn_meta":{"id":")" + id + R"("},"payload":)" + payload +
                                       R"(,"when":"2026-08-04T21:00:00Z"})",
                                   Opcode::Text,
                                   batch);
    event.sequence = ++sequence_;
    event.received = static_cast<std::int64_t>(sequence_);
    rows_.add(event, names_.meta(*event.meta));
  }
  void add_gap() {
    Gap gap;
    gap.after_sequence = sequence_;
    rows_.add_gap(gap);
  }
  RowsBefore end() { return rows_.end(); }
  std::vector<SessionRow> rows() { return rows_.finish().rows.rows; }

 private:
  SessionRowBuilder rows_;
  GroupNames names_;
  WireDecoder decoder_;
  static inline std::uint64_t sequence_ = 0;
};

TEST(RowsBefore, AreTheDialoguesThatGoOn) {
  Group group;
  group.add("connected", R"("BeginSession")");
  group.add("connected", R"("Connected")");
  group.add("begun", R"("BeginSession")");
  group.add("closed", R"("BeginSession")");
  group.add("closed", R"("Connected")");
  group.add("closed", R"("Closed")");
  group.add("unsure", R"("BeginSession")");
  group.add("unsure", R"("Connected")");
  group.add("unsure", R"({"Surprise":1})");
  group.add("from the middle", R"({"Write":"NOOP\r\n"})");
  group.add("busy", R"("Closed")");
  group.add("busy", R"({"Write":"NOOP\r\n"})");  // whatever that is
  const RowsBefore before = group.end();
  EXPECT_EQ(before.dialogues.size(), 3U);
  EXPECT_TRUE(before.dialogues.contains("busy"));
  EXPECT_TRUE(before.dialogues.contains("connected"));
  EXPECT_TRUE(before.dialogues.contains("from the middle"));
}

TEST(RowsBefore, TellTheNextGroupWhereADialogueStands) {
  Group first;
  first.add("a", R"("BeginSession")");
  first.add("a", R"("Connected")");
  first.add("a", R"({"Read":"220 mx\r\n"})");
  first.add("a", R"({"Write":"EHLO me\r\n"})");
  Group second(first.end());
  second.add("b", R"({"Write":"NOOP\r\n"})");  // a is silent
  Group third(second.end());
  third.add("a", R"({"Read":"250 mx\r\n"})");
  const RowsBefore before = third.end();
  EXPECT_EQ(before.dialogues.size(), 2U);
  const SessionRow begun = first.rows().at(0);
  EXPECT_TRUE(begun.sure && !begun.rests && !begun.goes_on && !begun.decided);
  const SessionRow rest = third.rows().at(0);
  EXPECT_TRUE(rest.sure && rest.rests && rest.goes_on);
  EXPECT_FALSE(rest.decided) << "alone, it says too little";
  EXPECT_EQ(rest.last_reply, 250);
  EXPECT_EQ(rest.connections, 0U);

  Group fourth(before);
  fourth.add("a", R"({"Write":"QUIT\r\n"})");
  fourth.add("a", R"({"Read":"221 bye\r\n"})");
  fourth.add("a", R"("Closed")");
  EXPECT_FALSE(fourth.end().dialogues.contains("a"));
  const SessionRow last = fourth.rows().at(0);
  EXPECT_TRUE(last.goes_on && last.decided) << "what came before was finished";
  EXPECT_EQ(last.worst_reply, 221);
}

TEST(RowsBefore, EndAtAGap) {
  Group first;
  for (const std::string id : {"silent", "told"}) {
    first.add(id, R"("BeginSession")");
    first.add(id, R"("Connected")");
  }
  Group second(first.end());
  second.add("told", R"({"Read":"220 mx\r\n"})");
  second.add("busy", R"("BeginSession")");
  second.add("busy", R"("Closed")");
  second.add("busy", R"({"Write":"NOOP\r\n"})");
  second.add_gap();
  second.add("later", R"("BeginSession")");
  second.add("later", R"("Connected")");
  const RowsBefore before = second.end();
  EXPECT_EQ(before.dialogues.size(), 1U);
  EXPECT_TRUE(before.dialogues.contains("later"));
  const std::vector<SessionRow> until_there = second.rows();
  EXPECT_TRUE(until_there.at(0).gap);
  EXPECT_FALSE(until_there.at(1).gap) << "it was closed, but goes on";

  Group third(before);
  for (const std::string id : {"silent", "told", "later"})
    third.add(id, R"({"Write":"NOOP\r\n"})");
  static_cast<void>(third.end());
  const std::vector<SessionRow> rows = third.rows();
  EXPECT_TRUE(rows.at(0).gap && !rows.at(0).goes_on);
  EXPECT_TRUE(rows.at(1).gap && !rows.at(1).goes_on);
  EXPECT_TRUE(!rows.at(2).gap && rows.at(2).goes_on) << "it began after the gap";
}

TEST(RowsBefore, LetGoOfThoseThatWereSilentForLongest) {
  RowsBefore before;
  for (int i = 0; i < 10; ++i)
    before.dialogues[std::to_string(i)].last_received = i / 3;  // 0 0 0 1 1 1 2 2 2 3
  before.shorten(10);
  EXPECT_EQ(before.dialogues.size(), 10U);
  before.shorten(5);
  EXPECT_EQ(before.dialogues.size(), 5U);
  for (const std::string id : {"6", "7", "8", "9"})
    EXPECT_TRUE(before.dialogues.contains(id)) << id;
  for (const std::string id : {"0", "1", "2"})
    EXPECT_FALSE(before.dialogues.contains(id)) << id;
}

}  // namespace
}  // namespace smtptape
