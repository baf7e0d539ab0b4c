#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/capture/record/recorder_fixture.h"
#include "tests/capture/record/stored.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST_F(RecorderTest, MakesNoTapeWhileThereIsNothingToStore) {
  Recorder recorder(store_, sync_, options_, nullptr);
  recorder.begin(std::nullopt, arriving(at(kStart)));
  recorder.tick(at(kStart + 100 * kSecond));
  EXPECT_EQ(recorder.next_tick(), std::nullopt);
  recorder.finish(at(kStart + 200 * kSecond));
  EXPECT_THAT(tapes(), IsEmpty());
  EXPECT_EQ(recorder.totals().tapes, 0U);
}

TEST_F(RecorderTest, FlushesWhatIsOneSecondOld) {
  Recorder recorder(store_, sync_, options_, nullptr);
  record_one(recorder, kStart);
  record_one(recorder, kStart + kSecond / 2);
  ASSERT_EQ(recorder.next_tick(), at(kStart + kSecond).steady);
  recorder.tick(at(kStart + kSecond - 1));
  EXPECT_THAT(tapes().at(0).events, IsEmpty());
  recorder.tick(at(kStart + kSecond));
  EXPECT_THAT(tapes().at(0).events, SizeIs(2));
  EXPECT_EQ(tapes().at(0).end, TapeEnd::Unclosed);
  EXPECT_EQ(recorder.next_tick(), at(kStart + 3600 * kSecond).steady)
      << "only the end of the hour is due";
  record_one(recorder, kStart + 5 * kSecond);
  EXPECT_EQ(recorder.next_tick(), at(kStart + 6 * kSecond).steady);
}

TEST_F(RecorderTest, FlushesABatchThatIsFull) {
  options_.batch_bytes = 1000;
  Recorder recorder(store_, sync_, options_, nullptr);
  record_on_time(recorder, chunk_of({event_of_size(600), event_of_size(600)}, kStart));
  EXPECT_THAT(tapes().at(0).events, SizeIs(2));
  EXPECT_EQ(recorder.next_tick(), at(kStart + 3600 * kSecond).steady);
}

// The machine's clock is set back by an hour, then forward by two.
TEST_F(RecorderTest, WaitsByTheSteadyClockAndRecordsTheRealTime) {
  constexpr std::int64_t kHour = 3600 * kSecond;
  const auto moment = [](std::int64_t passed, std::int64_t clock_set_by) {
    return Now{passed, kStart + passed + clock_set_by};
  };
  const auto event_at = [](Now received) {
    FrameChunk chunk = chunk_of({event_of_size(200)}, 0);
    chunk.received = arriving(received);
    return chunk;
  };
  options_.rotate_interval = 60 * kSecond;
  Recorder recorder(store_, sync_, options_, nullptr);
  record_on_time(recorder, event_at(moment(0, 0)));
  record_on_time(recorder, event_at(moment(kSecond / 2, -kHour)));
  EXPECT_EQ(recorder.next_tick(), kSecond) << "the flush of what came first";
  recorder.tick(moment(kSecond, -kHour));
  EXPECT_THAT(tapes().at(0).events, SizeIs(2));
  record_on_time(recorder, event_at(moment(59 * kSecond, kHour)));
  EXPECT_THAT(tapes(), SizeIs(1)) << "no minute has passed";
  record_on_time(recorder, event_at(moment(60 * kSecond, kHour)));
  recorder.finish(moment(61 * kSecond, kHour));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(2));
  EXPECT_EQ(stored[0].events.at(0).received, kStart);
  EXPECT_EQ(stored[0].events.at(1).received, kStart + kSecond / 2 - kHour);
  EXPECT_EQ(stored[0].events.at(2).received, kStart + 59 * kSecond + kHour);
  EXPECT_EQ(stored[1].events.at(0).received, kStart + 60 * kSecond + kHour);
}

TEST_F(RecorderTest, EndsAGroupThatIsOld) {
  Recorder recorder(store_, sync_, options_, nullptr);
  for (int i = 0; i < 700; ++i) {
    const std::int64_t now = kStart + i * kSecond;
    record_one(recorder, now);
    recorder.tick(at(now + kSecond));
  }
  recorder.finish(at(kStart + 701 * kSecond));
  EXPECT_THAT(tapes().at(0).footer.value().groups, SizeIs(3));
}

TEST_F(RecorderTest, BeginsANewTapeWhenTheOldOneIsLarge) {
  options_.rotate_size = 20'000;
  options_.batch_bytes = 1000;
  Recorder recorder(store_, sync_, options_, nullptr);
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(event_of_size(1000));
    record_on_time(recorder, chunk_of({sent.back()}, kStart + i));
  }
  recorder.finish(at(kStart + kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_GE(stored.size(), 2U);
  EXPECT_EQ(frames_of(stored), sent);
  EXPECT_EQ(recorder.totals().tapes, stored.size());
  Ledger sum;
  std::uint64_t sequence = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const StoredTape& tape = stored[i];
    EXPECT_EQ(tape.end, TapeEnd::Sealed);
    EXPECT_EQ(tape.header.origin.tape_number, i + 1);
    EXPECT_EQ(tape.header.origin.capture, stored[0].header.origin.capture);
    EXPECT_EQ(tape.header.first_sequence, sequence + 1);
    for (const StoredEvent& event : tape.events)
      EXPECT_EQ(event.sequence, ++sequence);
    EXPECT_TRUE(tape.footer.value().ledger.balances());
    sum += tape.footer.value().ledger;
    if (i == 0) continue;
    const GroupIndex& last = stored[i - 1].footer.value().groups.back();
    EXPECT_EQ(tape.header.predecessor.value().tape_id, stored[i - 1].header.tape_id);
    EXPECT_EQ(tape.header.predecessor.value().last_sequence, last.last_sequence);
    EXPECT_EQ(tape.header.predecessor.value().end_offset, last.offset + last.bytes);
  }
  EXPECT_EQ(sum, recorder.totals().ledger);
}

TEST_F(RecorderTest, BeginsANewTapeAfterAnIntervalWithTheNextEvent) {
  options_.rotate_interval = 10 * kSecond;
  Recorder recorder(store_, sync_, options_, nullptr);
  record_one(recorder, kStart);
  recorder.tick(at(kStart + 100 * kSecond));
  EXPECT_THAT(tapes(), SizeIs(1));
  record_one(recorder, kStart + 100 * kSecond);
  recorder.finish(at(kStart + 101 * kSecond));
  ASSERT_THAT(tapes(), SizeIs(2));
  EXPECT_EQ(tapes()[1].path.filename(), "mta-00000002-20260804T210140Z.tape");
}

TEST_F(RecorderTest, EndsATapeWhoseTimeIsOverThoughNothingComes) {
  options_.rotate_interval = 10 * kSecond;
  Recorder recorder(store_, sync_, options_, nullptr);
  record_one(recorder, kStart);
  recorder.tick(at(kStart + kSecond));
  EXPECT_EQ(recorder.next_tick(), at(kStart + 10 * kSecond).steady);
  recorder.tick(at(kStart + 10 * kSecond));
  EXPECT_EQ(tapes().at(0).end, TapeEnd::Sealed);
  EXPECT_EQ(recorder.next_tick(), std::nullopt);
  recorder.finish(at(kStart + 1000 * kSecond));
  EXPECT_THAT(tapes(), SizeIs(1));
}

TEST_F(RecorderTest, BeginsTapesAtWholeIntervalsWhereThatIsAskedFor) {
  options_.rotate_interval = 10 * kSecond;
  options_.rotate_aligned = true;
  Recorder recorder(store_, sync_, options_, nullptr);
  for (int i = 0; i < 30; ++i)
    record_one(recorder, kStart + (7 + i) * kSecond);
  recorder.finish(at(kStart + 40 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(4));
  EXPECT_THAT(stored[0].events, SizeIs(3));
  for (std::size_t i = 1; i < stored.size(); ++i)
    EXPECT_EQ(stored[i].events.at(0).received % (10 * kSecond), 0);
}

TEST_F(RecorderTest, EndsTheTapeWhenAskedAndBeginsTheNextWithTheNextEvent) {
  Recorder recorder(store_, sync_, options_, nullptr);
  recorder.tapes().rotate(at(kStart));
  record_one(recorder, kStart);
  recorder.tapes().rotate(at(kStart + kSecond));
  recorder.tapes().rotate(at(kStart + 2 * kSecond));
  EXPECT_THAT(tapes(), SizeIs(1));
  EXPECT_EQ(tapes().at(0).end, TapeEnd::Sealed);
  record_one(recorder, kStart + 3 * kSecond);
  recorder.finish(at(kStart + 4 * kSecond));
  ASSERT_THAT(tapes(), SizeIs(2));
  EXPECT_EQ(tapes()[1].header.predecessor->last_sequence, 1U);
  EXPECT_EQ(recorder.report().tapes.tapes_sealed[static_cast<std::size_t>(SealReason::Asked)], 1U);
}

TEST_F(RecorderTest, WhatComesWhileItIsPausedIsCountedAndTold) {
  Recorder recorder(store_, sync_, options_, nullptr);
  record_one(recorder, kStart);
  recorder.tapes().pause(at(kStart + kSecond), "no room");
  EXPECT_FALSE(recorder.tapes().is_writing());
  record_one(recorder, kStart + 2 * kSecond);
  recorder.tick(at(kStart + 100 * kSecond));
  EXPECT_THAT(tapes(), SizeIs(1)) << "however long it takes";
  EXPECT_EQ(recorder.report().tapes.ledger.total_lost().count, 1U);
  recorder.tapes().resume(at(kStart + 101 * kSecond));
  record_one(recorder, kStart + 102 * kSecond);
  EXPECT_TRUE(recorder.tapes().is_writing());
  recorder.finish(at(kStart + 103 * kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(2));
  ASSERT_THAT(stored[1].gaps, SizeIs(1));
  EXPECT_EQ(stored[1].gaps[0].cause, GapCause::Disk);
  EXPECT_EQ(stored[1].gaps[0].count, 1U);
  EXPECT_EQ(stored[1].gaps[0].detail, "no room");
  EXPECT_EQ(recorder.totals().ledger, recorder.report().tapes.ledger);
}

TEST_F(RecorderTest, APauseWithoutALossLeavesNoTape) {
  Recorder recorder(store_, sync_, options_, nullptr);
  recorder.tapes().pause(at(kStart), "no room");
  recorder.tapes().resume(at(kStart + kSecond));
  recorder.tick(at(kStart + kSecond));
  EXPECT_TRUE(recorder.tapes().is_writing());
  recorder.finish(at(kStart + 2 * kSecond));
  EXPECT_THAT(tapes(), IsEmpty());
}

TEST_F(RecorderTest, EndsATapeInTimeThoughEventsComeThatNobodyWants) {
  OptionValues values;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    if (kProperties[i].flag == "--tenant") values[i] = {"acme"};
  }
  AllowList filter(request_from_options(values, Honour::Documented), Honour::Documented);
  const auto event_of = [](const std::string& tenant) {
    return R"({"conn_meta":{"id":"A","tenant":")" + tenant +
           R"("},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
  };
  options_.rotate_interval = 10 * kSecond;
  Recorder recorder(store_, sync_, options_, &filter);
  record_on_time(recorder, chunk_of({event_of("acme")}, kStart));
  for (int second = 1; second <= 11; ++second) {
    record_on_time(recorder, chunk_of({event_of("other")}, kStart + second * kSecond));
    recorder.tick(at(kStart + second * kSecond));
  }
  EXPECT_EQ(tapes().at(0).end, TapeEnd::Sealed);
}

TEST_F(RecorderTest, ForgetsSessionsThatMayHaveEndedUnseen) {
  Recorder recorder(store_, sync_, options_, nullptr);
  const std::string connected =
      R"({"conn_meta":{"id":"A"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
  record_on_time(recorder, chunk_of({connected}, kStart));
  EXPECT_EQ(recorder.report().open_sessions, 1U);
  FrameChunk chunk = chunk_of({}, kStart);
  chunk.gaps.emplace_back().cause = GapCause::Disconnected;
  record_on_time(recorder, chunk);
  EXPECT_EQ(recorder.report().open_sessions, 0U);
  recorder.finish(at(kStart));
}

TEST_F(RecorderTest, AnEventFromAnotherAgeHasADelayToo) {
  Recorder recorder(store_, sync_, options_, nullptr);
  record_on_time(
      recorder,
      chunk_of({R"({"conn_meta":{"id":"A"},"payload":{"Read":"x"},"when":"1678-01-01T00:00:00Z"})",
                R"({"conn_meta":{"id":"A"},"payload":{"Read":"x"},"when":"2262-01-01T00:00:00Z"})"},
               kStart));
  EXPECT_EQ(recorder.report().delay.counts.back(), 1U) << "centuries late";
  EXPECT_EQ(recorder.report().delay.counts.front(), 1U) << "centuries early";
  recorder.finish(at(kStart));
}

TEST_F(RecorderTest, ReportsWhatWillBeTheTotals) {
  Recorder recorder(store_, sync_, options_, nullptr);
  recorder.begin(LastTape{{Id128{}, 5, 1000}, kStart - 60 * kSecond}, arriving(at(kStart)));
  FrameChunk chunk = chunk_of({event_of_size(10), event_of_size(10)}, kStart);
  chunk.gaps.push_back(dropped(5, kStart, kStart));
  record_on_time(recorder, chunk);
  EXPECT_EQ(recorder.report().tapes.ledger.received, 5U) << "what waits is in no column yet";
  EXPECT_TRUE(recorder.report().tapes.ledger.balances());
  recorder.tapes().flush(at(kStart));
  const Ledger now = recorder.report().tapes.ledger;
  EXPECT_EQ(now.stored, 2U);
  EXPECT_TRUE(now.balances());
  EXPECT_EQ(recorder.report().last_event_at, kStart);
  recorder.finish(at(kStart + kSecond));
  EXPECT_EQ(recorder.totals().ledger, now);
}

TEST_F(RecorderTest, KeepsAnExactLedgerInEachTape) {
  options_.rotate_interval = 10 * kSecond;
  const std::string lag =
      R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":"Tracer Lagged )"
      R"(behind and missed 9 events"}},"when":"2026-08-04T13:54:50Z"})";
  OptionValues values;
  for (std::size_t i = 0; i < kPropertyCount; ++i) {
    if (kProperties[i].flag == "--tenant") values[i] = {"acme"};
  }
  AllowList filter(request_from_options(values, Honour::Documented), Honour::Documented);
  const std::string other =
      R"({"conn_meta":{"id":"A","tenant":"x"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";
  Recorder recorder(store_, sync_, options_, &filter);
  record_on_time(recorder, chunk_of({other, event_of_size(10), other}, kStart));
  FrameChunk chunk = chunk_of({lag, event_of_size(10)}, kStart + 20 * kSecond);
  chunk.gaps.push_back(dropped(5, kStart + kSecond, kStart + 2 * kSecond));
  chunk.frames.push_back({{}, 1'000'000, Opcode::Text, true});
  record_on_time(recorder, chunk);
  recorder.finish(at(kStart + 21 * kSecond));

  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(2));
  const Ledger first = stored[0].footer.value().ledger;
  EXPECT_EQ(first.received, 8U);
  EXPECT_EQ(first.stored, 1U);
  EXPECT_EQ(first.not_selected, 2U);
  EXPECT_EQ(first.total_lost().count, 5U);
  const Ledger second = stored[1].footer.value().ledger;
  EXPECT_EQ(second.received, 3U);
  EXPECT_EQ(second.stored, 2U);
  EXPECT_EQ(second.total_lost().count, 1U);
  EXPECT_EQ(second.upstream[0], (Loss{9, 1, 0}));
  const auto lag_gap = std::find_if(stored[1].gaps.begin(),
                                    stored[1].gaps.end(),
                                    [](const Gap& gap) { return gap.cause == GapCause::Lag; });
  ASSERT_NE(lag_gap, stored[1].gaps.end());
  EXPECT_EQ(lag_gap->from, kStart) << "when the event before the notice was received";
  EXPECT_EQ(lag_gap->until, kStart + 20 * kSecond);
  EXPECT_TRUE(first.balances());
  EXPECT_TRUE(second.balances());

  ASSERT_THAT(stored[0].gaps, SizeIs(1));
  EXPECT_EQ(stored[0].gaps[0].after_sequence, 3U);
  EXPECT_EQ(stored[0].gaps[0].before_sequence, 9U);
  EXPECT_EQ(stored[0].events.at(0).sequence, 2U);
  EXPECT_EQ(stored[1].events.at(0).sequence, 9U);
  ASSERT_THAT(stored[1].gaps, SizeIs(2));
  EXPECT_EQ(stored[1].gaps[0].notice_sequence, 9U);
  EXPECT_EQ(stored[1].gaps[1].frame_bytes, 1'000'000U);
  EXPECT_EQ(stored[1].gaps[1].after_sequence, 10U);
}

TEST_F(RecorderTest, TakesNothingAfterTheLastWantedEvent) {
  options_.most_events = 2;
  Recorder recorder(store_, sync_, options_, nullptr);
  record_on_time(recorder,
                 chunk_of({event_of_size(10), event_of_size(10), event_of_size(10)}, kStart));
  EXPECT_TRUE(recorder.full());
  record_one(recorder, kStart);
  recorder.finish(at(kStart));
  EXPECT_EQ(recorder.totals().ledger.received, 2U);
}

TEST_F(RecorderTest, SaysAtTheStopThatNobodyRecordedEvenWithoutAnEvent) {
  Recorder recorder(store_, sync_, options_, nullptr);
  recorder.begin(LastTape{{Id128{}, 5, 1000}, kStart - 60 * kSecond}, arriving(at(kStart)));
  recorder.finish(at(kStart + kSecond));
  const std::vector<StoredTape> stored = tapes();
  ASSERT_THAT(stored, SizeIs(1));
  ASSERT_THAT(stored[0].gaps, SizeIs(1));
  EXPECT_EQ(stored[0].gaps[0].cause, GapCause::NotRecording);
  EXPECT_EQ(stored[0].gaps[0].from, kStart - 60 * kSecond);
  EXPECT_EQ(stored[0].gaps[0].until, kStart);
  EXPECT_EQ(stored[0].header.predecessor.value().last_sequence, 5U);
}

// ---- what an earlier capture left ----

}  // namespace
}  // namespace smtptape
