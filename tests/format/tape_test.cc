#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "format/tape/session_rows.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/format/made_tape.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

class TapeLayouts : public ::testing::TestWithParam<Layout> {};
INSTANTIATE_TEST_SUITE_P(Tape,
                         TapeLayouts,
                         ::testing::Values(Layout::Interleaved, Layout::TwoFrames));

TEST_P(TapeLayouts, GivesBackWhatWasWritten) {
  const Made made = make_tape(testing::all_golden_frames(), GetParam(), sizes(8 * kKi, 200 * kKi));
  const ReadBack got = read_back(made.bytes);
  ASSERT_EQ(got.frames, made.frames);
  EXPECT_EQ(got.end, TapeEnd::Sealed);
  EXPECT_TRUE(got.damage.empty());
  ASSERT_TRUE(got.footer);
  EXPECT_EQ(got.footer->ledger.stored, made.frames.size());
  EXPECT_GT(got.footer->groups.size(), 5U);
  EXPECT_EQ(got.header->origin, made.header.origin);
  for (std::size_t i = 0; i < got.sequences.size(); ++i) {
    ASSERT_EQ(got.sequences[i], i + 1);
    const auto sequence = static_cast<std::int64_t>(i + 1);
    ASSERT_EQ(got.received[i], 1'000'000'000'000 + sequence % 3 * 5 + sequence);
  }
}

// A server whose clock is ahead of ours, and events of one moment.
TEST_P(TapeLayouts, KeepsTimesOfReceptionThatAreAllTheSame) {
  constexpr std::int64_t kReceived = 1'785'877'200'000'000'000;  // 2026-08-04T21:00:00Z
  StringSink sink;
  TapeWriter writer(sink, header_of(GetParam()), {});
  WireDecoder decoder;
  EventBatch batch;
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    batch.clear();
    Event& event =
        decoder.decode(R"({"conn_meta":{"id":"a"},"payload":"Closed","when":"2026-08-04T21:00:0)" +
                           std::to_string(sequence) + R"(Z"})",
                       Opcode::Text,
                       batch);
    event.sequence = sequence;
    event.received = kReceived;
    writer.add(event);
  }
  writer.seal({}, 0);
  EXPECT_THAT(read_back(sink.text()).received, ::testing::Each(kReceived));
}

TEST_P(TapeLayouts, GivesBackABatchOfNothingButFramesKeptWhole) {
  const Made made =
      make_tape(std::vector<std::string>(5000, "not json"), GetParam(), sizes(kMiB, kMiB));
  const ReadBack got = read_back(made.bytes);
  EXPECT_EQ(got.frames, made.frames);
  EXPECT_TRUE(got.damage.empty());
}

TEST_P(TapeLayouts, CutAnywhereItGivesEveryWholeBatchAndSaysWhereItEnds) {
  const Made made = make_tape(some_frames(24), GetParam(), sizes(kKi, 4 * kKi));
  const ReadBack whole = read_back(made.bytes);
  ASSERT_GE(whole.footer->groups.size(), 3U);
  // Everywhere; in the schema's text in the header, one place in 31.
  const std::uint64_t header_bytes = whole.footer->groups.front().offset;
  std::size_t before = 0;
  for (std::size_t size = 0;
       size<made.bytes.size(); size += size> 250 && size + 31 < header_bytes ? 31 : 1) {
    const ReadBack got = read_back(std::string_view(made.bytes).substr(0, size));
    ASSERT_FALSE(got.refused) << "cut at " << size;
    ASSERT_LE(got.frames.size(), made.frames.size());
    ASSERT_TRUE(std::equal(got.frames.begin(), got.frames.end(), made.frames.begin())) << size;
    ASSERT_GE(got.frames.size(), before) << "cut at " << size;
    before = got.frames.size();
    ASSERT_NE(got.end, TapeEnd::Sealed) << size;
    ASSERT_EQ(got.damage.size(), got.end == TapeEnd::Torn ? 1U : 0U) << size;
    ASSERT_LE(got.good_until, size);
    if (got.end == TapeEnd::Torn) {
      ASSERT_EQ(got.damage[0].offset + got.damage[0].bytes, size);
      continue;
    }
    // An unclosed end lies at the end of a batch, between the last of a group and the group's own
    // (zstd's empty last block and checksum), or within a section.
    const bool in_section = std::any_of(
        whole.footer->groups.begin(), whole.footer->groups.end(), [&](const GroupIndex& group) {
          const std::uint64_t end = group.offset + group.bytes;
          return size + 7 >= end && (group.number + 1 == whole.footer->groups.size() ||
                                     size <= whole.footer->groups[group.number + 1].offset);
        });
    ASSERT_TRUE(in_section || got.good_until == size || size == 0) << size;
  }
  EXPECT_EQ(before, made.frames.size());
}

TEST_P(TapeLayouts, AFlippedBitIsNeverShownAsTruthAndCostsAtMostOneGroup) {
  const Made made = make_tape(some_frames(9), GetParam(), sizes(kKi, 3 * kKi));
  const ReadBack whole = read_back(made.bytes);
  std::size_t largest_group = 0;
  for (const GroupIndex& group : whole.footer->groups) {
    largest_group = std::max<std::size_t>(largest_group, group.events);
  }
  // Every bit; of the schema's text in the header, one a byte.
  const std::uint64_t header_bits = whole.footer->groups.front().offset * 8;
  for (std::size_t bit = 0;
       bit<made.bytes.size() * 8; bit += bit> 2000 && bit + 9 < header_bits ? 9 : 1) {
    std::string bytes = made.bytes;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const ReadBack got = read_back(bytes);
    ASSERT_FALSE(got.refused) << "bit " << bit;
    ASSERT_FALSE(got.damage.empty()) << "bit " << bit;
    ASSERT_GE(got.frames.size() + largest_group, made.frames.size()) << "bit " << bit;
    for (std::size_t i = 0; i < got.frames.size(); ++i) {
      const std::uint64_t sequence = got.sequences[i];
      ASSERT_TRUE(sequence >= 1 && sequence <= made.frames.size());
      ASSERT_EQ(got.frames[i], made.frames[sequence - 1]) << "bit " << bit;
    }
  }
}

// A block that seems longer leads past the group's index, and into the next group.
TEST_P(TapeLayouts, AWrongLengthCostsNoGroupButItsOwn) {
  std::mt19937_64 random(7);
  std::vector<std::string> frames;
  for (int i = 0; i < 8; ++i) {
    std::string text(4000, ' ');
    for (char& c : text)
      c = static_cast<char>('0' + random() % 64);
    std::erase(text, '\\');
    frames.push_back(R"({"conn_meta":{"id":"a"},"payload":{"Write":")" + text +
                     R"("},"when":"2026-08-04T13:54:50Z"})");
  }
  const Made made = make_tape(frames, GetParam(), sizes(kKi, 7 * kKi));
  const ReadBack whole = read_back(made.bytes);
  ASSERT_EQ(whole.footer->groups.size(), 4U);
  const GroupIndex& group = whole.footer->groups[1];
  for (std::size_t bit = 0; bit < 8U * 64; ++bit) {
    std::string bytes = made.bytes;
    const std::size_t at = group.offset + bit / 8;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit % 8));
    const ReadBack got = read_back(bytes);
    ASSERT_GE(got.frames.size(), made.frames.size() - group.events) << "bit " << bit;
    ASSERT_FALSE(got.damage.empty()) << "bit " << bit;
  }
}

TEST_P(TapeLayouts, WhatIsAppendedIsNeverReadAsData) {
  const Made made = make_tape(some_frames(20), GetParam(), sizes(kKi, 4 * kKi));
  const Made other = make_tape(some_frames(20), GetParam(), sizes(kKi, 4 * kKi));
  const ReadBack whole = read_back(made.bytes);
  const std::uint64_t footer_at = whole.footer->groups.back().offset;
  for (const std::string& unclosed : {made.bytes, made.bytes.substr(0, footer_at)}) {
    const std::size_t frames = read_back(unclosed).frames.size();
    for (const std::string& rubbish : {std::string(5000, '\0'),
                                       other.bytes,
                                       other.bytes.substr(made.bytes.size() / 2),
                                       std::string("\x28\xB5\x2F\xFD noise")}) {
      const ReadBack got = read_back(unclosed + rubbish);
      EXPECT_EQ(got.frames.size(), frames);
      EXPECT_FALSE(got.damage.empty());
    }
  }
}

TEST_P(TapeLayouts, KeepsGapsNotesAndOrigins) {
  StringSink sink;
  const TapeHeader header = header_of(GetParam());
  TapeWriter writer(sink, header, {});
  const Origin elsewhere{random_id(), "mta-2", 3, true};
  WireDecoder decoder;
  EventBatch batch;
  Event event =
      decoder.decode(R"({"conn_meta":{"id":"a"},"payload":"Closed","when":"2026-08-04T13:54:50Z"})",
                     Opcode::Text,
                     batch);
  event.sequence = 10;
  event.received = 5;
  writer.add(event);
  event.sequence = 99;
  event.received = 4;
  event.origin = &elsewhere;
  writer.add(event);
  Gap gap;
  gap.cause = GapCause::Oversize;
  gap.count = 1;
  gap.frame_bytes = 77;
  gap.after_sequence = 99;
  gap.detail = "too large";
  gap.origin = &elsewhere;
  writer.add(gap);
  writer.add(Note{"end", "no newline"});
  writer.seal({}, 0);
  StringSource source(sink.text());
  TapeReader reader(source, "x");
  ASSERT_TRUE(reader.next(batch));
  ASSERT_EQ(batch.events.size(), 2U);
  EXPECT_EQ(batch.events[0].sequence, 10U);
  EXPECT_EQ(batch.events[1].sequence, 99U);
  EXPECT_EQ(batch.events[1].received, 4);
  EXPECT_EQ(*batch.events[0].origin, header.origin);
  EXPECT_EQ(*batch.events[1].origin, elsewhere);
  ASSERT_EQ(batch.gaps.size(), 1U);
  EXPECT_EQ(batch.gaps[0].frame_bytes, 77U);
  EXPECT_EQ(batch.gaps[0].detail, "too large");
  EXPECT_EQ(*batch.gaps[0].origin, elsewhere);
  ASSERT_EQ(batch.notes.size(), 1U);
  EXPECT_EQ(batch.notes[0].value, "no newline");
  ASSERT_FALSE(reader.next(batch));
  EXPECT_EQ(reader.footer()->origins.size(), 2U);
  EXPECT_EQ(reader.footer()->groups[0].gaps.size(), 1U);
}

// A frame limit of one byte makes a gap of every frame: neither index nor footer may burst.
TEST_P(TapeLayouts, GapsWithoutNumberAreKeptAndTheFooterStaysSmall) {
  constexpr std::uint64_t kGaps = 50'000;
  StringSink sink;
  TapeWriter writer(sink, header_of(GetParam()), {});
  Gap gap;
  gap.cause = GapCause::Oversize;
  gap.count = 1;
  gap.detail = std::string(5000, 'x');
  for (std::uint64_t i = 0; i < kGaps; ++i) {
    gap.after_sequence = i;
    writer.add(gap);
  }
  writer.seal({}, 0);
  StringSource source(sink.text());
  TapeReader reader(source, "x");
  EventBatch batch;
  std::uint64_t read = 0;
  while (reader.next(batch)) {
    for (const Gap& each : batch.gaps) {
      ASSERT_EQ(each.after_sequence, read++);
      ASSERT_EQ(each.detail.size(), kMostDetailBytes);
    }
  }
  EXPECT_EQ(read, kGaps);
  for (const Damage& damage : reader.damage())
    ADD_FAILURE() << damage.offset << ": " << damage.what;
  ASSERT_TRUE(reader.footer());
  std::uint64_t counted = 0;
  std::uint64_t listed = 0;
  for (const GroupIndex& group : reader.footer()->groups) {
    EXPECT_LE(group.gap_count, kMostGroupGaps);
    counted += group.gap_count;
    listed += group.gaps.size();
  }
  EXPECT_EQ(counted, kGaps);
  EXPECT_EQ(listed, kMostFooterGaps);
}

// Lists of empty structs: a few bytes claim as many elements as one likes.
TEST(Tape, ListsThatAreLongerThanAnythingWritesAreRefused) {
  const auto message = [](auto fill) {
    capnp::MallocMessageBuilder builder;
    fill(builder);
    std::string out;
    append_message(out, builder);
    return out;
  };
  const std::string gaps = message([](capnp::MallocMessageBuilder& builder) {
    builder.initRoot<tape::GroupIndex>().initGaps(static_cast<unsigned>(kMostGroupGaps + 1));
  });
  EXPECT_THROW((void)read_index_message(gaps), Error);
  const std::string groups = message([](capnp::MallocMessageBuilder& builder) {
    builder.initRoot<tape::TapeFooter>().initNotes(static_cast<unsigned>(kMostFooterNotes + 1));
  });
  EXPECT_THROW((void)read_footer_message(groups), Error);
}

// Gives at most so many bytes at a time.
class SlowSource : public ByteSource {
 public:
  SlowSource(std::string_view bytes, std::size_t most) : left_(bytes), most_(most) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    const std::size_t got = std::min({left_.size(), most_, size});
    left_.copy(to, got);
    left_.remove_prefix(got);
    return got;
  }

 private:
  std::string_view left_;
  std::size_t most_;
};

// What a reader gives and says, in words.
std::string account_of(const std::string& bytes, std::size_t chunk) {
  SlowSource source(bytes, chunk);
  TapeReader reader(source, "x");
  EventBatch batch;
  std::string account;
  try {
    while (reader.next(batch)) {
      for (const Event& event : batch.events)
        account += std::to_string(event.sequence) + " ";
    }
  } catch (const Error& error) {
    account += error.what();
  }
  for (const Damage& damage : reader.damage()) {
    account += "\n" + std::to_string(damage.offset) + " " + std::to_string(damage.bytes) + " " +
               damage.what + " " + std::to_string(damage.events_lost.value_or(0));
  }
  return account + "\n" + std::to_string(static_cast<int>(reader.end())) + " " +
         std::to_string(reader.good_until());
}

// A pipe gives what it has; a damaged tape must read the same from it as from a file.
TEST_P(TapeLayouts, WhatIsReadDoesNotDependOnHowMuchComesAtATime) {
  const Made made = make_tape(some_frames(12), GetParam(), sizes(kKi, 3 * kKi));
  constexpr std::size_t kHeader = 9000;  // the schema, mostly
  for (std::size_t at = 0; at < made.bytes.size(); at += at < kHeader ? 401 : 3) {
    std::string damaged = made.bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    const std::string account = account_of(damaged, 1 << 20);
    ASSERT_EQ(account_of(damaged, 7), account) << at;
    ASSERT_EQ(account_of(damaged, 300), account) << at;
  }
}

// Where it says that it ends, a frame of zstd begins: the footer's message, 64 bytes into the
// footer.
TEST_P(TapeLayouts, AnIndexThatClaimsTheBeginningOfTheFooterCostsNothingButItself) {
  Made made = make_tape(some_frames(12), GetParam(), sizes(kKi, 3 * kKi));
  const auto footer = parse_trailer(made.bytes);
  ASSERT_TRUE(footer.has_value());
  const std::size_t before = made.bytes.rfind(kSectionMagic, footer->offset) - kFrameHeaderBytes;
  ASSERT_EQ(load_u32(made.bytes.data() + before + 4) + kFrameHeaderBytes, footer->offset - before);
  const auto lie =
      static_cast<std::uint32_t>(footer->offset - before - kFrameHeaderBytes + kSectionStart);
  for (std::size_t i = 0; i < 4; ++i)
    made.bytes[before + 4 + i] = static_cast<char>(lie >> (8 * i) & 0xffU);
  const std::string account = account_of(made.bytes, 1 << 20);
  EXPECT_EQ(account_of(made.bytes, 7), account);
  EXPECT_NE(account.find(std::to_string(footer->offset - before) + " a section's checksum"),
            std::string::npos)
      << account;
}

// Id and flags stand in every section and batch: of a header nothing else is needed.
TEST_P(TapeLayouts, ADamagedHeaderCostsNothingButItself) {
  const Made made = make_tape(some_frames(9), GetParam(), sizes(kKi, 4 * kKi));
  const ReadBack whole = read_back(made.bytes);
  for (const std::size_t first : {0U, 4U, 8U, 16U, 24U, 56U, 64U, 100U}) {
    std::string bytes = made.bytes;
    for (std::size_t at = first; at < first + 8; ++at)
      bytes[at] = static_cast<char>(~bytes[at]);
    const ReadBack got = read_back(bytes);
    EXPECT_EQ(got.frames, whole.frames) << first;
    EXPECT_EQ(got.damage.size(), 1U) << first;
  }
}

// What a file system leaves behind a power loss: to zstd these are blocks without content.
TEST(Tape, ZerosBehindABatchAreNoCleanEndAndStandWhereTheyStand) {
  Made made;
  StringSink sink;
  TapeWriter writer(sink, header_of(Layout::Interleaved), sizes(256 * kKi, 1024 * kKi));
  WireDecoder decoder;
  EventBatch batch;
  std::vector<std::string> states;  // after each flushed batch
  for (const std::string& frame : some_frames(12)) {
    batch.clear();
    Event& event = decoder.decode(frame, Opcode::Text, batch);
    event.sequence = states.size() + 1;
    writer.add(event);
    writer.flush();
    states.push_back(sink.text());
  }
  for (const std::string& state : states) {
    const auto events = static_cast<std::size_t>(&state - states.data()) + 1;
    const auto read = [](const std::string& bytes, std::size_t& count) {
      StringSource source(bytes);
      auto reader = std::make_unique<TapeReader>(source, "x");
      EventBatch got;
      for (count = 0; reader->next(got);)
        count += got.events.size();
      return std::pair(reader->end(), reader->damage());
    };
    std::size_t count = 0;
    EXPECT_EQ(read(state, count).first, TapeEnd::Unclosed);
    for (const std::size_t zeros : {1U, 3U, 512U, 4096U}) {
      const auto [end, damage] = read(state + std::string(zeros, '\0'), count);
      EXPECT_EQ(count, events);
      EXPECT_EQ(end, TapeEnd::Torn);
      ASSERT_EQ(damage.size(), 1U);
      EXPECT_EQ(damage[0].offset, state.size());
      EXPECT_EQ(damage[0].bytes, zeros);
    }
  }
}

// A good checksum says nothing about what a hostile writer put into a section.
TEST_P(TapeLayouts, ASectionThatMakesNoSenseIsDamageAndCostsNothingElse) {
  const Made made = make_tape(some_frames(9), GetParam(), sizes(kKi, 3 * kKi));
  const ReadBack whole = read_back(made.bytes);
  const std::string nonsense(64, '\x7f');
  std::size_t replaced = 0;
  for (std::size_t at = 0; (at = made.bytes.find(kSectionMagic, at)) != std::string::npos; ++at) {
    const std::size_t start = at - kFrameHeaderBytes;
    const std::size_t size = load_u32(made.bytes.data() + start + 4) + kFrameHeaderBytes;
    const auto kind = static_cast<SectionKind>(made.bytes[start + 18]);
    const std::string other = kind == SectionKind::Footer
                                  ? footer_frame(made.header.tape_id, {}, nonsense, start)
                                  : section_frame(kind, made.header.tape_id, {}, nonsense);
    std::string bytes = made.bytes;
    bytes.replace(start, size, other);
    const ReadBack got = read_back(bytes);
    EXPECT_FALSE(got.refused) << "section at " << start;
    EXPECT_EQ(got.frames, made.frames) << "section at " << start;
    EXPECT_FALSE(got.damage.empty()) << "section at " << start;
    ++replaced;
  }
  EXPECT_EQ(replaced, whole.footer->groups.size() + 2);
}

TEST(Tape, RefusesWhatIsNone) {
  for (const std::string& bytes : {std::string("hello"),
                                   std::string(100'000, 'x'),
                                   std::string("\x28\xB5\x2F\xFD"),
                                   std::string("{\"conn_meta\":null}\n"),
                                   std::string("\x1f\x8b\x08 gzip"),
                                   std::string("\x53\x2A\x4D\x18\x04\0\0\0abcd", 12)}) {
    EXPECT_TRUE(read_back(bytes).refused || read_back(bytes).end == TapeEnd::Torn)
        << bytes.substr(0, 8);
    EXPECT_TRUE(read_back(bytes).frames.empty());
  }
  EXPECT_TRUE(read_back("hello").refused);
  EXPECT_FALSE(read_back("").refused);
}

TEST(Tape, RefusesANewerFormatWithASentence) {
  StringSink sink;
  TapeHeader header = header_of(Layout::Interleaved);
  header.flags.incompatible = 4;
  TapeWriter writer(sink, header, {});
  writer.seal({}, 0);
  StringSource source(sink.text());
  TapeReader reader(source, "x.tape");
  EventBatch batch;
  try {
    (void)reader.next(batch);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("a newer smtptape is needed"));
  }
}

TEST(Tape, AFrameOf60MiBIsOneBatch) {
  const std::string text(60 << 20, 'x');
  const Made made = make_tape({R"({"conn_meta":{"id":"a"},"payload":{"Write":")" + text +
                               R"("},"when":"2026-08-04T13:54:50Z"})"},
                              Layout::Interleaved,
                              {});
  EXPECT_EQ(read_back(made.bytes).frames, made.frames);
}

}  // namespace
}  // namespace smtptape
