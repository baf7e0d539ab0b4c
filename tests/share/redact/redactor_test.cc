// What stands beside the words of a dialogue: frames, bodies, gaps, notes, records of newer
// programs.
#include "share/redact/redactor.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "format/wire/wire.h"

namespace smtptape {
namespace {

class OneBatch : public EventSource {
 public:
  EventBatch given;
  [[nodiscard]] bool next(EventBatch& batch) override {
    if (std::exchange(over_, true)) return false;
    batch = std::move(given);
    return true;
  }

 private:
  bool over_ = false;
};

class RedactorTest : public ::testing::Test {
 protected:
  void add(const std::string& payload) {
    add_frame(R"({"conn_meta":{"id":"s"},"payload":)" + payload +
              R"(,"when":"2026-08-04T21:00:00Z"})");
  }
  void add_frame(const std::string& frame) {
    Event& event = decoder_.decode(from_.given.arena.copy(frame), Opcode::Text, from_.given);
    event.sequence = ++sequence_;
  }
  EventBatch redact() {
    Originals originals;
    originals.finish();
    Pseudonyms pseudonyms({}, {}, [](std::string_view) { return false; });
    const RedactionRules rules;
    Redactor redactor(from_, originals, pseudonyms, rules);
    EventBatch batch;
    EXPECT_TRUE(redactor.next(batch));
    omitted_ = redactor.omitted();
    return batch;
  }

  OneBatch from_;
  WireDecoder decoder_;
  std::uint64_t sequence_ = 0;
  Omitted omitted_;
};

TEST_F(RedactorTest, KeepsNoFrameAsItCame) {
  add_frame(
      R"({"payload":"Closed", "conn_meta":{"id":"s"},"when":"2026-08-04T21:00:00Z","x":"y"})");
  ASSERT_NE(from_.given.events[0].verbatim, nullptr);
  const EventBatch batch = redact();
  ASSERT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(batch.events[0].verbatim, nullptr);
}

TEST_F(RedactorTest, LeavesOutWhatIsNoEvent) {
  add_frame("something else");
  add(R"("Closed")");
  EXPECT_EQ(redact().events.size(), 1U);
  EXPECT_EQ(omitted_.frames, 1U);
}

TEST_F(RedactorTest, TakesBodiesOutAndKeepsTheirLength) {
  add(R"("Connected")");
  add(R"({"Read":"220 hi\r\n"})");
  add(R"({"Write":"DATA\r\n"})");
  add(R"({"Read":"354 go on\r\n"})");
  add(R"({"Write":"Subject: x\r\n\r\nDate: Sun, 22 Nov 2026 19:34:17 +0000\r\n.\r\n"})");
  const EventBatch batch = redact();
  const Event& body = batch.events.back();
  EXPECT_TRUE(body.trimmed);
  EXPECT_EQ(body.text, "Subject: *\r\n\r\n");
  EXPECT_EQ(full_length(body), 56U);
}

TEST_F(RedactorTest, KeepsOfAGapWhatItCost) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.count = 7;
  gap.detail = "words of somebody's";
  from_.given.gaps.push_back(gap);
  const EventBatch batch = redact();
  ASSERT_EQ(batch.gaps.size(), 1U);
  EXPECT_EQ(batch.gaps[0].count, 7U);
  EXPECT_EQ(batch.gaps[0].detail, "");
}

TEST_F(RedactorTest, LeavesOutNotesClocksAndRecordsOfNewerPrograms) {
  from_.given.notes = {{"mine", "secret"}, {std::string(kBodiesNote), "none"}};
  from_.given.clocks.emplace_back();
  from_.given.foreign.emplace_back("record");
  const EventBatch batch = redact();
  ASSERT_EQ(batch.notes.size(), 1U);
  EXPECT_EQ(batch.notes[0].key, kBodiesNote);
  EXPECT_TRUE(batch.clocks.empty());
  EXPECT_TRUE(batch.foreign.empty());
  EXPECT_EQ(omitted_.notes, 1U);
}

}  // namespace
}  // namespace smtptape
