#include "replay/faults.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/wire/wire.h"

namespace smtptape {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Events 1 to `count`, in batches of seven; what comes out, by number, a notice as -number.
std::vector<std::int64_t> left_by(Faults& faults, std::int64_t count) {
  std::vector<std::int64_t> left;
  for (std::int64_t next = 1; next <= count;) {
    EventBatch batch;
    for (int i = 0; i < 7 && next <= count; ++i, ++next) {
      Event event;
      event.sequence = static_cast<std::uint64_t>(next);
      event.received = next * 1'000'000'000;
      event.kind = EventKind::Connected;
      batch.events.push_back(event);
    }
    faults.apply(batch);
    for (const Event& event : batch.events) {
      const auto number = static_cast<std::int64_t>(event.sequence);
      left.push_back(event.kind == EventKind::Connected ? number : -number);
    }
  }
  return left;
}

TEST(Faults, NoneIsNone) {
  Faults faults(FaultOptions{});
  EXPECT_EQ(left_by(faults, 100).size(), 100U);
  EXPECT_THAT(describe(FaultOptions{}), IsEmpty());
  EXPECT_FALSE(FaultOptions{}.any());
}

TEST(Faults, EachNthIsMissingAndToldAsKumodDoes) {
  FaultOptions options;
  options.lag_every = 3;
  Faults faults(options);
  EXPECT_THAT(left_by(faults, 10), ElementsAre(1, 2, -3, 4, 5, -6, 7, 8, -9, 10));
  EXPECT_EQ(faults.lagged(), 3U);
  EXPECT_EQ(faults.dropped(), 0U);
}

TEST(Faults, ANoticeIsKumods) {
  FaultOptions options;
  options.lag_every = 1;
  Faults faults(options);
  EventBatch batch;
  batch.events.emplace_back();
  batch.events[0].received = 1'785'852'890'000'000'000;
  faults.apply(batch);
  TextBuffer frame;
  append_frame(frame, batch.events.at(0));
  EXPECT_EQ(frame.view(),
            R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":)"
            R"("Tracer Lagged behind and missed 1 events"}},"when":"2026-08-04T14:14:50Z"})");
}

TEST(Faults, DropsTheSameForTheSameSeed) {
  FaultOptions options;
  options.drop = 0.1;
  const auto left = [&](std::uint64_t seed) {
    options.seed = seed;
    Faults faults(options);
    const auto events = left_by(faults, 10'000);
    EXPECT_EQ(events.size() + faults.dropped(), 10'000U);
    return events;
  };
  EXPECT_EQ(left(1), left(1));
  EXPECT_NE(left(1), left(2));
  EXPECT_NEAR(static_cast<double>(left(3).size()), 9000, 150);
}

TEST(Faults, DropsAllOrNothing) {
  FaultOptions options;
  options.drop = 1;
  Faults all(options);
  EXPECT_THAT(left_by(all, 100), IsEmpty());
}

TEST(Faults, WhatLagsDoesNotChangeWhatIsDropped) {
  FaultOptions options;
  options.drop = 0.5;
  Faults only_dropping(options);
  options.lag_every = 5;
  Faults both(options);
  const auto left = left_by(only_dropping, 100);
  const auto left_of_both = left_by(both, 100);
  for (std::int64_t i = 1; i <= 100; ++i) {
    if (i % 5 == 0) {
      EXPECT_THAT(left_of_both, Contains(-i));
    } else {
      EXPECT_EQ(std::count(left_of_both.begin(), left_of_both.end(), i),
                std::count(left.begin(), left.end(), i));
    }
  }
}

TEST(Faults, AreTold) {
  FaultOptions options;
  options.lag_every = 100;
  options.drop = 0.25;
  options.seed = 7;
  options.stall = std::chrono::milliseconds(1500);
  options.disconnect_after = 1;
  EXPECT_THAT(describe(options),
              ElementsAre("--lag-every: one event of 100 is missing, and a lag notice says so",
                          "--drop: of all events the share of 0.25 is missing without a word "
                          "(--seed 7)",
                          "--stall: behind the first event nothing is sent for 1.5 s",
                          "--disconnect-after: the connection breaks after 1 event, in the middle "
                          "of the next one"));
}

}  // namespace
}  // namespace smtptape
