#include "capture/record/event_queue.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/capture/record/numbered_frames.h"

namespace smtptape {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using When = EventQueue::When;

WsMessage text(std::string_view payload) {
  WsMessage message;
  message.payload = payload;
  message.size = payload.size();
  return message;
}

void push(EventQueue& queue, const std::vector<WsMessage>& messages, std::int64_t received) {
  queue.push(0, messages, arriving(at(received)));
}

std::vector<std::string> payloads(const FrameChunk& chunk) {
  std::vector<std::string> out;
  for (const QueuedFrame& frame : chunk.frames)
    out.emplace_back(frame.payload);
  return out;
}

std::vector<FrameChunk> chunks_of(EventQueue::Turn& turn) {
  std::vector<FrameChunk> chunks;
  for (EventQueue::Item& item : turn.items) {
    if (auto* const chunk = std::get_if<FrameChunk>(&item)) chunks.push_back(std::move(*chunk));
  }
  return chunks;
}

// What a worker would have in hand, and is done with it; something must be there.
std::vector<FrameChunk> take(EventQueue& queue) {
  std::optional<EventQueue::Turn> turn = queue.take();
  if (!turn) {
    ADD_FAILURE() << "the queue has ended";
    return {};
  }
  std::vector<FrameChunk> chunks = chunks_of(*turn);
  queue.done(*turn, std::nullopt);
  return chunks;
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
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_THAT(payloads(chunks[0]), ElementsAre("a", "bb"));
  EXPECT_EQ(chunks[0].received.real, 7);
  EXPECT_THAT(payloads(chunks[1]), ElementsAre(""));
  EXPECT_EQ(queue.take(), std::nullopt);
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(EventQueue, LeavesControlFramesOut) {
  EventQueue queue;
  WsMessage ping = text("ping");
  ping.opcode = Opcode::Ping;
  WsMessage binary = text("\x01");
  binary.opcode = Opcode::Binary;
  push(queue, {ping}, 1);
  push(queue, {ping, binary}, 2);
  EXPECT_EQ(queue.figures(0).received, 1U) << "nor are they counted";
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(1));
  ASSERT_THAT(chunks[0].frames, SizeIs(1));
  EXPECT_EQ(chunks[0].frames[0].opcode, Opcode::Binary);
}

TEST(EventQueue, PassesOversizeFramesOnAsMarkers) {
  EventQueue queue;
  WsMessage huge;
  huge.oversize = true;
  huge.size = std::uint64_t{1} << 62U;
  push(queue, {text("a"), huge}, 1);
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(1));
  ASSERT_THAT(chunks[0].frames, SizeIs(2));
  EXPECT_TRUE(chunks[0].frames[1].oversize);
  EXPECT_EQ(chunks[0].frames[1].size, huge.size);
  EXPECT_THAT(chunks[0].frames[1].payload, IsEmpty());
}

TEST(EventQueue, GivesASourceAgainWhenItsTimeHasCome) {
  EventQueue queue;
  push(queue, {text("a")}, 1);
  const std::optional<EventQueue::Turn> first = queue.take();
  queue.done(first.value(), this_moment().steady);
  const std::optional<EventQueue::Turn> second = queue.take();
  ASSERT_TRUE(second.has_value());
  EXPECT_THAT(second->items, IsEmpty());
}

std::int64_t beat() {
  return this_moment().steady / EventQueue::kBeat;
}

TEST(EventQueue, GivesASourceThatIsBusyAtTheBeat) {
  EventQueue queue;
  push(queue, {text("a")}, 1);
  EXPECT_THAT(take(queue), SizeIs(1)) << "it was quiet";
  const std::int64_t before = beat();
  push(queue, {text("b")}, 2);
  push(queue, {text("c")}, 3);
  EXPECT_THAT(take(queue), SizeIs(2));
  EXPECT_GT(beat(), before);
}

TEST(EventQueue, WaitsForNoBeatWhenMuchIsQueuedOrNothingMoreComes) {
  constexpr int kTimes = 40;
  const std::string much(EventQueue::kEnough, 'x');
  const std::int64_t before = beat();
  for (int i = 0; i < kTimes; ++i) {
    EventQueue queue;
    push(queue, {text("a")}, 1);
    EXPECT_THAT(take(queue), SizeIs(1));
    push(queue, {text(much)}, 2);
    EXPECT_THAT(take(queue), SizeIs(1));
    push(queue, {text("b")}, 3);
    queue.end();
    EXPECT_THAT(take(queue), SizeIs(1));
  }
  EXPECT_LT(beat(), before + kTimes);
}

// One of the workers watches the time; when it has a source in hand, another one does.
TEST(EventQueue, HoldsUpNoBeatWhileAWorkerIsBusy) {
  constexpr int kTimes = 10;
  for (int i = 0; i < kTimes; ++i) {
    EventQueue queue(kDefaultQueueBytes, 2);
    const auto push_to = [&queue](std::size_t source) {
      queue.push(source, std::vector<WsMessage>{text("x")}, arriving(at(1)));
    };
    for (const std::size_t source : {0U, 1U}) {
      push_to(source);
      queue.done(queue.take().value(), std::nullopt);
      push_to(source);  // given at the beat
    }
    std::future<std::size_t> other =
        std::async(std::launch::async, [&queue] { return queue.take().value().source; });
    const std::size_t mine = queue.take().value().source;
    ASSERT_EQ(other.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    EXPECT_EQ(other.get() + mine, 1U);
  }
}

TEST(EventQueue, DropsTheNewestWhenFullAndLeavesOneGapThere) {
  EventQueue queue(10'000);
  const std::string large(4'000, 'x');
  push(queue, {text(large)}, 1);
  push(queue, {text(large)}, 2);
  std::optional<EventQueue::Turn> turn = queue.take();
  push(queue, {text(large), text("a")}, 3);
  push(queue, {text(large)}, 4);
  EXPECT_LE(queue.bytes_held(), 10'000U) << "what is in hand counts";
  EXPECT_THAT(turn.value().items, SizeIs(2));
  queue.done(*turn, std::nullopt);
  push(queue, {text("after")}, 9);
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_THAT(payloads(chunks[0]), ElementsAre("after"));
  ASSERT_THAT(chunks[0].gaps, SizeIs(1));
  EXPECT_EQ(chunks[0].gaps[0].cause, GapCause::QueueFull);
  EXPECT_EQ(chunks[0].gaps[0].count, 3U);
  EXPECT_EQ(chunks[0].gaps[0].from, 3);
  EXPECT_EQ(chunks[0].gaps[0].until, 4);
}

TEST(EventQueue, TellsOfWhatTheServerDroppedThoughItsNoticeIsDropped) {
  EventQueue queue(1'000);
  const std::string large(2'000, 'x');
  const auto notice = [](const char* missed) {
    return R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":"Tracer Lagged )"
           "behind and missed " +
           std::string(missed) + R"( events"}},"when":"2026-08-04T13:54:50.123Z"})";
  };
  const std::string first = notice("4711");
  const std::string second = notice("30");
  push(queue, {text(first), text(large)}, 1);
  push(queue, {text(large), text(second)}, 2);
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(1));
  ASSERT_THAT(chunks[0].gaps, SizeIs(2));
  EXPECT_EQ(chunks[0].gaps[0].cause, GapCause::QueueFull);
  EXPECT_EQ(chunks[0].gaps[0].count, 4U) << "the notices are two of them";
  EXPECT_EQ(chunks[0].gaps[1].cause, GapCause::Lag);
  EXPECT_EQ(chunks[0].gaps[1].count, 4741U);
}

// Whoever asks hears of it while it goes on, and one is told of its beginning and of its end.
TEST(EventQueue, CountsDropsWhileTheyHappen) {
  EventQueue queue(10'000);
  std::vector<std::string> told;
  queue.set_hooks({[&](std::size_t) { told.emplace_back("first"); },
                   [&](std::size_t, const EventQueue::Dropped& dropped) {
                     told.push_back(std::to_string(dropped.frames));
                   }});
  const std::string large(4'000, 'x');
  push(queue, {text(large)}, 1);
  push(queue, {text(large)}, 2);
  EXPECT_FALSE(queue.figures(0).dropping);
  push(queue, {text(large)}, 3);
  push(queue, {text(large), text("a")}, 4);
  QueueFigures figures = queue.figures(0);
  EXPECT_TRUE(figures.dropping);
  EXPECT_EQ(figures.received, 5U);
  EXPECT_EQ(figures.dropped, 3U);
  EXPECT_EQ(figures.drops, 1U);
  EXPECT_EQ(figures.waiting, 2U);
  EXPECT_EQ(figures.waits_since, at(1).steady);
  EXPECT_THAT(told, ElementsAre("first"));
  take(queue);
  const std::vector<FrameChunk> chunks = take(queue);
  EXPECT_THAT(chunks, SizeIs(1)) << "the gap comes though nothing else does";
  figures = queue.figures(0);
  EXPECT_FALSE(figures.dropping);
  EXPECT_EQ(figures.dropped, 3U);
  EXPECT_EQ(figures.waiting, 0U);
  EXPECT_EQ(figures.waits_since, std::nullopt);
  EXPECT_EQ(figures.stalled_since, std::nullopt);
  EXPECT_THAT(told, ElementsAre("first", "3"));
}

TEST(EventQueue, TellsSinceWhenNothingWasDoneThoughSomethingWaits) {
  EventQueue queue;
  EXPECT_EQ(queue.figures(0).stalled_since, std::nullopt);
  const Now before = this_moment();
  const std::int64_t first = before.steady - 100 * kSecond;
  const auto push_at = [&](std::int64_t steady) {
    queue.push(0, std::vector<WsMessage>{text("a")}, Arrival{steady, kStart});
  };
  push_at(first);
  EXPECT_EQ(queue.figures(0).stalled_since, first) << "no worker comes";
  const std::optional<EventQueue::Turn> turn = queue.take();
  EXPECT_GE(queue.figures(0).stalled_since.value(), before.steady) << "one holds it";
  EXPECT_EQ(queue.figures(0).waits_since, first);
  push_at(first + 1);
  queue.done(turn.value(), std::nullopt);
  EXPECT_GE(queue.figures(0).stalled_since.value(), before.steady) << "it is not the oldest's age";
  EXPECT_EQ(queue.figures(0).waits_since, first + 1);
}

TEST(EventQueue, TellsAtOnceOfWhatIsLargerThanAllTheRoom) {
  EventQueue queue(1'000);
  std::thread pusher([&queue] { push(queue, {text(std::string(2'000, 'x'))}, 1); });
  const std::vector<FrameChunk> chunks = take(queue);
  pusher.join();
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_THAT(chunks[0].gaps, SizeIs(1));
}

TEST(EventQueue, DropsOnUntilItIsHalfEmpty) {
  EventQueue queue(8 * kMiB);
  const std::string large(kMiB, 'x');
  for (int i = 0; i < 8; ++i)
    push(queue, {text(large)}, i);
  ASSERT_TRUE(queue.figures(0).dropping);
  const std::uint64_t dropped = queue.figures(0).dropped;
  take(queue);
  push(queue, {text("small")}, 10);
  EXPECT_EQ(queue.figures(0).dropped, dropped + 1) << "there would be room for it";
  for (int i = 0; i < 3; ++i)
    take(queue);
  push(queue, {text("small")}, 11);
  EXPECT_EQ(queue.figures(0).dropped, dropped + 1);
  EXPECT_FALSE(queue.figures(0).dropping);
}

TEST(EventQueue, TellsWhatWasDroppedLastBeforeItsEnd) {
  EventQueue queue(100);
  push(queue, {text(std::string(200, 'x'))}, 5);
  queue.end();
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(1));
  ASSERT_THAT(chunks[0].gaps, SizeIs(1));
  EXPECT_EQ(chunks[0].gaps[0].count, 1U);
  EXPECT_EQ(queue.take(), std::nullopt);
}

// Whoever saw the end goes on with the recorders: no other worker may get one then.
TEST(EventQueue, GivesNothingAfterItsEnd) {
  EventQueue queue;
  queue.end();
  EXPECT_EQ(queue.take(), std::nullopt);
  queue.post(0, [] {});
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(EventQueue, KeepsTheOrderOfFramesDropsAndGaps) {
  EventQueue queue(6'000);
  const std::string large(4'000, 'x');
  push(queue, {text(large)}, 1);
  push(queue, {text(large)}, 2);
  Gap gap;
  gap.cause = GapCause::Disconnected;
  queue.push(0, gap, arriving(at(3)));
  const std::vector<FrameChunk> chunks = take(queue);
  ASSERT_THAT(chunks, SizeIs(2));
  ASSERT_THAT(chunks[1].gaps, SizeIs(2));
  EXPECT_EQ(chunks[1].gaps[0].cause, GapCause::QueueFull);
  EXPECT_EQ(chunks[1].gaps[1].cause, GapCause::Disconnected);
}

TEST(EventQueue, LeavesHalfOfTheCommonRoomToOthersThatHaveSome) {
  EventQueue queue(20 * kMiB, 2);
  const std::string large(kMiB, 'x');
  const std::vector<WsMessage> message{text(large)};
  for (int i = 0; i < 3; ++i)
    queue.push(1, message, arriving(at(1)));
  for (int i = 0; i < 20; ++i)
    queue.push(0, message, arriving(at(2)));
  EXPECT_LE(queue.figures(0).bytes_held, 10 * kMiB) << "half of 18, and what is its own";
  for (int i = 0; i < 5; ++i)
    queue.push(1, message, arriving(at(3)));
  EXPECT_EQ(queue.figures(1).dropped, 0U) << "there is room for it";
}

TEST(EventQueue, GuaranteesAPartToEachSource) {
  EventQueue queue(10 * kMiB, 4);
  const std::string large(kMiB, 'x');
  for (int i = 0; i < 12; ++i)
    queue.push(0, std::vector<WsMessage>{text(large)}, arriving(at(1)));
  EXPECT_GT(queue.figures(0).dropped, 0U);
  const std::string half(kMiB / 2, 'x');
  for (std::size_t source = 1; source < 4; ++source) {
    queue.push(source, std::vector<WsMessage>{text(half)}, arriving(at(2)));
    EXPECT_EQ(queue.figures(source).dropped, 0U) << source;
  }
  EXPECT_LE(queue.bytes_held(), 10 * kMiB);
}

TEST(EventQueue, ASourceAloneMayFillAllOfIt) {
  EventQueue queue(20'000, 2);
  const std::string large(2'000, 'x');
  for (int i = 0; i < 8; ++i)
    queue.push(0, std::vector<WsMessage>{text(large)}, arriving(at(2)));
  EXPECT_GT(queue.figures(0).bytes_held, 14'000U) << "but for what is the other's own";
}

TEST(EventQueue, CountsWhatIsBeingPutTogether) {
  EventQueue queue(10'000);
  EXPECT_TRUE(queue.reserve(0, 8'000));
  EXPECT_FALSE(queue.reserve(0, 3'000));
  push(queue, {text(std::string(4'000, 'x'))}, 1);
  EXPECT_EQ(queue.figures(0).dropped, 1U);
  queue.release(0, 8'000);
  EXPECT_EQ(queue.bytes_held(), 0U);
  push(queue, {text(std::string(4'000, 'x'))}, 1);
  EXPECT_EQ(queue.figures(0).dropped, 1U);
}

TEST(EventQueue, ASourceIsInOneHandAtATime) {
  EventQueue queue(kDefaultQueueBytes, 2);
  push(queue, {text("a")}, 1);
  const std::optional<EventQueue::Turn> first = queue.take();
  push(queue, {text("b")}, 2);
  queue.push(1, std::vector<WsMessage>{text("other")}, arriving(at(3)));
  const std::optional<EventQueue::Turn> second = queue.take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->source, 0U);
  EXPECT_EQ(second->source, 1U) << "the first is in hand, and does not hold up the other";
  queue.done(*first, std::nullopt);
  std::optional<EventQueue::Turn> third = queue.take();
  ASSERT_TRUE(third.has_value());
  EXPECT_THAT(payloads(chunks_of(*third).at(0)), ElementsAre("b"));
}

TEST(EventQueue, TasksComeSoonOrInTurnAndKeepTheirOrder) {
  EventQueue queue;
  std::vector<std::string> done;
  const auto note = [&done](const char* what) {
    return [&done, what] { done.emplace_back(what); };
  };
  push(queue, {text("a")}, 1);
  queue.post(0, note("in turn"), When::InTurn);
  push(queue, {text("b")}, 2);
  queue.post(0, note("soon 1"));
  queue.post(0, note("soon 2"));
  std::optional<EventQueue::Turn> turn = queue.take();
  for (EventQueue::Item& item : turn.value().items) {
    if (const auto* const task = std::get_if<QueuedTask>(&item)) {
      (*task)();
    } else {
      done.push_back(payloads(std::get<FrameChunk>(item)).at(0));
    }
  }
  EXPECT_THAT(done, ElementsAre("soon 1", "soon 2", "a", "in turn", "b"));
}

// Whatever the threads do, each frame comes out in order or is counted in a gap at its place.
TEST(EventQueue, LosesNothingUncountedBetweenThreads) {
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
      queue.push(0, messages, arriving(at(1)));
    }
    queue.end();
  });
  std::uint64_t expected = 0;  // by the source's turn
  const auto work = [&] {
    while (std::optional<EventQueue::Turn> turn = queue.take()) {
      for (const FrameChunk& chunk : chunks_of(*turn)) {
        for (const Gap& gap : chunk.gaps)
          expected += gap.count.value_or(0);
        for (const QueuedFrame& frame : chunk.frames)
          EXPECT_EQ(frame.payload, std::to_string(expected++));
      }
      queue.done(*turn, std::nullopt);
    }
  };
  std::thread second(work);
  work();
  second.join();
  writer.join();
  EXPECT_EQ(expected, kFrames);
  EXPECT_EQ(queue.bytes_held(), 0U);
}

}  // namespace
}  // namespace smtptape
