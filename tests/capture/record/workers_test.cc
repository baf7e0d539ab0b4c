#include "capture/record/workers.h"

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/capture/record/numbered_frames.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

class WorkersTest : public testing::Test {
 protected:
  WorkersTest() {
    RecorderOptions options;
    options.source = "mta";
    options.batch_bytes = 1;  // so that what is recorded counts at once
    recorders_.push_back(std::make_unique<Recorder>(store_, disk_, options, nullptr));
  }
  void push_one() {
    const std::string frame = event_of_size(10);
    WsMessage message;
    message.payload = frame;
    message.size = frame.size();
    queue_.push(0, std::span(&message, 1), arriving(this_moment()));
  }
  static std::uint64_t recorded(const Recorder& recorder) {
    return recorder.report().tapes.ledger.received;
  }

  TemporaryDirectory directory_;
  Store store_{directory_.path()};
  DiskThreads disk_{std::chrono::hours(1), 1};
  EventQueue queue_;
  Workers::Recorders recorders_;
};

TEST_F(WorkersTest, WhatIsDoneInTurnComesBehindWhatIsQueued) {
  Workers workers(recorders_, queue_, [] {});
  std::optional<std::uint64_t> soon;
  std::optional<std::uint64_t> in_turn;
  for (int i = 0; i < 5; ++i)
    push_one();
  workers.post(0, [&](Recorder& recorder, Now) { soon = recorded(recorder); });
  workers.post(
      0, [&](Recorder& recorder, Now) { in_turn = recorded(recorder); }, EventQueue::When::InTurn);
  push_one();
  workers.start(2);
  EXPECT_EQ(workers.join(), nullptr);
  EXPECT_EQ(soon, 0U);
  EXPECT_EQ(in_turn, 5U);
  EXPECT_EQ(recorders_[0]->totals().ledger.received, 6U);
}

TEST_F(WorkersTest, DoesWhatIsLeftBeforeItEnds) {
  Workers workers(recorders_, queue_, [] {});
  bool done = false;
  workers.post(
      0, [&](Recorder&, Now) { done = true; }, EventQueue::When::InTurn);
  workers.start(1);
  EXPECT_EQ(workers.join(), nullptr);
  EXPECT_TRUE(done);
}

TEST_F(WorkersTest, AFailureIsToldAndTheTapesEndNevertheless) {
  bool told = false;
  Workers workers(recorders_, queue_, [&] { told = true; });
  push_one();
  workers.post(
      0, [](Recorder&, Now) { throw std::runtime_error("no"); }, EventQueue::When::InTurn);
  workers.start(1);
  EXPECT_NE(workers.join(), nullptr);
  EXPECT_TRUE(told);
  EXPECT_EQ(recorders_[0]->totals().ledger.stored, 1U);
}

}  // namespace
}  // namespace smtptape
