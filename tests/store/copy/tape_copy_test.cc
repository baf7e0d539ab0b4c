// A copy is compared with its original in all that a reader is told.
#include "store/copy/tape_copy.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "format/wire/wire.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using Add = std::function<void(TapeWriter&)>;

class TapeCopyTest : public ::testing::Test {
 protected:
  // One event, and what else is added.
  std::string tape(const std::string& name, const Add& add) {
    TapeHeader header;
    header.tape_id = random_id();
    header.origin = {random_id(), "mta-1", 1, false};
    StringSink sink;
    TapeWriter writer(sink, header, {});
    WireDecoder decoder;
    EventBatch batch;
    Event& event = decoder.decode(
        R"({"conn_meta":{"id":"a"},"payload":"Closed","when":"2026-08-04T13:54:50Z"})",
        Opcode::Text,
        batch);
    event.sequence = 1;
    writer.add(event);
    add(writer);
    writer.seal({}, 1);
    testing::write_file(directory_ / name, sink.text());
    return directory_ / name;
  }
  bool is_same(const Add& a, const Add& b) { return same_content(tape("a", a), tape("b", b)); }

  TemporaryDirectory directory_;
};

Add clock_at(std::int64_t realtime, std::int64_t monotonic, std::int64_t boottime) {
  return [=](TapeWriter& writer) { writer.add(ClockReading{realtime, monotonic, boottime}); };
}

TEST_F(TapeCopyTest, TheSameIsTheSame) {
  EXPECT_TRUE(is_same(clock_at(1, 2, 3), clock_at(1, 2, 3)));
}

// Receive times follow from them.
TEST_F(TapeCopyTest, ClockReadingsAreCompared) {
  EXPECT_FALSE(is_same(clock_at(1, 2, 3), [](TapeWriter&) {}));
  EXPECT_FALSE(is_same(clock_at(1, 2, 3), clock_at(9, 2, 3)));
  EXPECT_FALSE(is_same(clock_at(1, 2, 3), clock_at(1, 9, 3)));
  EXPECT_FALSE(is_same(clock_at(1, 2, 3), clock_at(1, 2, 9)));
}

TEST_F(TapeCopyTest, GapsAndNotesAreCompared) {
  const auto gap = [](std::uint64_t count) {
    return [count](TapeWriter& writer) {
      Gap missing;
      missing.count = count;
      writer.add(missing);
    };
  };
  EXPECT_FALSE(is_same(gap(1), gap(2)));
  EXPECT_FALSE(is_same(gap(1), [](TapeWriter&) {}));
  EXPECT_FALSE(is_same(
      [](TapeWriter& writer) {
        writer.add(Note{"a", "b"});
      },
      [](TapeWriter& writer) {
        writer.add(Note{"a", "c"});
      }));
}

TEST_F(TapeCopyTest, ACopyIsTheSame) {
  const std::string original = tape("original", clock_at(4, 5, 6));
  const TapeCheck check = check_tape(original);
  StringSink sink;
  static_cast<void>(copy_tape(check, header_of_copy(check), {}, 1, sink));
  testing::write_file(directory_ / "copy", sink.text());
  EXPECT_TRUE(same_content(original, directory_ / "copy"));
}

}  // namespace
}  // namespace smtptape
