#include "format/wire/feed_file.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace smtptape {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Gives at most `step` bytes at a time.
class Drip : public ByteSource {
 public:
  Drip(std::string_view bytes, std::size_t step) : bytes_(bytes), step_(step) {}
  std::size_t read(char* to, std::size_t size) override {
    return bytes_.read(to, std::min(size, step_));
  }

 private:
  StringSource bytes_;
  std::size_t step_;
};

struct Contents {
  std::vector<std::string> frames;
  std::vector<std::uint64_t> sequences;
  std::vector<std::int64_t> received;
  std::vector<std::uint64_t> gaps;        // sizes
  std::vector<std::uint64_t> gaps_after;  // sequences
};

Contents contents_of(std::string_view text, std::size_t step, std::uint64_t max_frame) {
  FeedFileSource file(std::make_unique<Drip>(text, step), "test", FeedFormat::Jsonl, max_frame);
  Contents all;
  EventBatch batch;
  while (file.next(batch)) {
    for (const Event& event : batch.events) {
      append_frame(all.frames.emplace_back(), event);
      all.sequences.push_back(event.sequence);
      all.received.push_back(event.received);
    }
    for (const Gap& gap : batch.gaps) {
      EXPECT_EQ(gap.cause, GapCause::Oversize);
      all.gaps.push_back(gap.frame_bytes);
      all.gaps_after.push_back(gap.after_sequence);
    }
  }
  EXPECT_FALSE(file.next(batch));
  return all;
}

Contents contents_of(std::string_view text) {
  return contents_of(text, 1 << 20, kDefaultMaxFrame);
}

std::string frame_at(std::string_view when) {
  return R"({"conn_meta":{"id":"a"},"payload":"Connected","when":")" + std::string(when) + "\"}";
}

TEST(FeedFileSource, GivesEachLineAsAFrameEmptyOnesToo) {
  EXPECT_THAT(contents_of("").frames, IsEmpty());
  EXPECT_THAT(contents_of("\n").frames, ElementsAre(""));
  EXPECT_THAT(contents_of("{}\n\n\r\nlast").frames, ElementsAre("{}", "", "\r", "last"));
  EXPECT_THAT(contents_of("{}\n\xff\n").frames, ElementsAre("{}", "\xff"));
}

TEST(FeedFileSource, CountsFrames) {
  EXPECT_THAT(contents_of("a\nb\nc").sequences, ElementsAre(1, 2, 3));
}

TEST(FeedFileSource, ReadsARecordingInPiecesOfAnySize) {
  const auto path = testing::golden_path("feeds/basic/raw.jsonl");
  const std::string text = testing::read_file(path).substr(0, 10'000);
  const std::vector<std::string> whole = contents_of(text).frames;
  ASSERT_GT(whole.size(), 3U);
  for (const std::size_t step : {1U, 7U, 1000U, 4096U, 9'999U})
    EXPECT_EQ(contents_of(text, step, kDefaultMaxFrame).frames, whole) << step;
}

TEST(FeedFileSource, ReadsALineThatIsLongerThanABatch) {
  const std::string line(3'000'000, 'x');
  EXPECT_THAT(contents_of("a\n" + line + "\nb\n").frames, ElementsAre("a", line, "b"));
}

TEST(FeedFileSource, HoldsALongLineFromAPipeAboutTwice) {
  const std::string text = std::string(20'000'000, 'x') + "\n";
  FeedFileSource file(std::make_unique<Drip>(text, 4096), "test", FeedFormat::Jsonl);
  EventBatch batch;
  ASSERT_TRUE(file.next(batch));
  ASSERT_EQ(batch.events.size(), 1U);
  EXPECT_LT(batch.arena.used(), 5 * text.size());
}

TEST(FeedFileSource, SkipsALineOverTheLimitAndSaysSo) {
  for (const std::size_t step : {1U, 3U, 5U, 100U}) {
    const Contents all = contents_of("ab\nabcd\nabc\nabcdefgh\nab\nabcde", step, 3);
    EXPECT_THAT(all.frames, ElementsAre("ab", "abc", "ab")) << step;
    EXPECT_THAT(all.gaps, ElementsAre(4, 8, 5)) << step;
    EXPECT_THAT(all.gaps_after, ElementsAre(1, 3, 5)) << step;
  }
}

TEST(FeedFileSource, TakesTheLargestTimeSoFarAsTimeOfReception) {
  const std::string text = "garbage\n" + frame_at("1970-01-01T00:00:02Z") + "\n" +
                           frame_at("1970-01-01T00:00:01Z") + "\nmore garbage\n" +
                           frame_at("1970-01-01T00:00:03.000000001Z") + "\n" +
                           frame_at("9999-01-01T00:00:00Z") + "\n";
  EXPECT_THAT(contents_of(text).received,
              ElementsAre(2'000'000'000,
                          2'000'000'000,
                          2'000'000'000,
                          2'000'000'000,
                          3'000'000'001,
                          3'000'000'001));
}

TEST(FeedFileSource, PutsNothingInto1970ForALineThatCannotBeRead) {
  std::string text(300'000, 'x');  // more than a batch
  text += "\n" + std::string(20, 'y') + "\n" + frame_at("2026-08-04T21:00:00Z") + "\n";
  constexpr std::int64_t kFirst = 1'785'877'200'000'000'000;
  EXPECT_THAT(contents_of(text).received, Each(kFirst));
  // A line over the limit leaves a gap of the same time.
  FeedFileSource file(std::make_unique<Drip>(text, 4096), "test", FeedFormat::Jsonl, 1000);
  EventBatch batch;
  ASSERT_TRUE(file.next(batch));
  ASSERT_EQ(batch.gaps.size(), 1U);
  EXPECT_EQ(batch.gaps.front().from, kFirst);
}

TEST(FeedFileSource, LeavesOutAByteOrderMarkAndTellsIt) {
  const std::string text = frame_at("2026-08-04T21:00:00Z");
  const std::string marked = "\xEF\xBB\xBF" + text;
  for (const std::size_t step : {1U, 2U, 3U, 100U}) {
    FeedFileSource file(std::make_unique<Drip>(marked, step), "test", FeedFormat::Jsonl);
    EventBatch batch;
    ASSERT_TRUE(file.next(batch));
    std::string frame;
    append_frame(frame, batch.events.front());
    EXPECT_EQ(frame, text);
    EXPECT_TRUE(file.was_marked());
  }
}

}  // namespace
}  // namespace smtptape
