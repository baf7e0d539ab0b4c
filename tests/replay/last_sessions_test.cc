#include "replay/last_sessions.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr EventKind kBegin = EventKind::BeginSession;
constexpr EventKind kText = EventKind::Read;

// Events by their session's letter; '-' belongs to none.
class Feed : public ::testing::Test {
 protected:
  void add(char session, std::int64_t received, EventKind kind = kText, std::uint64_t number = 0) {
    Event event;
    event.sequence = number == 0 ? batch_.events.size() + 1 : number;
    event.received = received;
    event.kind = kind;
    event.origin = &origin_;
    const std::string text = session == '-' ? "null" : std::string(R"({"id":")") + session + "\"}";
    metas_.push_back(Meta::parse(text));
    event.meta = metas_.back().get();
    batch_.events.push_back(event);
    letters_.push_back(session);
  }
  void add_all(std::string_view sessions) {
    for (const char session : sessions)
      add(session, static_cast<std::int64_t>(batch_.events.size() + 1) * 10);
  }
  // What a second look shows, by the letters.
  std::string shown(const LastSessions& last) const {
    std::string out;
    for (std::size_t i = 0; i < batch_.events.size(); ++i) {
      const Event& event = batch_.events[i];
      if (event.received >= last.since().value_or(0) && last.holds(event)) out += letters_[i];
    }
    return out;
  }
  LastSessions last(std::uint64_t wanted, bool only_new = false) const {
    LastSessions sessions(wanted, only_new);
    sessions.look_at(batch_);
    return sessions;
  }

  Origin origin_{{}, "m", 1, false};
  EventBatch batch_;
  std::vector<MetaPtr> metas_;
  std::string letters_;
};

TEST_F(Feed, TheLastOnesAreThoseThatBeganLast) {
  add_all("abacbcad");
  EXPECT_EQ(shown(last(1)), "d");
  EXPECT_EQ(shown(last(2)), "ccd");
  EXPECT_EQ(shown(last(3)), "bcbcd");
  EXPECT_EQ(shown(last(4)), letters_);
  EXPECT_EQ(shown(last(99)), letters_);
}

TEST_F(Feed, ASessionThatGoesOnBeginsOnce) {
  add_all("aba");
  EXPECT_EQ(shown(last(1)), "b");
}

TEST_F(Feed, WhatHasNoSessionIsShownFromTheFirstOneOn) {
  add_all("-a-b-");
  EXPECT_EQ(shown(last(1)), "b-");
  EXPECT_EQ(shown(last(2)), "a-b-");
}

TEST_F(Feed, OnlyNewOnesCountWhereOnlyTheyAreShown) {
  add('a', 10, kBegin);
  add('b', 20, kText);
  add('a', 30);
  EXPECT_EQ(shown(last(1, true)), "aa");
  EXPECT_EQ(shown(last(1, false)), "b");
}

TEST_F(Feed, TimesThatGoBackCostNothing) {
  add('a', 100);
  add('b', 200);
  add('c', 300);
  add('b', 150);
  EXPECT_EQ(last(2).since(), 150);
  EXPECT_EQ(shown(last(2)), "bcb");
  EXPECT_EQ(last(1).since(), 150);
}

TEST_F(Feed, NothingFoundIsNothing) {
  EXPECT_FALSE(last(3).found_any());
  EXPECT_EQ(last(3).since(), std::nullopt);
}

TEST_F(Feed, WhatComesLaterIsShown) {
  add_all("aab");
  LastSessions none = last(0);
  LastSessions one = last(1);
  EXPECT_EQ(shown(none), "");
  add('a', 40);
  add('c', 50);
  add('-', 60);
  EXPECT_EQ(shown(none), "ac-");
  EXPECT_EQ(shown(one), "bac-");
}

TEST_F(Feed, TooManyAreTold) {
  LastSessions sessions(1, false, 3);
  add_all("abc");
  sessions.look_at(batch_);
  add_all("d");
  try {
    sessions.look_at(batch_);
    FAIL() << "a fourth session";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("more than 3 sessions"));
  }
}

}  // namespace
}  // namespace smtptape
