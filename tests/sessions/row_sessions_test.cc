// Rows of one session put together: when they tell it all, and when its events have to.
#include "sessions/row_sessions.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;

// One that was delivered, from connect to close.
SessionRow whole_row() {
  SessionRow row;
  row.id = "a";
  row.first_received = 10 * kSecond;
  row.last_received = 20 * kSecond;
  row.connections = row.messages = row.recipients = row.accepted = 1;
  row.bytes_read = 30;
  row.bytes_written = 40;
  row.last_reply = 221;
  row.worst_reply = 354;
  row.tls = Tls::Tls13;
  row.wanted = row.delivered = 1;
  row.opened = row.closed = row.decided = row.sure = row.rests = row.outcomes = true;
  return row;
}

// The same in two groups: the reply is in the second.
std::pair<SessionRow, SessionRow> cut_rows() {
  SessionRow first = whole_row();
  first.last_received = 15 * kSecond;
  first.accepted = first.delivered = 0;
  first.last_reply = 354;
  first.closed = first.decided = first.rests = false;
  SessionRow second;
  second.id = "a";
  second.first_received = 16 * kSecond;
  second.last_received = 20 * kSecond;
  second.accepted = second.delivered = 1;
  second.last_reply = 221;
  second.worst_reply = 250;
  second.closed = second.sure = second.rests = second.goes_on = second.outcomes = true;
  return {first, second};
}

SessionRows rows_of(const std::vector<SessionRow>& rows) {
  SessionRows all;
  all.rows = rows;
  for (const std::string& key : RowSessions::keys()) {
    SessionRows::Property& property = all.properties.emplace_back();
    property.key = key;
    property.values = {{"\"" + key + " 1\"", false}};
    property.flags.assign(rows.size(), 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      property.listed.push_back(0);
      property.listed_until.push_back(static_cast<std::uint32_t>(i + 1));
      property.hashed_until.push_back(0);
    }
  }
  return all;
}

RowSessions::Group run(std::uint64_t number) {
  return {"mta", false, number};
}

RowSession only(RowSessions& sessions) {
  std::vector<RowSession> all = sessions.take(RowSessions::kEnd);
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? RowSession{} : all.front();
}

RowSession of(const SessionRow& row, RowSessions::Group group = run(1)) {
  RowSessions sessions;
  sessions.add(rows_of({row}), group);
  return only(sessions);
}

TEST(RowSessions, AreWhatARowSays) {
  const RowSession session = of(whole_row());
  EXPECT_TRUE(session.told);
  const SessionSummary& summary = session.summary;
  EXPECT_EQ(summary.source, "mta");
  EXPECT_EQ(summary.duration(), 10 * kSecond);
  EXPECT_EQ(summary.last(SessionName::MxHost), "mx_host 1");
  EXPECT_EQ(summary.outcomes, (OutcomeCounts{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(summary.worst_reply, 221);
  EXPECT_EQ(summary.last_reply, 221);
  EXPECT_EQ(summary.tls, Tls::Tls13);
  EXPECT_TRUE(summary.begins_here);
  EXPECT_FALSE(summary.is_open);
}

TEST(RowSessions, LeaveWhatARowCantTellToTheEvents) {
  const auto told = [](auto change) {
    SessionRow row = whole_row();
    change(row);
    return of(row).told;
  };
  EXPECT_TRUE(told([](SessionRow&) {}));
  EXPECT_FALSE(told([](SessionRow& row) { row.sure = false; }));
  EXPECT_FALSE(told([](SessionRow& row) { row.rests = false; }));
  EXPECT_FALSE(told([](SessionRow& row) { row.gap = true; }));
  EXPECT_FALSE(told([](SessionRow& row) { row.id_hashed = true; }));
  EXPECT_FALSE(told([](SessionRow& row) { row.opened = false; }));
  EXPECT_FALSE(told([](SessionRow& row) { row.goes_on = true; })) << "from nothing that is here";
}

TEST(RowSessions, AreOneOverTheEndsOfGroups) {
  const auto [first, second] = cut_rows();
  RowSessions sessions;
  sessions.add(rows_of({first}), run(1));
  sessions.add(rows_of({second}), run(1));
  const RowSession session = only(sessions);
  EXPECT_TRUE(session.told);
  EXPECT_EQ(session.summary, of(whole_row()).summary);
}

TEST(RowSessions, GoOnFromTheRowBeforeOnly) {
  const auto told = [](const std::vector<std::pair<SessionRow, std::uint64_t>>& rows) {
    RowSessions sessions;
    for (const auto& [row, number] : rows)
      sessions.add(rows_of({row}), run(number));
    return only(sessions).told;
  };
  auto [first, second] = cut_rows();
  EXPECT_TRUE(told({{first, 1}, {second, 1}}));
  EXPECT_FALSE(told({{first, 1}, {second, 2}})) << "something may lie between";
  EXPECT_FALSE(told({{first, 1}})) << "it has no end";
  SessionRow anew = second;
  anew.goes_on = false;
  EXPECT_FALSE(told({{first, 1}, {anew, 1}})) << "nobody says how the first ends";
  SessionRow rests = first;
  rests.rests = true;
  EXPECT_TRUE(told({{rests, 1}, {anew, 1}}));
  EXPECT_TRUE(told({{rests, 1}, {anew, 2}})) << "nothing is unfinished in between";
  SessionRow unsure = first;
  unsure.sure = false;
  EXPECT_FALSE(told({{unsure, 1}, {second, 1}}));
  SessionRow touched = second;
  touched.gap = true;
  EXPECT_FALSE(told({{first, 1}, {touched, 1}}));
}

bool is_told(const SessionRow& row, const OutcomeCounts& outcomes) {
  const RowSession session = of(row);
  return session.told && session.summary.outcomes == outcomes;
}

// Three messages to five: all kinds of outcomes.
SessionRow mixed_row() {
  SessionRow row = whole_row();
  row.messages = 3;
  row.recipients = row.wanted = 5;
  row.accepted = row.deferred = row.refused = 1;
  row.delivered = 2;
  row.put_off = 1;
  row.bounced = 2;
  row.worst_reply = 550;
  return row;
}

TEST(RowSessions, HaveTheOutcomesOfTheirRecipients) {
  const OutcomeCounts outcomes = {2, 1, 2, 0, 0, 0};
  EXPECT_TRUE(is_told(mixed_row(), outcomes));
  const auto told = [](auto change) {
    SessionRow row = mixed_row();
    change(row);
    return of(row).told;
  };
  EXPECT_FALSE(told([](SessionRow& row) { row.wanted = 6; })) << "one was never named";
  EXPECT_FALSE(told([](SessionRow& row) { row.recipients = 6; })) << "one was named again";
  EXPECT_FALSE(told([](SessionRow& row) { row.delivered = 1; })) << "of one it is not known";
  EXPECT_FALSE(told([](SessionRow& row) { row.messages = 4; })) << "one was not sent";
  EXPECT_FALSE(told([](SessionRow& row) { row.connections = 2; })) << "one may be sent again";
  EXPECT_FALSE(told([](SessionRow& row) { row.outcomes = false; })) << "from before";
}

TEST(RowSessions, OfOldTapesHaveThemByTheirMessages) {
  SessionRow row = whole_row();
  row.outcomes = false;
  row.wanted = row.delivered = 0;
  EXPECT_TRUE(is_told(row, {1, 0, 0, 0, 0, 0}));
  row.recipients = 3;
  EXPECT_TRUE(is_told(row, {3, 0, 0, 0, 0, 0})) << "nothing was refused";
  row.worst_reply = 550;
  EXPECT_FALSE(of(row).told) << "one of them may be";
  row.recipients = 1;
  EXPECT_FALSE(of(row).told) << "something was refused, not the message";
  row.accepted = 0;
  row.refused = 1;
  EXPECT_TRUE(is_told(row, {0, 0, 1, 0, 0, 0}));
  row.messages = row.recipients = 2;
  row.deferred = 1;
  EXPECT_FALSE(of(row).told) << "which is whose?";
  row.refused = 0;
  row.deferred = 2;
  row.worst_reply = 451;
  EXPECT_TRUE(is_told(row, {0, 2, 0, 0, 0, 0}));
  row.connections = 2;
  EXPECT_TRUE(is_told(row, {0, 2, 0, 0, 0, 0}));
  row.deferred = 1;
  EXPECT_FALSE(of(row).told) << "one has no reply";
}

TEST(RowSessions, OverTwoConnectionsHaveThemByTheirMessages) {
  SessionRow row = whole_row();
  row.connections = 2;
  EXPECT_TRUE(is_told(row, {1, 0, 0, 0, 0, 0}));
  row.recipients = row.messages = row.accepted = 2;
  EXPECT_FALSE(of(row).told) << "two are wanted, and one is known";
  row.messages = row.recipients = row.accepted = row.deferred = row.wanted = row.delivered = 0;
  row.worst_reply = 554;
  EXPECT_TRUE(is_told(row, {})) << "there was no message";
}

TEST(RowSessions, WithoutAConnectionAreNamedByTheLastAttempt) {
  SessionRow row = whole_row();
  row.connections = row.messages = row.recipients = row.wanted = row.accepted = row.delivered = 0;
  row.bytes_read = row.bytes_written = 0;
  row.last_reply = row.worst_reply = 0;
  row.closed = false;
  SessionRow later = row;
  row.tried = {"mx1", "192.0.2.1"};
  later.opened = false;
  later.first_received = later.last_received = 30 * kSecond;
  const auto names = [](const std::vector<SessionRow>& rows) {
    RowSessions sessions;
    for (const SessionRow& each : rows)
      sessions.add(rows_of({each}), run(1));
    const RowSession session = only(sessions);
    EXPECT_TRUE(session.told);
    EXPECT_TRUE(session.summary.all(SessionName::SourceAddress).empty());
    EXPECT_EQ(session.summary.last(SessionName::EgressPool), "egress_pool 1");
    return std::pair(std::string(session.summary.last(SessionName::MxHost)),
                     std::string(session.summary.last(SessionName::MxAddress)));
  };
  EXPECT_EQ(names({row}), std::pair(std::string("mx1"), std::string("192.0.2.1")));
  EXPECT_EQ(names({row, later}), std::pair(std::string("mx1"), std::string("192.0.2.1")));
  later.tried = {"", "unix:/tmp/x"};
  EXPECT_EQ(names({row, later}), std::pair(std::string(), std::string("unix:/tmp/x")));
  later.tried.emplace();
  EXPECT_EQ(names({row, later}), std::pair(std::string(), std::string()));
  row.bytes_read = 1;
  EXPECT_FALSE(of(row).told) << "over which connection?";
  row.bytes_read = 0;
  row.outcomes = false;
  EXPECT_FALSE(of(row).told) << "from before";
}

TEST(RowSessions, OfOthersInBetweenDontMatter) {
  const auto [first, second] = cut_rows();
  SessionRow other = whole_row();
  other.id = "b";
  RowSessions sessions;
  sessions.add(rows_of({first}), run(1));
  sessions.add(rows_of({other}), run(1));
  sessions.add(rows_of({other}), {"mta-2", true, 2});
  sessions.add(rows_of({second}), run(1));
  const auto all = sessions.take(RowSessions::kEnd);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].summary.id, "a");
  EXPECT_TRUE(all[0].told);
}

TEST(RowSessions, AreNotToldWhereSomethingIsMissing) {
  const auto [first, second] = cut_rows();
  RowSessions two;
  two.add(rows_of({first}), run(1));
  two.add(rows_of({second}), run(1));
  two.note_missing();
  EXPECT_FALSE(only(two).told);

  RowSessions one;
  one.add(rows_of({whole_row()}), run(1));
  one.note_missing();
  EXPECT_TRUE(only(one).told) << "it was closed";
}

TEST(RowSessions, ThatAreOpenMayHaveAGapBehind) {
  SessionRow open = whole_row();
  open.closed = false;
  for (const std::string source : {"mta", "mta-2"}) {
    RowSessions sessions;
    sessions.add(rows_of({open}), run(1));
    sessions.add({}, {source, true, 1});
    const RowSession session = only(sessions);
    EXPECT_EQ(session.gap_behind, source == "mta");
    EXPECT_EQ(session.told, source != "mta");
    EXPECT_TRUE(session.summary.is_open);
  }
  RowSessions its_own;
  its_own.add(rows_of({open}), {"mta", true, 1});
  EXPECT_TRUE(only(its_own).told) << "of a gap in its group the row knows";
  RowSessions closed;
  closed.add(rows_of({whole_row()}), run(1));
  closed.add({}, {"mta", true, 1});
  EXPECT_FALSE(only(closed).gap_behind);
}

TEST(RowSessions, MayHaveAGapBetweenTwoRows) {
  auto [first, second] = cut_rows();
  first.rests = true;
  second.goes_on = false;
  for (const bool gap : {false, true}) {
    RowSessions sessions;
    sessions.add(rows_of({first}), run(1));
    sessions.add({}, {"mta", gap, 1});
    sessions.add(rows_of({second}), run(2));
    EXPECT_EQ(only(sessions).told, !gap);
    first.closed = true;
    RowSessions closed;
    closed.add(rows_of({first}), {"mta", gap, 1});
    closed.add(rows_of({second}), run(2));
    EXPECT_EQ(only(closed).told, !gap) << "the first doesn't say: it was closed";
    first.closed = false;
  }
}

TEST(RowSessions, OutOfTheirOrderAreNotTold) {
  auto [first, second] = cut_rows();
  first.rests = true;
  second.goes_on = false;
  const auto told = [](const SessionRow& one, const SessionRow& two) {
    RowSessions sessions;
    sessions.add(rows_of({one}), run(1));
    sessions.add(rows_of({two}), run(2));
    return only(sessions).told;
  };
  EXPECT_TRUE(told(first, second));
  second.first_received = first.last_received - 1;
  EXPECT_FALSE(told(first, second));
}

TEST(RowSessions, AreCompleteAfterASilence) {
  RowSessions sessions;
  SessionRow open = whole_row();
  open.id = "open";
  open.closed = false;
  open.first_received = 12 * kSecond;
  sessions.add(rows_of({whole_row(), open}), run(1));
  EXPECT_EQ(sessions.oldest(), 10 * kSecond);
  EXPECT_EQ(sessions.take(20 * kSecond).size(), 0U);
  EXPECT_EQ(sessions.take(25 * kSecond).size(), 0U);
  const auto closed = sessions.take(25 * kSecond + 1);
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].summary.id, "a");
  EXPECT_EQ(sessions.oldest(), 12 * kSecond);
  EXPECT_EQ(sessions.take(20 * kSecond + kHour).size(), 0U);
  EXPECT_EQ(sessions.take(20 * kSecond + kHour + 1).size(), 1U);
  EXPECT_EQ(sessions.oldest(), RowSessions::kEnd);
}

TEST(RowSessions, NameTheirHostsInOrder) {
  SessionRows first = rows_of({whole_row()});
  SessionRows second = rows_of({whole_row()});
  for (SessionRows::Property& property : second.properties)
    property.values = {{"\"" + property.key + " 2\"", false}};
  RowSessions sessions;
  sessions.add(first, run(1));
  sessions.add(second, run(2));
  EXPECT_EQ(only(sessions).summary.all(SessionName::MxHost),
            (std::vector<std::string>{"mx_host 1", "mx_host 2"}));
}

TEST(RowSessions, WithoutAllNamesAreNotTold) {
  const auto told = [](auto change) {
    SessionRows rows = rows_of({whole_row()});
    change(rows.properties.front());
    RowSessions sessions;
    sessions.add(rows, run(1));
    return only(sessions).told;
  };
  EXPECT_TRUE(told([](SessionRows::Property&) {}));
  EXPECT_FALSE(told([](SessionRows::Property& of) { of.key = "other"; }));
  SessionRows nowhere = rows_of({whole_row()});
  for (SessionRows::Property& property : nowhere.properties)
    if (property.key == "mx_host") property.values = {{"null", false}};
  RowSessions sessions;
  sessions.add(nowhere, run(1));
  EXPECT_FALSE(only(sessions).told) << "to which host, its attempts tell";
  EXPECT_FALSE(told([](SessionRows::Property& of) { of.flags.front() = kMoreFlag; }));
  EXPECT_FALSE(told([](SessionRows::Property& of) {
    of.hashes = {1};
    of.hashed_until = {1};
  }));
}

TEST(RowSessions, AreThoseThatAreWanted) {
  RowSessions sessions;
  sessions.choose([](std::string_view id) { return id == "b"; });
  SessionRow other = whole_row();
  other.id = "b";
  sessions.add(rows_of({whole_row(), other}), run(1));
  EXPECT_EQ(only(sessions).summary.id, "b");
}

}  // namespace
}  // namespace smtptape
