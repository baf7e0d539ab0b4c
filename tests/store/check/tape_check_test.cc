#include "store/check/tape_check.h"

#include <fcntl.h>

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "format/tape/section.h"
#include "format/tape/tape_writer.h"
#include "store/copy/tape_copy.h"
#include "store/read/inputs.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace fs = std::filesystem;

// What is written to it, but for the bytes from `from` on up to `until`.
class ForgetfulSink : public ByteSink {
 public:
  void write(std::string_view bytes) override {
    for (const char c : bytes) {
      if (at < from || at >= until) text.push_back(c);
      ++at;
    }
  }
  std::uint64_t at = 0;
  std::uint64_t from = 0;
  std::uint64_t until = 0;
  std::string text;
};

TapeHeader some_header() {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = {random_id(), "mta-1", 7, false};
  header.layout = Layout::Interleaved;
  header.first_sequence = 1;
  return header;
}

// Three groups of four events, each a batch.
constexpr std::uint64_t kGroups = 3;
constexpr std::uint64_t kEventsOfGroup = 4;

void write_groups(TapeWriter& writer) {
  const MetaPtr meta = Meta::parse(R"({"id":"s1"})");
  std::uint64_t sequence = 0;
  for (std::uint64_t group = 0; group < kGroups; ++group) {
    for (std::uint64_t i = 0; i < kEventsOfGroup; ++i) {
      Event event;
      event.kind = EventKind::Write;
      event.text = "NOOP\r\n";
      event.meta = meta.get();
      event.sequence = ++sequence;
      event.received = 1'000'000 + static_cast<std::int64_t>(sequence);
      writer.add(event);
      writer.flush();
    }
    writer.end_group();
  }
}

struct Written {
  std::string bytes;
  std::vector<GroupIndex> groups;
};

Written write_tape(const TapeHeader& header, bool sealed = true) {
  ForgetfulSink sink;
  TapeWriter writer(sink, header, {});
  write_groups(writer);
  Ledger ledger;
  ledger.received = kGroups * kEventsOfGroup;
  if (sealed) writer.seal(ledger, 5);
  return {std::move(sink.text), writer.groups()};
}

class TapeCheckTest : public ::testing::Test {
 protected:
  fs::path save(const std::string& bytes, const std::string& name = "x.tape") {
    const fs::path path = directory_.path() / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  TemporaryDirectory directory_;
};

TEST_F(TapeCheckTest, ASealedTapeIsSound) {
  const TapeCheck check = check_tape(save(write_tape(some_header()).bytes));
  EXPECT_EQ(check.state, TapeState::Sealed);
  EXPECT_EQ(check.events, kGroups * kEventsOfGroup);
  EXPECT_EQ(check.last_sequence, kGroups * kEventsOfGroup);
  EXPECT_THAT(check.damage, IsEmpty());
}

TEST_F(TapeCheckTest, ATapeWithoutItsEndIsUnclosedAndThatIsNormal) {
  const TapeCheck check = check_tape(save(write_tape(some_header(), false).bytes));
  EXPECT_EQ(check.state, TapeState::Unclosed);
  EXPECT_FALSE(is_alarm(check.state));
}

TEST_F(TapeCheckTest, ATapeThatEndsInsideABatchHasATornTail) {
  const Written tape = write_tape(some_header(), false);
  const auto inside = static_cast<std::size_t>(tape.groups.back().offset + 20);
  const TapeCheck check = check_tape(save(tape.bytes.substr(0, inside)));
  EXPECT_EQ(check.state, TapeState::TornTail);
  EXPECT_TRUE(is_alarm(check.state));
  EXPECT_EQ(check.events, (kGroups - 1) * kEventsOfGroup);
}

TEST_F(TapeCheckTest, WhileSomebodyWritesATornEndIsNormal) {
  const Written tape = write_tape(some_header(), false);
  const auto inside = static_cast<std::size_t>(tape.groups.back().offset + 20);
  const fs::path path = save(tape.bytes.substr(0, inside));
  const UniqueFd writer(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(try_lock_byte(writer.get(), 0, "the tape"));
  const TapeCheck check = check_tape(path);
  EXPECT_EQ(check.state, TapeState::Live);
  EXPECT_THAT(check.damage, IsEmpty());
  // And so it is to everybody else who reads it.
  Inputs inputs(find_tapes({path.string()}));
  EventBatch batch;
  std::uint64_t events = 0;
  while (inputs.next(batch))
    events += batch.events.size();
  EXPECT_EQ(events, (kGroups - 1) * kEventsOfGroup);
  EXPECT_THAT(inputs.trouble().damage, IsEmpty());
  EXPECT_THAT(inputs.trouble().notices, ElementsAre(HasSubstr("is being written")));
}

TEST_F(TapeCheckTest, DamageIsAnAlarmEvenWhileSomebodyWrites) {
  Written tape = write_tape(some_header(), false);
  tape.bytes[static_cast<std::size_t>(tape.groups[1].offset + 30)] ^= 1;
  const fs::path path = save(tape.bytes);
  EXPECT_EQ(check_tape(path).state, TapeState::Damaged);
  const UniqueFd writer(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(try_lock_byte(writer.get(), 0, "the tape"));
  EXPECT_EQ(check_tape(path).state, TapeState::Damaged);
}

// Offset, length and number of events may be right, and the bytes not those that were written.
TEST_F(TapeCheckTest, AGroupOfOtherBytesThanTheFooterTellsOfIsFound) {
  Written tape = write_tape(some_header());
  const FooterPlace place = parse_trailer(tape.bytes).value();
  const auto offset = static_cast<std::size_t>(place.offset);
  const std::string frame = tape.bytes.substr(offset);
  const Section footer = parse_section(frame).value();
  std::string message = footer.message();
  const std::uint64_t hash = tape.groups[1].hash;
  const std::size_t at = message.find({reinterpret_cast<const char*>(&hash), sizeof hash});
  ASSERT_NE(at, std::string::npos);
  message[at] = static_cast<char>(message[at] ^ 1);
  tape.bytes.resize(offset);
  tape.bytes += footer_frame(footer.tape_id, footer.flags, message, place.offset);
  const TapeCheck check = check_tape(save(tape.bytes));
  EXPECT_EQ(check.state, TapeState::Damaged);
  ASSERT_THAT(check.damage, SizeIs(1));
  EXPECT_THAT(check.damage.front().what, HasSubstr("other groups"));
}

TEST_F(TapeCheckTest, AGroupThatIsMissingFromTheContentIsFoundByTheFooter) {
  const TapeHeader header = some_header();
  const Written whole = write_tape(header);
  ForgetfulSink sink;
  sink.from = whole.groups[1].offset;
  sink.until = whole.groups[2].offset;
  TapeWriter writer(sink, header, {});
  write_groups(writer);
  Ledger ledger;
  ledger.received = kGroups * kEventsOfGroup;
  writer.seal(ledger, 5);
  const TapeCheck check = check_tape(save(sink.text));
  EXPECT_EQ(check.state, TapeState::Damaged);
  EXPECT_EQ(check.events, (kGroups - 1) * kEventsOfGroup);
}

TEST_F(TapeCheckTest, WhatIsNoTapeIsRefused) {
  EXPECT_THROW((void)check_tape(save("no tape at all, but long enough to be read as one")), Error);
  EXPECT_THROW((void)check_tape(directory_.path() / "missing.tape"), Error);
}

// --- neighbours ---

TapeCheck row_member(std::uint64_t number) {
  TapeCheck check;
  check.path = "mta-1-" + std::to_string(number) + ".tape";
  check.header = TapeHeader{};
  check.header->tape_id.bytes[0] = static_cast<std::uint8_t>(number);
  check.header->origin = {{}, "mta-1", number, false};
  check.last_sequence = number * 10;
  check.good_until = 1000;
  if (number > 1) {
    Predecessor before;
    before.tape_id.bytes[0] = static_cast<std::uint8_t>(number - 1);
    before.last_sequence = (number - 1) * 10;
    before.end_offset = 1000;
    check.header->predecessor = before;
  }
  return check;
}

TEST(TapeNeighbours, AnUnbrokenRowIsFineAlsoWhereTheOldestWereDeleted) {
  EXPECT_THAT(check_neighbours({row_member(1), row_member(2), row_member(3)}), IsEmpty());
  EXPECT_THAT(check_neighbours({row_member(6), row_member(5)}), IsEmpty());
}

TEST(TapeNeighbours, AHoleInTheMiddleIsAnAlarm) {
  EXPECT_THAT(check_neighbours({row_member(1), row_member(2), row_member(4)}),
              ElementsAre(HasSubstr("tapes 2 and 4 are here, and none between")));
}

TEST(TapeNeighbours, NothingIsMissingBehindATapeThatWasDeletedMeanwhile) {
  const TemporaryDirectory directory;
  std::vector<TapeCheck> checks = {row_member(4), row_member(6)};
  checks[0].path = directory / "4.tape";
  checks[1].path = directory / "6.tape";
  for (const TapeCheck& check : checks)
    std::ofstream(check.path) << "x";
  forget_deleted(checks);
  EXPECT_EQ(checks.size(), 2U);
  fs::remove(checks[0].path);
  forget_deleted(checks);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks.front().header->origin.tape_number, 6U);
}

TEST(TapeNeighbours, ALostEndIsKnownToTheNextTape) {
  TapeCheck cut = row_member(1);
  cut.good_until = 900;
  EXPECT_THAT(check_neighbours({cut, row_member(2)}), ElementsAre(HasSubstr("its end is missing")));
  cut.state = TapeState::Live;  // was read before its end was written
  EXPECT_THAT(check_neighbours({cut, row_member(2)}), IsEmpty());
}

TEST(TapeNeighbours, ATapeThatFollowsAnotherIsAnAlarm) {
  TapeCheck other = row_member(1);
  other.header->tape_id.bytes[5] = 1;
  EXPECT_THAT(check_neighbours({other, row_member(2)}),
              ElementsAre(HasSubstr("does not follow mta-1-1.tape")));
}

TEST(TapeNeighbours, ACopyStandsInItsOriginalsPlaceByItsSequences) {
  TapeCheck copy = row_member(1);
  copy.header->copy_of = copy.header->tape_id;
  copy.header->tape_id.bytes[5] = 1;
  copy.header->predecessor = Predecessor{};
  copy.good_until = 10;
  EXPECT_THAT(check_neighbours({copy, row_member(2)}), IsEmpty());
  copy.last_sequence = 7;
  EXPECT_THAT(check_neighbours({copy, row_member(2)}),
              ElementsAre(HasSubstr("events 8 to 10 of its end are missing")));
  copy.known_loss = true;  // and says so itself
  EXPECT_THAT(check_neighbours({copy, row_member(2)}), IsEmpty());
}

TEST(TapeNeighbours, ANumberMayBeLeftOutWhenTheNextTapeNamesTheOneBefore) {
  TapeCheck next = row_member(4);
  next.header->predecessor = row_member(3).header->predecessor;
  next.header->predecessor->tape_id = row_member(2).header->tape_id;
  EXPECT_THAT(check_neighbours({row_member(1), row_member(2), next}), IsEmpty());
}

TEST(TapeNeighbours, AGapOfTheNextTapeExplainsWhatIsMissingOnlyWhenItCoversIt) {
  TapeCheck cut = row_member(1);
  cut.good_until = 900;
  cut.last_sequence = 7;
  TapeCheck next = row_member(2);
  Gap gap;
  gap.cause = GapCause::Disk;
  gap.after_sequence = 7;
  gap.before_sequence = 11;
  next.disk_gaps = {gap};
  EXPECT_THAT(check_neighbours({cut, next}), IsEmpty());
  next.disk_gaps[0].before_sequence = 10;
  EXPECT_THAT(check_neighbours({cut, next}), ElementsAre(HasSubstr("its end is missing")));
  next.disk_gaps[0] = gap;
  next.disk_gaps[0].after_sequence = 8;
  EXPECT_THAT(check_neighbours({cut, next}), ElementsAre(HasSubstr("its end is missing")));
  next.disk_gaps[0] = gap;
  next.header->origin.capture.bytes[0] = 1;  // there sequences mean something else
  EXPECT_THAT(check_neighbours({cut, next}), ElementsAre(HasSubstr("its end is missing")));
}

TEST(TapeNeighbours, ExtractsAndImportsBelongToNoRow) {
  TapeCheck extract = row_member(9);
  extract.header->copy_of = extract.header->tape_id;
  extract.header->predecessor.reset();
  TapeCheck imported = row_member(20);
  imported.header->origin.imported = true;
  EXPECT_THAT(check_neighbours({row_member(1), row_member(2), extract, imported}), IsEmpty());
}

// --- copies ---

TEST_F(TapeCheckTest, ACopyOfADamagedTapeIsSoundAndSaysWhatIsMissing) {
  Written tape = write_tape(some_header());
  tape.bytes[static_cast<std::size_t>(tape.groups[1].offset + 30)] ^= 1;
  const fs::path path = save(tape.bytes);
  const TapeCheck damaged = check_tape(path);
  const std::uint64_t lost = kGroups * kEventsOfGroup - damaged.events;
  ASSERT_GT(lost, 0U);

  StringSink sink;
  const CopyTotals totals = copy_tape(damaged, header_of_copy(damaged), {}, 6, sink);
  EXPECT_EQ(totals.events, damaged.events);
  EXPECT_EQ(totals.lost, lost);
  EXPECT_EQ(totals.lost_unknown, 0U);
  const TapeCheck copy = check_tape(save(sink.text(), "copy.tape"));
  EXPECT_EQ(copy.state, TapeState::Sealed);
  EXPECT_TRUE(copy.known_loss);
  EXPECT_EQ(copy.header->copy_of, damaged.header->tape_id);
  EXPECT_EQ(copy.header->origin, damaged.header->origin);
  ASSERT_TRUE(copy.footer);
  EXPECT_TRUE(copy.footer->ledger.balances());
  EXPECT_EQ(copy.footer->ledger.received, kGroups * kEventsOfGroup);
}

TEST_F(TapeCheckTest, ContentIsTheSameInBothLayoutsAndNotAfterALoss) {
  const fs::path path = save(write_tape(some_header()).bytes);
  const TapeCheck check = check_tape(path);
  StringSink sink;
  ASSERT_EQ(copy_tape(check, header_of_copy(check), {}, 6, sink).events, check.events);
  EXPECT_TRUE(same_content(path, save(sink.text(), "copy.tape")));
  Written less = write_tape(some_header(), false);
  less.bytes.resize(static_cast<std::size_t>(less.groups[2].offset));
  EXPECT_FALSE(same_content(path, save(less.bytes, "less.tape")));
}

}  // namespace
}  // namespace smtptape
