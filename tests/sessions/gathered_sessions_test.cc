// What sessions are told of gaps, and what that takes where there are many of both.
#include "sessions/gathered_sessions.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/wire/wire.h"

namespace smtptape {
namespace {

struct Told {
  std::string id;
  std::uint64_t gaps = 0;  // between two of its events
  std::uint64_t late = 0;
  std::uint64_t calls = 0;
};

class Builder {
 public:
  explicit Builder(std::string id) { told_.id = std::move(id); }
  static void add(const Event&) {}
  void add_gaps(std::string_view, std::uint64_t count) {
    told_.gaps += count;
    ++told_.calls;
  }
  void note_gaps(std::string_view, std::uint64_t count) {
    told_.late += count;
    ++told_.calls;
  }
  [[nodiscard]] static bool is_closed() { return false; }
  Told finish() { return told_; }

 private:
  Told told_;
};

class Feed {
 public:
  void event(const std::string& id, std::uint64_t sequence, const Origin* origin = nullptr) {
    EventBatch batch;
    Event& event = decoder_.decode(R"({"conn_meta":{"id":")" + id +
                                       R"("},"payload":"Connected","when":"2026-08-04T21:00:00Z"})",
                                   Opcode::Text,
                                   batch);
    event.sequence = sequence;
    event.origin = origin;
    static_cast<void>(sessions.add(batch));
  }
  void gaps(const std::vector<std::uint64_t>& after) {
    EventBatch batch;
    for (const std::uint64_t sequence : after) {
      Gap& gap = batch.gaps.emplace_back();
      gap.after_sequence = sequence;
    }
    static_cast<void>(sessions.add(batch));
  }
  std::map<std::string, Told> finish() {
    std::map<std::string, Told> all;
    for (const Told& told : sessions.finish())
      all[told.id] = told;
    return all;
  }

  GatheredSessions<Builder> sessions{GatheredSessions<Builder>::Until::End,
                                     [](std::string id) { return Builder(std::move(id)); }};

 private:
  WireDecoder decoder_;
};

TEST(GatheredSessions, AreToldOfTheGapsBetweenTheirEvents) {
  Feed feed;
  feed.event("a", 1);
  feed.event("b", 2);
  feed.gaps({2});
  feed.event("a", 4);
  feed.event("c", 5);
  feed.gaps({5, 7});
  feed.event("c", 9);
  const auto all = feed.finish();
  EXPECT_EQ(all.at("a").gaps, 3U) << "one, and two behind it";
  EXPECT_EQ(all.at("b").gaps, 3U);
  EXPECT_EQ(all.at("c").gaps, 2U);
  EXPECT_EQ(all.at("a").late + all.at("b").late + all.at("c").late, 0U);
}

TEST(GatheredSessions, AreToldOfGapsThatComeLate) {
  Feed feed;
  feed.event("before", 1);
  feed.event("around", 2);
  feed.event("before", 3);
  feed.event("behind", 5);
  feed.event("around", 6);
  feed.gaps({3, 4});
  const auto all = feed.finish();
  EXPECT_EQ(all.at("around").late, 2U);
  EXPECT_EQ(all.at("before").late, 0U);
  EXPECT_EQ(all.at("before").gaps, 2U) << "they may have taken its end";
  EXPECT_EQ(all.at("behind").late, 0U);
  EXPECT_EQ(all.at("behind").gaps, 0U);
}

// A recorder that was started again counts anew.
TEST(GatheredSessions, AreToldOfGapsByTheNumbersOfTheirRecorder) {
  Origin other;
  other.capture.bytes[0] = 1;
  Feed feed;
  feed.event("a", 5);
  feed.event("a", 7);
  feed.gaps({20});
  feed.event("a", 3, &other);
  feed.event("a", 30, &other);
  feed.event("b", 21);
  feed.event("c", 23);
  feed.event("b", 24);
  feed.event("a", 31, &other);
  feed.gaps({22});
  const auto all = feed.finish();
  EXPECT_EQ(all.at("a").gaps, 2U) << "it was not closed";
  EXPECT_EQ(all.at("a").late, 0U);
  EXPECT_EQ(all.at("b").late, 1U);
}

TEST(GatheredSessions, AreToldNothingWhereNumbersGoBack) {
  Feed feed;
  feed.event("a", 1);
  feed.event("a", 9);
  feed.gaps({9, 11});
  feed.event("b", 20);
  feed.gaps({5});
  feed.event("a", 3);
  const auto all = feed.finish();
  EXPECT_EQ(all.at("a").late, 1U);
  EXPECT_EQ(all.at("a").gaps, 3U) << "behind its last event";
}

constexpr std::uint64_t kMany = 3000;  // of each

// Each of many sessions is told how many there were of many gaps, not gap by gap.
TEST(GatheredSessions, AndGapsAreManyForLittle) {
  Feed feed;
  for (std::uint64_t i = 1; i <= kMany; ++i)
    feed.event("s" + std::to_string(i), i);
  std::vector<std::uint64_t> gaps;
  for (std::uint64_t i = 0; i < kMany; ++i)
    gaps.push_back(kMany + 2 * i);
  feed.gaps(gaps);
  for (std::uint64_t i = 1; i <= kMany; ++i)
    feed.event("s" + std::to_string(i), 3 * kMany + i);
  std::uint64_t calls = 0;
  for (const auto& [id, told] : feed.finish()) {
    EXPECT_EQ(told.gaps, kMany);
    calls += told.calls;
  }
  EXPECT_LE(calls, (GatheredSessions<Builder>::kMostInWords + 1) * kMany);
}

// Who was silent since then is not looked at.
TEST(GatheredSessions, AndLateGapsAreManyForLittle) {
  Feed feed;
  for (std::uint64_t i = 1; i <= kMany; ++i)
    feed.event("s" + std::to_string(i), i);
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    feed.event("s" + std::to_string(i), kMany + 2 * i);
    feed.gaps({kMany + 2 * i - 1});
  }
  EXPECT_LE(feed.sessions.looks_for_late_gaps(), 3 * kMany);
  const auto all = feed.finish();
  for (const auto& [id, told] : all)
    EXPECT_EQ(told.late, 1U) << id;
}

TEST(GatheredSessions, AndLateGapsOfOneMomentAreManyForLittle) {
  Feed feed;
  for (std::uint64_t i = 1; i <= kMany; ++i)
    feed.event("s" + std::to_string(i), i);
  for (std::uint64_t i = 1; i <= kMany; ++i)
    feed.event("s" + std::to_string(i), 3 * kMany + i);
  std::vector<std::uint64_t> gaps;
  for (std::uint64_t i = 0; i < kMany; ++i)
    gaps.push_back(kMany + i);
  feed.gaps(gaps);
  EXPECT_LE(feed.sessions.looks_for_late_gaps(), 2 * kMany);
  for (const auto& [id, told] : feed.finish())
    EXPECT_EQ(told.late, kMany) << id;
}

}  // namespace
}  // namespace smtptape
