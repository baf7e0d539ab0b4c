#include "format/tape/payload_order.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "format/tape/tape_reader.h"
#include "tests/format/made_tape.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using Lengths = std::vector<std::int64_t>;
using Roots = std::vector<std::uint32_t>;

TEST(PayloadOrder, ASessionsTextsStandTogetherInTheOrderOfItsEvents) {
  //                                            a  b  a  -  b  a
  EXPECT_THAT(places_by_session(Lengths{3, 5, 7, 2, 1, 4}, Roots{8, 2, 8, 0, 2, 8}, 22),
              ElementsAre(0, 14, 3, 20, 19, 10));
}

TEST(PayloadOrder, OneSessionStandsAsItsEventsDo) {
  EXPECT_THAT(places_by_session(Lengths{3, 0, 7}, Roots{1, 1, 1}, 10), ElementsAre(0, 3, 3));
  EXPECT_THAT(places_by_session(Lengths{}, Roots{}, 0), ElementsAre());
}

TEST(PayloadOrder, LengthsThatAreTooMuchAreRefused) {
  EXPECT_THROW(static_cast<void>(places_by_session(Lengths{3, 5}, Roots{1, 2}, 7)), Error);
  EXPECT_THROW(static_cast<void>(places_by_session(Lengths{-1, 5}, Roots{1, 2}, 7)), Error);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(static_cast<void>(places_by_session(Lengths{kMost, kMost, 2}, Roots{1, 2, 3}, 8)),
               Error);
}

std::string frame(int session, int n, const std::string& text) {
  return R"({"conn_meta":{"id":"s-)" + std::to_string(session) + R"(","n":)" +
         std::to_string(n / 7) + R"(},"payload":{"Write":")" + text +
         R"("},"when":"2026-08-04T21:00:00.)" + std::to_string(100 + n) + R"(Z"})";
}

// Sessions that are mixed, whose metadata changes on the way, over several batches and groups.
TEST(PayloadOrder, EveryTextComesBackToItsEvent) {
  std::vector<std::string> frames;
  for (int n = 0; n < 400; ++n)
    frames.push_back(frame(
        n * n % 11, n, std::string(static_cast<std::size_t>(n % 13), 'x') + std::to_string(n)));
  frames.insert(frames.begin() + 200, "no event");
  const Made made = make_tape(frames, Layout::TwoFrames, sizes(4 * kKi, 16 * kKi));
  StringSource source(made.bytes);
  TapeReader reader(source, "x.tape");
  std::vector<std::string> got;
  for (EventBatch batch; reader.next(batch);) {
    for (const Event& event : batch.events)
      append_frame(got.emplace_back(), event);
  }
  EXPECT_EQ(got, frames);
  EXPECT_EQ(reader.header().value().flags.incompatible, kPayloadOrderFlag);
}

// Else its first event would wait for a batch of all of it.
TEST(PayloadOrder, TheFirstBatchesOfAGroupAreSmall) {
  std::vector<std::string> frames;
  for (int n = 0; n < 2000; ++n)
    frames.push_back(frame(n % 7, n, std::string(1000, 'x')));
  const Made made = make_tape(frames, Layout::TwoFrames, file_options({}));
  StringSource source(made.bytes);
  TapeReader reader(source, "x.tape");
  std::vector<std::size_t> bytes;
  for (EventBatch batch; reader.next(batch);) {
    if (batch.events.empty()) continue;
    bytes.push_back(0);
    for (const Event& event : batch.events)
      bytes.back() += frame_size(event);
  }
  ASSERT_GE(bytes.size(), 3U);
  EXPECT_LT(bytes[0], kDefaultBatchBytes + 2000);
  EXPECT_LT(bytes[1], 2 * kDefaultBatchBytes + 2000);
  EXPECT_GT(bytes[1], kDefaultBatchBytes + 2000);
}

}  // namespace
}  // namespace smtptape
