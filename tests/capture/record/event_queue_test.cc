#include "capture/record/event_queue.h"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/record/numbered_frames.h"

namespace smtptape {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Taken = EventQueue::Taken;

WsMessage text(std::string_view payload) {
  WsMessage message;
  message.payload = payload;
  message.size = payload.size();
  return message;
}

void push(EventQueue& queue, const std::vector<WsMessage>& messages, std::int64_t received) {
  queue.push(0, messages, at(received));
}

std::vector<std::string> payloads(const FrameChunk& chunk) {
  std::vector<std::string> out;
  for (const QueuedFrame& frame : chunk.frames)
    out.emplace_back(frame.payload);
  return out;
}

TEST(EventQueue, GivesChunksInTheOrderTheyCame) {
  EventQueue queue;
  {
    std::string gone = "a";
    push(queue, {text(gone), text("bb")}, 7);
    gone = "x";
  }
  push(queue, {text("")}, 8);
  queue.end();
  FrameChunk chunk;
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  EXPECT_THAT(payloads(chunk), ElementsAre("a", "bb"));
  EXPECT_EQ(chunk.received.real, 7);
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  EXPECT_THAT(payloads(chunk), ElementsAre(""));
  EXPECT_EQ(queue.take(chunk, std::nullopt), Taken::End);
  EXPECT_EQ(queue.take(chunk, std::nullopt), Taken::End);
}

TEST(EventQueue, LeavesControlFramesOut) {
  EventQueue queue;
  WsMessage ping = text("ping");
  ping.opcode = Opcode::Ping;
  WsMessage binary = text("\x01");
  binary.opcode = Opcode::Binary;
  push(queue, {ping}, 1);
  push(queue, {ping, binary}, 2);
  FrameChunk chunk;
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  ASSERT_THAT(chunk.frames, SizeIs(1));
  EXPECT_EQ(chunk.frames[0].opcode, Opcode::Binary);
}

TEST(EventQueue, PassesOversizeFramesOnAsMarkers) {
  EventQueue queue;
  WsMessage huge;
  huge.oversize = true;
  huge.size = std::uint64_t{1} << 62U;
  push(queue, {text("a"), huge}, 1);
  FrameChunk chunk;
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  ASSERT_THAT(chunk.frames, SizeIs(2));
  EXPECT_TRUE(chunk.frames[1].oversize);
  EXPECT_EQ(chunk.frames[1].size, huge.size);
  EXPECT_THAT(chunk.frames[1].payload, IsEmpty());
}

TEST(EventQueue, WaitsNoLongerThanToTheDeadline) {
  EventQueue queue;
  FrameChunk chunk;
  EXPECT_EQ(queue.take(chunk, std::chrono::steady_clock::now()), Taken::Nothing);
}

TEST(EventQueue, DropsTheNewestWhenFullAndLeavesOneGapThere) {
  EventQueue queue(10'000);
  const std::string large(4'000, 'x');
  push(queue, {text(large)}, 1);
  push(queue, {text(large)}, 2);
  push(queue, {text(large), text("a")}, 3);
  push(queue, {text(large)}, 4);
  EXPECT_LE(queue.bytes_held(), 10'000U);
  FrameChunk chunk;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
    EXPECT_THAT(chunk.gaps, IsEmpty());
  }
  push(queue, {text("after")}, 9);
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  EXPECT_THAT(payloads(chunk), ElementsAre("after"));
  ASSERT_THAT(chunk.gaps, SizeIs(1));
  EXPECT_EQ(chunk.gaps[0].cause, GapCause::QueueFull);
  EXPECT_EQ(chunk.gaps[0].count, 3U);
  EXPECT_EQ(chunk.gaps[0].from, 3);
  EXPECT_EQ(chunk.gaps[0].until, 4);
}

TEST(EventQueue, TellsOfADropWhenItHasRunEmptyThoughNothingComes) {
  EventQueue queue(10'000, 2);
  const std::string large(4'000, 'x');
  const auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i)
    push(queue, {text(large)}, i);
  FrameChunk chunk;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(queue.take(chunk, now), Taken::Chunk);
    EXPECT_THAT(chunk.gaps, IsEmpty());
  }
  ASSERT_EQ(queue.take(chunk, now), Taken::Chunk);
  EXPECT_THAT(chunk.frames, IsEmpty());
  ASSERT_THAT(chunk.gaps, SizeIs(1));
  EXPECT_EQ(chunk.gaps[0].count, 2U);
  EXPECT_EQ(queue.take(chunk, now), Taken::Nothing);
  push(queue, {text("a")}, 9);
  ASSERT_EQ(queue.take(chunk, now), Taken::Chunk);
  EXPECT_THAT(chunk.gaps, IsEmpty()) << "once";
}

TEST(EventQueue, TellsAtOnceOfWhatIsLargerThanAllTheRoom) {
  EventQueue queue(1'000);
  std::thread pusher([&queue] { push(queue, {text(std::string(2'000, 'x'))}, 1); });
  FrameChunk chunk;
  EXPECT_EQ(queue.take(chunk, std::chrono::steady_clock::now() + std::chrono::seconds(10)),
            Taken::Chunk);
  EXPECT_THAT(chunk.gaps, SizeIs(1));
  pusher.join();
}

TEST(EventQueue, DropsOnUntilItIsHalfEmpty) {
  EventQueue queue(10'000);
  const std::string large(3'000, 'x');
  for (int i = 0; i < 4; ++i)
    push(queue, {text(large)}, i);
  FrameChunk chunk;
  for (int taken = 0; taken < 2; ++taken) {  // the one in hand counts
    ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
    push(queue, {text("small")}, 4);
  }
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  push(queue, {text("small")}, 5);
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  EXPECT_THAT(payloads(chunk), ElementsAre("small"));
  ASSERT_THAT(chunk.gaps, SizeIs(1));
  EXPECT_EQ(chunk.gaps[0].count, 3U);
}

TEST(EventQueue, CountsTheChunkInHand) {
  EventQueue queue(6'000);
  const std::string large(4'000, 'x');
  push(queue, {text(large)}, 1);
  FrameChunk chunk;
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  push(queue, {text(large)}, 2);
  queue.end();
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  EXPECT_THAT(chunk.frames, IsEmpty());
  EXPECT_THAT(chunk.gaps, SizeIs(1));
}

TEST(EventQueue, TellsWhatWasDroppedLastBeforeItsEnd) {
  EventQueue queue(100);
  push(queue, {text(std::string(200, 'x'))}, 5);
  queue.end();
  FrameChunk chunk;
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  ASSERT_THAT(chunk.gaps, SizeIs(1));
  EXPECT_EQ(chunk.gaps[0].count, 1U);
  EXPECT_EQ(queue.take(chunk, std::nullopt), Taken::End);
}

TEST(EventQueue, KeepsTheOrderOfFramesDropsAndGaps) {
  EventQueue queue(6'000);
  const std::string large(4'000, 'x');
  push(queue, {text(large)}, 1);
  push(queue, {text(large)}, 2);
  Gap gap;
  gap.cause = GapCause::Disconnected;
  queue.push(0, gap, at(3));
  FrameChunk chunk;
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  ASSERT_EQ(queue.take(chunk, std::nullopt), Taken::Chunk);
  ASSERT_THAT(chunk.gaps, SizeIs(2));
  EXPECT_EQ(chunk.gaps[0].cause, GapCause::QueueFull);
  EXPECT_EQ(chunk.gaps[1].cause, GapCause::Disconnected);
}

TEST(EventQueue, LeavesHalfOfTheRoomToOthersThatHaveSomething) {
  EventQueue queue(20'000, 2);
  const std::string large(4'000, 'x');
  const std::vector<WsMessage> message{text(large)};
  queue.push(1, message, at(1));
  for (int i = 0; i < 4; ++i)
    queue.push(0, message, at(2));
  EXPECT_LE(queue.bytes_held_of(0), 10'000U);
  queue.push(1, message, at(3));
  EXPECT_GT(queue.bytes_held_of(1), 8'000U) << "there is room for it";
  queue.end();
  FrameChunk chunk;
  std::uint64_t dropped = 0;
  std::array<std::size_t, 2> frames{};
  while (queue.take(chunk, std::nullopt) == Taken::Chunk) {
    frames.at(chunk.source) += chunk.frames.size();
    for (const Gap& gap : chunk.gaps) {
      EXPECT_EQ(chunk.source, 0U);
      dropped += gap.count.value_or(0);
    }
  }
  EXPECT_EQ(frames[1], 2U);
  EXPECT_EQ(frames[0] + dropped, 4U);
  EXPECT_EQ(queue.bytes_held(), 0U);
}

TEST(EventQueue, ASourceAloneMayFillAllOfIt) {
  EventQueue queue(20'000, 2);
  const std::string large(4'000, 'x');
  for (int i = 0; i < 4; ++i)
    queue.push(0, std::vector<WsMessage>{text(large)}, at(2));
  EXPECT_GT(queue.bytes_held_of(0), 16'000U);
}

TEST(EventQueue, WakesWhoeverWaits) {
  EventQueue queue;
  std::thread waker([&queue] { queue.wake(); });
  FrameChunk chunk;
  EXPECT_EQ(queue.take(chunk, std::nullopt), Taken::Nothing);
  waker.join();
}

// Whatever the threads do, each frame comes out in order or is counted in a gap at its place.
TEST(EventQueue, LosesNothingUncountedBetweenTwoThreads) {
  constexpr std::uint64_t kFrames = 100'000;
  EventQueue queue(20'000);
  std::thread writer([&queue] {
    for (std::uint64_t i = 0; i < kFrames;) {
      std::vector<std::string> numbers;
      for (int k = 0; k < 7 && i < kFrames; ++k)
        numbers.push_back(std::to_string(i++));
      std::vector<WsMessage> messages;
      for (const std::string& number : numbers)
        messages.push_back(text(number));
      queue.push(0, messages, at(1));
    }
    queue.end();
  });
  std::uint64_t expected = 0;
  FrameChunk chunk;
  while (queue.take(chunk, std::nullopt) == Taken::Chunk) {
    for (const Gap& gap : chunk.gaps)
      expected += gap.count.value_or(0);
    for (const QueuedFrame& frame : chunk.frames)
      EXPECT_EQ(frame.payload, std::to_string(expected++));
  }
  writer.join();
  EXPECT_EQ(expected, kFrames);
  EXPECT_EQ(queue.bytes_held(), 0U);
}

}  // namespace
}  // namespace smtptape
