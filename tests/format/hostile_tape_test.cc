// Tapes made by a stranger: right checksums, and numbers that claim what is not there.  Reading one
// takes 64 MiB and twice the size of a group at most, whatever a few compressed bytes say.
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <capnp/any.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/limits.h"
#include "format/tape/batch_head.h"
#include "format/tape/compressor.h"
#include "format/tape/group_decoder.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "format/wire/unpacked_source.h"
#include "tests/format/made_tape.h"
#include "tests/support/peak_memory.h"
#include "tests/support/sanitized.h"

namespace smtptape {
namespace {

constexpr std::uint64_t kAlways = 64 * kMiB;

template <class Fill>
std::string record(RecordKind kind, Fill fill) {
  return message_of([&](capnp::MessageBuilder& message) {
    auto root = message.initRoot<tape::Record>();
    root.setKind(static_cast<std::uint16_t>(kind));
    fill(root);
  });
}

// A frame of batches, each of so many events.
struct MadeBatch {
  std::string records;
  std::uint32_t events = 0;
};
std::string frame_of(const Id128& tape, const std::vector<MadeBatch>& batches) {
  std::string frame;
  Compressor compressor(3, 23);
  BatchHead head;
  head.tape_id = tape;
  for (const MadeBatch& batch : batches) {
    head.body_bytes = batch.records.size();
    head.events = batch.events;
    compressor.add(batch_head_message(head, 1, {batch.records}), frame);
    compressor.add(batch.records, frame);
    compressor.flush(frame);
    ++head.number;
  }
  compressor.end(frame);
  return frame;
}

// A tape with one group that has one batch.
std::string tape_of(std::string_view records) {
  const TapeHeader header = header_of(Layout::Interleaved);
  return section_frame(SectionKind::Header, header.tape_id, header.flags, to_message(header)) +
         frame_of(header.tape_id, {{std::string(records)}});
}

// The peak of reading it; what is read is thrown away.
std::uint64_t cost_of_reading(std::string_view tape, std::vector<Damage>* damage = nullptr) {
  const auto peak = testing::peak_memory_of([&] {
    StringSource source(tape);
    TapeReader reader(source, "x.tape");
    EventBatch batch;
    while (reader.next(batch)) {
    }
    if (damage != nullptr) *damage = reader.damage();
  });
  return peak.value_or(0);
}

// Makes a pointer of a struct the list of so many structs that take no bytes.
template <class Builder>
void claim_empty_structs(Builder of, unsigned pointer, unsigned count) {
  capnp::AnyStruct::Builder any = capnp::toAny(of);
  any.getPointerSection()[pointer].initAsListOfAnyStruct(0, 0, count);
}

std::string repeated(const std::string& piece, std::uint64_t bytes) {
  std::string all;
  all.reserve(bytes + piece.size());
  while (all.size() < bytes)
    all += piece;
  return all;
}

TEST(HostileTape, EmptyStructsInAListTakeNoMemory) {
  constexpr unsigned kClaimed = 25'000'000;
  const std::string pairs = record(RecordKind::Metas, [](tape::Record::Builder root) {
    claim_empty_structs(root.initMetas().initList(1)[0], 0, kClaimed);
  });
  const std::string keys = record(RecordKind::Metas, [](tape::Record::Builder root) {
    claim_empty_structs(root.initMetas().initList(1)[0], 1, kClaimed);
  });
  const std::string metas = record(RecordKind::Metas, [](tape::Record::Builder root) {
    claim_empty_structs(root.initMetas(), 0, kClaimed);
  });
  const std::string frames = record(RecordKind::Verbatim, [](tape::Record::Builder root) {
    claim_empty_structs(root.initVerbatim(), 0, kClaimed);
  });
  // With so many bytes behind it that each could have one.
  const std::string room =
      record(RecordKind::Note, [](tape::Record::Builder root) { root.initNote().initValue(kMiB); });
  for (const std::string& bomb : {pairs, keys, metas, frames}) {
    for (const std::string& body : {bomb, bomb + repeated(room, 32 * kMiB)}) {
      std::vector<Damage> damage;
      EXPECT_LE(cost_of_reading(tape_of(body), &damage), kAlways + 2 * body.size());
      EXPECT_FALSE(damage.empty());
    }
  }
}

TEST(HostileTape, MillionsOfEmptyRecordsTakeNoMemory) {
  const std::string empty = record(RecordKind::Note, [](tape::Record::Builder) {});
  const std::string clock =
      record(RecordKind::Clock, [](tape::Record::Builder root) { root.initClock(); });
  const std::string unknown = record(static_cast<RecordKind>(77), [](tape::Record::Builder) {});
  for (const std::string& each : {empty, clock, unknown}) {
    const std::string body = repeated(each, 48 * kMiB);
    std::vector<Damage> damage;
    EXPECT_LE(cost_of_reading(tape_of(body), &damage), kAlways + 2 * body.size());
    EXPECT_FALSE(damage.empty());
  }
}

// Each says little and means much: the metadata before it, once more.
TEST(HostileTape, MetadataThatGrowsOutOfLittleIsChargedBeforeItIsMade) {
  const std::string body = record(RecordKind::Metas, [](tape::Record::Builder root) {
    constexpr unsigned kMetas = 20'000;
    const std::string large = '"' + std::string(kMiB, 'x') + '"';
    auto list = root.initMetas().initList(kMetas);
    for (unsigned i = 0; i < kMetas; ++i) {
      list[i].setParent(i);
      auto pair = list[i].initSet(1)[0];
      pair.setKey(as_data(i == 0 ? "a" : "b"));
      pair.setJson(as_data(i == 0 ? large : "1"));
    }
  });
  std::vector<Damage> damage;
  EXPECT_LE(cost_of_reading(tape_of(body), &damage), kGroupMetaRoom + kAlways + 2 * body.size());
  EXPECT_FALSE(damage.empty());
}

template <class Root, class Fill>
std::string section_of(SectionKind kind, Fill fill) {
  const TapeHeader header = header_of(Layout::Interleaved);
  const std::string start =
      section_frame(SectionKind::Header, header.tape_id, header.flags, to_message(header));
  const std::string message =
      message_of([&](capnp::MessageBuilder& builder) { fill(builder.initRoot<Root>()); });
  if (kind == SectionKind::Index) {
    return start + section_frame(kind, header.tape_id, header.flags, message);
  }
  return start + footer_frame(header.tape_id, header.flags, message, start.size());
}

TEST(HostileTape, ListsOfAFooterTakeNoMoreThanTheirBytes) {
  constexpr unsigned kGroups = 60'000;
  const auto footer = [](auto fill) {
    return section_of<tape::TapeFooter>(SectionKind::Footer, fill);
  };
  const std::string groups = footer([](auto to) { claim_empty_structs(to, 0, 1U << 20); });
  EXPECT_LE(cost_of_reading(groups), kAlways);
  // Each of which has as many as one may have.
  const auto in_each = [&](unsigned pointer, unsigned count) {
    return footer([&](tape::TapeFooter::Builder to) {
      for (auto group : to.initGroups(kGroups))
        claim_empty_structs(group, pointer, count);
    });
  };
  for (const auto& [pointer, count] : {std::pair{0U, 4096U}, {1U, 65536U}, {2U, 64U}}) {
    std::vector<Damage> damage;
    EXPECT_LE(cost_of_reading(in_each(pointer, count), &damage), kAlways + 2 * 15 * kMiB)
        << pointer;
    EXPECT_FALSE(damage.empty()) << pointer;
  }
}

TEST(HostileTape, ValuesOfASummaryTakeNoMoreThanTheirBytes) {
  constexpr unsigned kValues = 4'000'000;
  const std::string tape = section_of<tape::GroupIndex>(
      SectionKind::Index,
      [](tape::GroupIndex::Builder to) { to.initSummaries(1)[0].initValues(kValues); });
  std::vector<Damage> damage;
  EXPECT_LE(cost_of_reading(tape, &damage), kAlways + 2 * 8 * kValues);
  EXPECT_FALSE(damage.empty());
}

TEST(HostileTape, ASectionOfZerosIsNotDecompressedWithoutEnd) {
  const TapeHeader header = header_of(Layout::Interleaved);
  std::string tape =
      section_frame(SectionKind::Header, header.tape_id, header.flags, to_message(header));
  tape += section_frame(
      SectionKind::Index, header.tape_id, header.flags, std::string(160 * kMiB, '\0'));
  // A sanitizer counts what was asked for, also what was not touched.
  const std::uint64_t untouched = testing::kSanitized ? 8 * kMiB : 0;
  EXPECT_LE(cost_of_reading(tape), kAlways + 2 * 64 * kMiB + untouched);
}

// Endless bytes that look like sections, each as long as a section may be.
class FakeSections : public ByteSource {
 public:
  FakeSections(std::string start, std::uint64_t bytes, std::uint32_t size)
      : piece_(std::string(kSkippableMagicBytes) + little_endian(size) +
               std::string(kSectionMagic) + std::string(100, 'x')),
        start_(std::move(start)),
        left_(bytes) {}
  [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
    std::size_t done = 0;
    for (; done < size && (at_ < start_.size() || left_ > 0); ++done, ++at_) {
      if (at_ >= start_.size()) --left_;
      to[done] = at_ < start_.size() ? start_[at_] : piece_[(at_ - start_.size()) % piece_.size()];
    }
    return done;
  }

 private:
  static std::string little_endian(std::uint32_t value) {
    std::string bytes;
    for (int i = 0; i < 4; ++i)
      bytes.push_back(static_cast<char>(value >> (8 * i)));
    return bytes;
  }
  std::string piece_;
  std::string start_;
  std::size_t at_ = 0;
  std::uint64_t left_;
};

TEST(HostileTape, TheSearchAfterDamageTakesNoMemory) {
  const Made made = make_tape(some_frames(24), Layout::Interleaved, sizes(kKi, 2 * kKi));
  const ReadBack whole = read_back(made.bytes);
  ASSERT_GE(whole.footer->groups.size(), 2U);
  const std::string start = made.bytes.substr(0, whole.footer->groups[1].offset);
  for (const std::uint32_t size : {64U, 4000U, 250U << 20}) {
    const auto peak = testing::peak_memory_of([&] {
      FakeSections source(start, 300 * kMiB, size);
      TapeReader reader(source, "x.tape");
      EventBatch batch;
      while (reader.next(batch)) {
      }
      EXPECT_FALSE(reader.damage().empty());
    });
    // Memory that grows is another piece, to a sanitizer, and is copied.
    const std::uint64_t most = 2 * kAlways + size;
    EXPECT_LE(peak.value_or(0), testing::kSanitized ? most + most / 2 : most) << size;
  }
}

TEST(HostileTape, PlacesOfDamageAreCountedUpToABound) {
  const Made made = make_tape(some_frames(9), Layout::Interleaved, sizes(kKi, 3 * kKi));
  const std::string index = "S*M\x18" + std::string("\x38\0\0\0", 4) + std::string(0x38, 'x');
  const std::string tape = made.bytes + repeated(index, 4 * kMiB);
  const ReadBack got = read_back(tape.substr(0, tape.size()));
  EXPECT_LE(got.damage.size(), kMostDamage);
  std::string without_footer = made.bytes.substr(0, parse_trailer(made.bytes)->offset);
  const ReadBack other = read_back(without_footer + repeated(index, 4 * kMiB));
  EXPECT_EQ(other.frames, made.frames);
  EXPECT_EQ(other.damage.size(), kMostDamage);
}

// --- no memory ---

// Runs in a process of its own, which may take so much more.
template <class Work>
int exit_without_memory(std::uint64_t room, Work work) {
  const rlim_t most = testing::own_memory("VmSize") * kKiB + room;
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
  try {
    work();
  } catch (const std::bad_alloc&) {
    return 3;
  } catch (const std::exception&) {
    return 4;
  }
  return 5;
}

TEST(HostileTape, ThatThereIsNoMemoryIsNoDamage) {
  if (testing::kSanitized) GTEST_SKIP() << "a sanitizer ends the process itself";
  // In a process that has nothing left over of what others freed.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::string text = std::string(kMiB, 'x') + "\n";
  std::string frame;  // that asks for a window of 128 MiB
  Compressor compressor(1, 27);
  for (int i = 0; i < 140; ++i)
    compressor.add(text, frame);
  compressor.end(frame);
  const auto exits = ::testing::ExitedWithCode(3);
  const auto tape = [&] { static_cast<void>(cost_of_reading(tape_of("") + frame)); };
  const auto whole = [&] { static_cast<void>(decompress_whole(frame, 256 * kMiB)); };
  const auto packed = [&] {
    UnpackedSource source(
        std::make_unique<StringSource>(frame), "x.jsonl.zst", UnpackedSource::Content::Lines);
    std::string to(kMiB, '\0');
    while (source.read(to.data(), to.size()) > 0) {
    }
  };
  EXPECT_EXIT(std::_Exit(exit_without_memory(64 * kMiB, tape)), exits, "");
  EXPECT_EXIT(std::_Exit(exit_without_memory(64 * kMiB, whole)), exits, "");
  EXPECT_EXIT(std::_Exit(exit_without_memory(64 * kMiB, packed)), exits, "");
}

// --- all that read a group agree ---

TEST(HostileTape, AnEventRefersToNothingThatALaterBatchDefines) {
  const std::string event = record(RecordKind::Events, [](tape::Record::Builder root) {
    auto events = root.initEvents();
    events.setCount(1);
    events.setFirstSequence(1);
    events.initKind(1).set(0, 2);
    events.initMeta().initU8(1).set(0, 1);
  });
  const std::string origin = record(RecordKind::Origin, [](tape::Record::Builder root) {
    root.initOrigin().setSource(as_data("mta-1"));
  });
  const std::string meta = record(RecordKind::Metas, [](tape::Record::Builder root) {
    root.initMetas().initList(1)[0].setJson(as_data("null"));
  });
  const Id128 tape = random_id();
  const auto events_of = [&](const std::vector<MadeBatch>& batches) -> std::size_t {
    GroupIndex index;
    index.events = 1;
    const std::string frame = frame_of(tape, batches);
    index.column_raw_bytes = decompress_whole(frame, kMiB).size();
    GroupDecoder decoder(tape, index);
    if (!decoder.add_columns(frame, {})) return 0;
    std::size_t events = 0;
    for (const EventBatch& batch : decoder.take())
      events += batch.events.size();
    return events;
  };
  EXPECT_EQ(events_of({{origin + meta}, {event, 1}}), 1U);
  EXPECT_THROW(static_cast<void>(events_of({{origin + event, 1}, {meta}})), Error);
  EXPECT_THROW(static_cast<void>(events_of({{meta + event, 1}, {origin}})), Error);
}

// --- writers ---

// Two of them would make a batch that no reader takes.
TEST(HostileTape, HugeMetadataOfAFrameThatIsKeptWholeIsStoredOnce) {
  const std::string value(2 * kMiB, 'v');
  const std::string frame = R"({ "conn_meta":{"id":"a","x":")" + value +
                            R"("},"payload":"Closed","when":"2026-08-04T13:54:50Z"})";
  const Made made = make_tape({frame}, Layout::Interleaved, sizes(kMiB, 64 * kMiB));
  const ReadBack got = read_back(made.bytes);
  EXPECT_EQ(got.frames, made.frames);
  EXPECT_EQ(got.footer->groups[0].verbatim, 1U);
  EXPECT_LT(got.footer->groups[0].column_raw_bytes, 3 * kMiB);
}

TEST(HostileTape, AnyNumberOfOriginsNotesAndClocksIsReadBack) {
  constexpr std::uint32_t kMany = 70'000;
  for (const Layout layout : {Layout::Interleaved, Layout::TwoFrames}) {
    StringSink sink;
    TapeWriter writer(sink, header_of(layout), sizes(kMiB, 64 * kMiB));
    for (std::uint32_t i = 0; i < kMany; ++i) {
      Origin origin{random_id(), "mta-" + std::to_string(i), 1, false};
      Gap gap;
      gap.origin = &origin;
      gap.after_sequence = i;
      writer.add(gap);
      writer.add(Note{"n", std::to_string(i)});
      writer.add(ClockReading{i, i, i});
    }
    writer.seal({}, 1);
    StringSource source(sink.text());
    TapeReader reader(source, "x.tape");
    EventBatch batch;
    std::uint32_t gaps = 0;
    std::uint32_t notes = 0;
    std::uint32_t clocks = 0;
    while (reader.next(batch)) {
      for (const Gap& gap : batch.gaps)
        EXPECT_EQ(gap.origin->source, "mta-" + std::to_string(gaps++));
      notes += static_cast<std::uint32_t>(batch.notes.size());
      for (const ClockReading& clock : batch.clocks)
        EXPECT_EQ(clock.boottime, clocks++);
    }
    EXPECT_EQ(gaps, kMany);
    EXPECT_EQ(notes, kMany);
    EXPECT_EQ(clocks, kMany);
    EXPECT_TRUE(reader.damage().empty());
    EXPECT_EQ(reader.footer()->origins.size(), kMostFooterOrigins);
  }
}

}  // namespace
}  // namespace smtptape
