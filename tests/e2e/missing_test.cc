// A store of which something was lost: whoever reads it is told, not only who verifies it.
#include <filesystem>
#include <map>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/tape/tape_writer.h"
#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'785'877'200 * kSecond;  // 2026-08-04T21:00:00Z
constexpr std::uint64_t kTapes = 3;
constexpr std::uint64_t kEvents = 10;  // a tape: one a second, from a whole minute on

// Three tapes of one capture, a minute each, every event a batch.
class MissingFromAStore : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(store_);
    capture_ = random_id();
    for (std::uint64_t number = 1; number <= kTapes; ++number)
      write(number);
  }

  [[nodiscard]] fs::path path_of(std::uint64_t number) const {
    return store_ / ("mta1-0000000" + std::to_string(number) + "-20260804T210000Z.tape");
  }
  static std::int64_t time_of(std::uint64_t sequence) {
    const std::uint64_t seconds = (sequence - 1) / kEvents * 60 + (sequence - 1) % kEvents;
    return kStart + static_cast<std::int64_t>(seconds) * kSecond;
  }

  void write(std::uint64_t number, const std::optional<Gap>& gap = std::nullopt) {
    TapeHeader header;
    header.tape_id.bytes[0] = static_cast<std::uint8_t>(number);
    header.origin = {capture_, "mta1", number, false};
    header.first_sequence = (number - 1) * kEvents + 1;
    header.clock.realtime = time_of(header.first_sequence);
    if (number > 1) {
      header.predecessor.emplace();
      header.predecessor->tape_id.bytes[0] = static_cast<std::uint8_t>(number - 1);
      header.predecessor->last_sequence = header.first_sequence - 1;
      header.predecessor->end_offset = end_of_groups_;
    }
    StringSink sink;
    TapeWriter writer(sink, header, {});
    if (gap) writer.add(*gap);
    const MetaPtr meta = Meta::parse(R"({"id":"s1"})");
    Event event;
    event.kind = EventKind::Write;
    event.text = "NOOP\r\n";
    event.meta = meta.get();
    for (std::uint64_t i = 0; i < kEvents; ++i) {
      event.sequence = header.first_sequence + i;
      event.received = time_of(event.sequence);
      writer.add(event);
      writer.flush();
      if (i == kEvents / 2) half_[number] = sink.text().size();
    }
    writer.end_group();
    end_of_groups_ = writer.groups().back().offset + writer.groups().back().bytes;
    Ledger ledger;
    ledger.received = kEvents;
    writer.seal(ledger, 1);
    write_file(path_of(number), sink.text());
  }
  // Between two batches: that alone would be normal.
  void cut(std::uint64_t number) { fs::resize_file(path_of(number), half_[number]); }

  [[nodiscard]] Ran read(const std::string& command, std::vector<std::string> more = {}) const {
    more.push_back(store_);
    return smtptape(command, more);
  }

  TemporaryDirectory directory_;
  fs::path store_ = directory_.path() / "store";
  Id128 capture_;
  std::uint64_t end_of_groups_ = 0;
  std::map<std::uint64_t, std::uint64_t> half_;  // bytes up to there, by number
};

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at)
    ++count;
  return count;
}

TEST_F(MissingFromAStore, NothingIsToldWhenNothingIs) {
  for (const std::string command : {"export", "replay", "verify"}) {
    const Ran ran = read(command);
    EXPECT_EQ(ran.exit, 0) << command << ran.err;
    EXPECT_EQ(ran.err, "") << command;
  }
}

TEST_F(MissingFromAStore, TheEndOfATapeThatTheNextOneKnowsOf) {
  cut(2);
  const std::string extract = "extract -o " + (directory_ / "x.tape");
  for (const std::string& command : {std::string("export"), std::string("replay"), extract}) {
    const Ran ran = read(command);
    EXPECT_EQ(ran.exit, 3) << command;
    EXPECT_EQ(count_of(ran.err, "210000Z.tape: its end is missing"), 1U) << command << ran.err;
  }
  EXPECT_THAT(read("verify").out, HasSubstr("its end is missing"));
  EXPECT_EQ(count_of(read("export").out, "NOOP"), 2 * kEvents + kEvents / 2 + 1);
  // The extract says it for ever.
  const Ran info = smtptape("info", {directory_ / "x.tape"});
  EXPECT_THAT(info.out, HasSubstr("its end is missing"));
  EXPECT_EQ(smtptape("export", {directory_ / "x.tape"}).exit, 3);
}

TEST_F(MissingFromAStore, IsToldWhenItTouchesTheTimesThatAreAskedFor) {
  cut(2);
  const auto times = [this](const char* since, const char* until) {
    return read(std::string("export --since 2026-08-04T") + since + "Z --until 2026-08-04T" +
                until + "Z");
  };
  EXPECT_EQ(times("21:01:08", "21:01:30").exit, 3) << "inside";
  EXPECT_EQ(times("21:01:30", "21:02:30").exit, 3);
  for (const Ran& ran : {times("21:00:00", "21:01:03"), times("21:02:02", "21:05:00")}) {
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_THAT(ran.err, Not(HasSubstr("missing")));
  }
}

TEST_F(MissingFromAStore, AWholeTape) {
  fs::remove(path_of(2));
  const std::string hole = "tapes 1 and 3 are here, and none between";
  for (const std::string command : {"export", "replay"}) {
    const Ran ran = read(command);
    EXPECT_EQ(ran.exit, 3) << command;
    EXPECT_EQ(count_of(ran.err, hole), 1U) << command << ran.err;
  }
  // Also where no tape holds anything of the times that are asked for.
  const Ran inside = read("export --since 2026-08-04T21:01:00Z --until 2026-08-04T21:01:10Z");
  EXPECT_EQ(inside.exit, 3);
  EXPECT_THAT(inside.err, HasSubstr(hole));
  EXPECT_EQ(read("export --until 2026-08-04T21:00:05Z").exit, 0);
}

TEST_F(MissingFromAStore, TheOldestTapeMayBeDeleted) {
  fs::remove(path_of(1));
  const Ran ran = read("export");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
}

TEST_F(MissingFromAStore, IsNotToldTwiceWhenTheNextTapeHoldsTheGap) {
  Gap gap;
  gap.cause = GapCause::Disk;
  gap.count = 4;
  gap.after_sequence = kEvents + kEvents / 2 + 1;
  gap.before_sequence = 2 * kEvents + 1;
  gap.from = gap.until = time_of(2 * kEvents);
  write(2);
  write(3, gap);
  cut(2);
  const Ran ran = read("export");
  EXPECT_EQ(ran.exit, 3);
  EXPECT_EQ(count_of(ran.err, "gap: "), 1U) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("4 events missing"));
  EXPECT_THAT(read("verify").out, Not(HasSubstr("missing")));
}

TEST_F(MissingFromAStore, IsAnEndForWhoeverWantsNothingBehindDamage) {
  cut(2);
  const Ran tail = read("export --recovery tail");
  EXPECT_EQ(tail.exit, 3);
  EXPECT_EQ(count_of(tail.out, "NOOP"), kEvents + kEvents / 2 + 1);
  const Ran strict = read("export --recovery strict");
  EXPECT_EQ(strict.exit, 1);
  EXPECT_EQ(strict.out, "");
  EXPECT_THAT(strict.err, HasSubstr("its end is missing"));
}

}  // namespace
}  // namespace smtptape::testing
