// Sessions in figures, put together.
#include "sessions/summary.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

SessionSummary example() {
  SessionSummary session;
  session.id = "a";
  session.first_received = 10;
  session.last_received = 20;
  session.add(SessionName::MxHost, "mx1");
  session.connections = session.messages = 1;
  session.recipients = 2;
  session.bytes_read = 30;
  session.bytes_written = 40;
  session.outcomes = {2, 0, 0, 0, 0, 0};
  session.worst_reply = 451;
  session.last_reply = 221;
  session.tls = Tls::Tls13;
  session.begins_here = true;
  return session;
}

TEST(SessionSummary, TakesWhatCameLaterUnderItsId) {
  SessionSummary later = example();
  later.first_received = 50;
  later.last_received = 60;
  later.add(SessionName::MxHost, "mx2");
  later.outcomes = {0, 3, 0, 0, 0, 0};
  later.worst_reply = 421;
  later.last_reply = 0;
  later.tls = Tls::None;
  later.is_open = true;
  later.gap = true;
  later.begins_here = false;

  SessionSummary session = example();
  session.append(later);

  SessionSummary both = example();
  both.last_received = 60;
  both.add(SessionName::MxHost, "mx2");
  both.connections = both.messages = 2;
  both.recipients = 4;
  both.bytes_read = 60;
  both.bytes_written = 80;
  both.outcomes = {2, 3, 0, 0, 0, 0};
  both.is_open = true;
  both.gap = true;
  EXPECT_EQ(session, both);
}

TEST(SessionSummary, KeepsALossThatCameBefore) {
  SessionSummary session = example();
  session.gap = true;
  session.is_open = true;
  session.append(example());
  EXPECT_TRUE(session.gap);
  EXPECT_FALSE(session.is_open);
  EXPECT_EQ(session.all(SessionName::MxHost), std::vector<std::string>{"mx1"});
}

}  // namespace
}  // namespace smtptape
