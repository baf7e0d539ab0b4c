#include "store/merge/double_filter.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/tape/tape_info.h"
#include "format/wire/wire.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;

class DoubleFilterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    filter_.add(a_.capture, 0, "http://mta-1:8000");
    filter_.add(b_.capture, 1, "http://mta-1:8000");
    filter_.add(b_again_.capture, 1, "http://mta-1:8000");
    filter_.add(other_.capture, 2, "http://mta-2:8000");
    filter_.add(unknown_.capture, 3, "");
  }

  // Whether it came out.
  bool passes(const Origin& origin,
              const std::string& payload,
              const std::string& meta = R"({"id":"s1"})",
              const std::string& when = "2026-08-04T21:00:00Z") {
    EventBatch batch;
    const std::string frame =
        R"({"conn_meta":)" + meta + R"(,"payload":)" + payload + R"(,"when":")" + when + R"("})";
    Event& event = decoder_.decode(frame, Opcode::Text, batch);
    event.origin = &origin;
    event.received = received_;
    filter_.leave_out(batch);
    return !batch.events.empty();
  }

  DoubleFilter filter_;
  WireDecoder decoder_;
  std::int64_t received_ = 1'785'877'200'000'000'000;
  Origin a_{random_id(), "a", 1, false};
  Origin b_{random_id(), "b", 1, false};
  Origin b_again_{random_id(), "b", 2, false};
  Origin other_{random_id(), "c", 1, false};
  Origin unknown_{random_id(), "x", 1, false};
};

TEST_F(DoubleFilterTest, WhatAnotherRecorderOfTheEndpointHasComesOutOnce) {
  EXPECT_TRUE(passes(a_, R"({"Read":"250 ok"})"));
  EXPECT_FALSE(passes(b_, R"({"Read":"250 ok"})"));
  EXPECT_TRUE(passes(b_, R"("Closed")"));
  EXPECT_FALSE(passes(a_, R"("Closed")"));
  EXPECT_EQ(filter_.left_out(), 2U);
}

TEST_F(DoubleFilterTest, WhatDiffersIsAnother) {
  EXPECT_TRUE(passes(a_, R"({"Read":"250 ok"})"));
  EXPECT_TRUE(passes(b_, R"({"Read":"250 OK"})"));
  EXPECT_TRUE(passes(b_, R"({"Write":"250 ok"})"));
  EXPECT_TRUE(passes(b_, R"({"Read":"250 ok"})", R"({"id":"s2"})"));
  EXPECT_TRUE(
      passes(b_, R"({"Read":"250 ok"})", R"({"id":"s1"})", "2026-08-04T21:00:00.000000001Z"));
  EXPECT_TRUE(passes(a_, R"({"Diagnostic":{"level":"INFO","message":"x"}})"));
  EXPECT_TRUE(passes(b_, R"({"Diagnostic":{"level":"ERROR","message":"x"}})"));
  EXPECT_EQ(filter_.left_out(), 0U);
}

// The same text twice within a session is two events, for each of the recorders.
TEST_F(DoubleFilterTest, TheNthOfTheOneIsTheNthOfTheOther) {
  const auto one = [this](const Origin& origin) { return passes(origin, R"({"Write":"RSET"})"); };
  const std::vector<bool> got{one(a_), one(a_), one(b_), one(b_), one(b_), one(a_), one(a_)};
  EXPECT_THAT(got, ElementsAre(true, true, false, false, true, false, true));
}

TEST_F(DoubleFilterTest, NothingOfOneRecorderIsLeftOutByItself) {
  EXPECT_TRUE(passes(b_, R"({"Write":"RSET"})"));
  EXPECT_TRUE(passes(b_again_, R"({"Write":"RSET"})")) << "it was started anew";
  EXPECT_TRUE(passes(b_, R"({"Write":"RSET"})"));
  EXPECT_FALSE(passes(a_, R"({"Write":"RSET"})"));
}

TEST_F(DoubleFilterTest, OnlyWhereTheEndpointIsKnownToBeTheSame) {
  EXPECT_TRUE(passes(a_, R"("Closed")"));
  EXPECT_TRUE(passes(other_, R"("Closed")"));
  EXPECT_TRUE(passes(unknown_, R"("Closed")"));
}

TEST_F(DoubleFilterTest, ALagNoticeIsOfTheRecorderThatGotIt) {
  const std::string lag = R"({"Diagnostic":{"level":"ERROR","message":"lag"}})";
  EXPECT_TRUE(passes(a_, lag, "null"));
  EXPECT_TRUE(passes(b_, lag, "null"));
}

TEST_F(DoubleFilterTest, RemembersForSomeTimeAndNotForEver) {
  EXPECT_TRUE(passes(a_, R"("Closed")"));
  received_ += DoubleFilter::kWindow - 1;
  EXPECT_FALSE(passes(b_, R"("Closed")"));
  received_ += 3 * DoubleFilter::kWindow;
  EXPECT_TRUE(passes(a_, R"("Connected")"));
  received_ += 3 * DoubleFilter::kWindow;
  EXPECT_TRUE(passes(a_, R"("Connected")"));
  EXPECT_TRUE(passes(b_, R"("Closed")")) << "forgotten: better twice than never";
}

TEST_F(DoubleFilterTest, WhatIsForgottenIsForgottenOfAllRecorders) {
  EXPECT_TRUE(passes(a_, R"("Closed")"));
  received_ += DoubleFilter::kWindow;
  EXPECT_FALSE(passes(b_, R"("Closed")"));
  received_ += DoubleFilter::kWindow;
  EXPECT_TRUE(passes(a_, R"("Closed")")) << "its second";
}

}  // namespace
}  // namespace smtptape
