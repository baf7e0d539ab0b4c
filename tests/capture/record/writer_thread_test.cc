#include "capture/record/writer_thread.h"

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/capture/record/numbered_frames.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

class WriterThreadTest : public testing::Test {
 protected:
  WriterThreadTest() {
    RecorderOptions options;
    options.source = "mta";
    options.batch_bytes = 1;  // so that what is recorded counts at once
    recorders_.push_back(std::make_unique<Recorder>(store_, sync_, options, nullptr));
  }
  void push_one() {
    const std::string frame = event_of_size(10);
    WsMessage message;
    message.payload = frame;
    message.size = frame.size();
    queue_.push(0, std::span(&message, 1), at(kStart));
  }
  static std::uint64_t recorded(const WriterThread::Recorders& recorders) {
    return recorders[0]->report().ledger.received;
  }

  TemporaryDirectory directory_;
  Store store_{directory_.path()};
  SyncThread sync_{std::chrono::hours(1)};
  EventQueue queue_;
  WriterThread::Recorders recorders_;
};

TEST_F(WriterThreadTest, WhatIsDoneInTurnComesBehindWhatIsQueued) {
  WriterThread writer(recorders_, queue_, [] {});
  std::optional<std::uint64_t> soon;
  std::optional<std::uint64_t> in_turn;
  std::optional<std::uint64_t> next;
  for (int i = 0; i < 5; ++i)
    push_one();
  writer.post([&](WriterThread::Recorders& recorders, Moment) { soon = recorded(recorders); });
  writer.post([&](WriterThread::Recorders& recorders, Moment) { in_turn = recorded(recorders); },
              WriterThread::When::InTurn);
  push_one();
  writer.post([&](WriterThread::Recorders& recorders, Moment) { next = recorded(recorders); });
  writer.start();
  EXPECT_EQ(writer.join(), nullptr);
  EXPECT_EQ(soon, 0U);
  EXPECT_EQ(in_turn, 5U);
  EXPECT_GE(next, in_turn) << "tasks keep their order";
  EXPECT_EQ(recorders_[0]->totals().ledger.received, 6U);
}

TEST_F(WriterThreadTest, DoesWhatIsLeftBeforeItEnds) {
  WriterThread writer(recorders_, queue_, [] {});
  bool done = false;
  writer.post([&](WriterThread::Recorders&, Moment) { done = true; }, WriterThread::When::InTurn);
  writer.start();
  EXPECT_EQ(writer.join(), nullptr);
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace smtptape
