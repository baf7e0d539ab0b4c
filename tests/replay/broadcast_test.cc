// What a slow subscriber gets, and what it misses, counted one by one.
#include "replay/broadcast.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/request.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kMillisecond = 1'000'000;

// Events 1 to `count`, one a millisecond, each third of tenant b, in batches of seven.
class Ticks : public EventSource {
 public:
  explicit Ticks(std::int64_t count, std::string text = "x")
      : count_(count), text_(std::move(text)) {}
  bool next(EventBatch& batch) override {
    batch.clear();
    if (next_ > count_) return false;
    for (int i = 0; i < 7 && next_ <= count_; ++i, ++next_) {
      frame_ = R"({"conn_meta":{"id":"s","tenant":")" + std::string(next_ % 3 == 0 ? "b" : "a") +
               R"("},"payload":{"Write":")" + text_ + R"("},"when":"2026-08-04T13:54:50Z"})";
      Event& event = decoder_.decode(frame_, Opcode::Text, batch);
      event.sequence = static_cast<std::uint64_t>(next_);
      event.received = next_ * kMillisecond;
      event.text = batch.arena.copy(event.text);
    }
    return true;
  }

 private:
  std::int64_t count_;
  std::string text_;
  std::string frame_;
  std::int64_t next_ = 1;
  WireDecoder decoder_;
};

class BroadcastTest : public ::testing::Test {
 protected:
  BroadcastTest() { pace_options_.speed = 1; }

  void begin(std::int64_t count, RingLimits limits, std::string text = "x") {
    source_ = std::make_unique<Ticks>(count, std::move(text));
    filter_ = std::make_unique<AllowList>(request_, Honour::Documented);
    pace_ = std::make_unique<Pace>(pace_options_);
    broadcast_ = std::make_unique<Broadcast>(*source_, *filter_, *pace_, faults_, limits);
  }
  // So many, or as many as there are.
  std::vector<std::uint64_t> take(std::size_t most) {
    std::vector<std::uint64_t> numbers;
    while (numbers.size() < most) {
      const auto next = broadcast_->next(start_);
      if (next) {
        numbers.push_back(next->event->sequence);
        due_ = next->due;
      } else if (!broadcast_->read()) {
        break;
      }
    }
    return numbers;
  }
  // The client was slow until then.
  std::uint64_t slow_until(int at) {
    while (broadcast_->catch_up(start_ + milliseconds(at)) && broadcast_->read()) {
    }
    const auto missed = broadcast_->take_missed();
    newest_ = missed ? missed->newest.event->sequence : 0;
    return missed ? missed->events : 0;
  }

  Pace::Clock::time_point start_{std::chrono::hours(1)};  // when event 1 is due
  Pace::Clock::time_point due_;
  std::uint64_t newest_ = 0;
  TraceRequest request_;
  PaceOptions pace_options_;
  Faults faults_{FaultOptions{}};
  std::unique_ptr<Ticks> source_;
  std::unique_ptr<AllowList> filter_;
  std::unique_ptr<Pace> pace_;
  std::unique_ptr<Broadcast> broadcast_;
};

TEST_F(BroadcastTest, WhoIsNotSlowGetsAllAtItsTime) {
  begin(30, {10});
  EXPECT_EQ(take(30).size(), 30U);
  EXPECT_EQ(due_, start_ + milliseconds(29));
  EXPECT_EQ(slow_until(1000), 0U);
}

TEST_F(BroadcastTest, TheRingIsKumods) {
  EXPECT_EQ(RingLimits{}.events, 131'072U);
}

TEST_F(BroadcastTest, AsManyAsTheRingHoldsMayWait) {
  begin(100, {10});
  take(5);
  EXPECT_EQ(slow_until(14), 0U) << "6 to 15 are made";
  EXPECT_THAT(take(3), ElementsAre(6, 7, 8));
}

TEST_F(BroadcastTest, OfMoreTheOldestAreMissed) {
  begin(100, {10});
  take(5);
  EXPECT_EQ(slow_until(49), 35U) << "50 are made, 10 kept, 5 were taken";
  EXPECT_EQ(newest_, 50U);
  EXPECT_THAT(take(11), ElementsAre(41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51));
  EXPECT_EQ(due_, start_ + milliseconds(50));
}

TEST_F(BroadcastTest, EachTimeAnew) {
  begin(100, {10});
  take(1);
  EXPECT_EQ(slow_until(20), 10U);
  EXPECT_THAT(take(2), ElementsAre(12, 13));
  EXPECT_EQ(slow_until(21), 0U) << "8 of 10 waited";
  EXPECT_EQ(slow_until(24), 2U);
  EXPECT_THAT(take(1), ElementsAre(16));
  EXPECT_EQ(slow_until(1000), 100U - 16 - 10);
  EXPECT_EQ(take(100).size(), 10U);
  EXPECT_THAT(take(1), IsEmpty());
}

TEST_F(BroadcastTest, WhatIsNotForTheSubscriberCountsToo) {
  request_ = parse_request(R"({"tenant":["b"]})");
  begin(100, {10});
  EXPECT_THAT(take(1), ElementsAre(3));
  // The clock begins with the first that is chosen: 3 is due at the start.
  EXPECT_EQ(slow_until(47), 37U) << "4 to 50 are made";
  EXPECT_THAT(take(4), ElementsAre(42, 45, 48, 51));
}

TEST_F(BroadcastTest, PausesThatAreShortenedShortenWhatIsMissed) {
  pace_options_.idle_limit = std::chrono::microseconds(500);
  begin(100, {10});
  take(1);
  EXPECT_EQ(slow_until(10), 10U) << "21 are made";
}

TEST_F(BroadcastTest, MemoryIsBoundedToo) {
  begin(1000, {100, 1000}, std::string(300, 'x'));
  take(1);
  EXPECT_EQ(slow_until(99), 97U) << "100 are made; three fit, with the one that comes next";
  EXPECT_THAT(take(3), ElementsAre(99, 100, 101));
}

TEST_F(BroadcastTest, OneIsKeptHoweverLargeItIs) {
  begin(1000, {100, 10}, std::string(300, 'x'));
  take(1);
  EXPECT_EQ(slow_until(99), 98U);
  EXPECT_THAT(take(1), ElementsAre(100));
}

}  // namespace
}  // namespace smtptape
