#include "store/read/inputs.h"

#include <sys/resource.h>

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

struct Wanted {
  const Origin* origin;
  std::uint64_t sequence;
  std::int64_t received;
};

Origin origin_of(std::string source) {
  return {random_id(), std::move(source), 1, false};
}

enum class Seal : std::uint8_t { Yes, No };

// A tape whose events and gaps are of `origins`; its header names the first.
std::string tape_of(const std::vector<Wanted>& events,
                    const std::vector<Gap>& gaps,
                    bool copy,
                    Seal seal = Seal::Yes,
                    TapeHeader header = {}) {
  header.tape_id = random_id();
  header.origin = *(events.empty() ? gaps.front().origin : events.front().origin);
  if (copy) header.copy_of = random_id();
  StringSink sink;
  TapeOptions options;
  options.batch_bytes = 2000;
  TapeWriter writer(sink, header, options);
  WireDecoder decoder;
  EventBatch batch;
  for (const Wanted& wanted : events) {
    batch.clear();
    Event& event = decoder.decode(
        R"({"conn_meta":{"id":"s1"},"payload":"Closed","when":"2026-08-04T21:00:00Z"})",
        Opcode::Text,
        batch);
    event.origin = wanted.origin;
    event.sequence = wanted.sequence;
    event.received = wanted.received;
    writer.add(event);
  }
  for (const Gap& gap : gaps)
    writer.add(gap);
  writer.end_group();
  if (seal == Seal::Yes) writer.seal({}, 1);
  return sink.text();
}

struct Got {
  std::vector<std::pair<std::string, std::uint64_t>> events;  // source and sequence
  std::vector<std::string> gaps;                              // their sources
  std::vector<std::string> damage;
  std::uint64_t doubles = 0;
};

class InputsTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) {
    testing::write_file(directory_ / name, bytes);
    return directory_ / name;
  }

  Got read(const TimeWindow& window = {}, Recovery recovery = Recovery::Skip) {
    Inputs inputs(find_tapes({directory_.path().string()}), window, recovery);
    Got got;
    EventBatch batch;
    while (inputs.next(batch)) {
      for (const Event& event : batch.events)
        got.events.emplace_back(event.origin->source, event.sequence);
      for (const Gap& gap : batch.gaps)
        got.gaps.push_back(gap.origin->source);
    }
    got.damage = inputs.trouble().damage;
    got.doubles = inputs.doubles();
    return got;
  }

  TemporaryDirectory directory_;
  Origin a_ = origin_of("a");
  Origin b_ = origin_of("b");
};

// Sequences of several captures have nothing to do with each other.
std::vector<Wanted> events_of_two(const Origin& a, const Origin& b) {
  std::vector<Wanted> events;
  for (std::uint64_t i = 0; i < 50; ++i)
    events.push_back({&a, 1000 + i, static_cast<std::int64_t>(i)});
  for (std::uint64_t i = 0; i < 50; ++i)
    events.push_back({&b, 1 + i, static_cast<std::int64_t>(100 + i)});
  return events;
}

TEST_F(InputsTest, AnExtractOfTwoCapturesGivesEveryEventOnce) {
  const auto events = events_of_two(a_, b_);
  write("x.tape", tape_of(events, {}, true));
  EXPECT_THAT(read().events, SizeIs(100));
  write("y.tape", tape_of(events, {}, true));
  EXPECT_THAT(read().events, SizeIs(100));
}

TEST_F(InputsTest, SoDoesOneThatWasCutBeforeItsFooter) {
  write("x.tape", tape_of(events_of_two(a_, b_), {}, true, Seal::No));
  EXPECT_THAT(read().events, SizeIs(100));
}

TEST_F(InputsTest, TapesOfOneCaptureThatOverlapGiveEachEventOnceInOrder) {
  write("1.tape", tape_of({{&a_, 1, 10}, {&a_, 2, 20}, {&a_, 4, 40}}, {}, false));
  write("2.tape", tape_of({{&a_, 2, 20}, {&a_, 3, 30}, {&a_, 4, 40}, {&a_, 5, 50}}, {}, true));
  using Pair = std::pair<std::string, std::uint64_t>;
  EXPECT_THAT(read().events,
              ElementsAre(Pair{"a", 1}, Pair{"a", 2}, Pair{"a", 3}, Pair{"a", 4}, Pair{"a", 5}));
}

TEST_F(InputsTest, AGapIsGivenOnceThoughACopyHoldsItToo) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.after_sequence = 1;
  gap.from = 10;
  gap.until = 20;
  gap.origin = &a_;
  Gap of_b = gap;
  of_b.origin = &b_;
  write("1.tape", tape_of({{&a_, 1, 10}}, {gap}, false));
  write("2.tape", tape_of({{&a_, 1, 10}}, {gap}, true));
  write("3.tape", tape_of({{&a_, 1, 10}, {&b_, 1, 10}}, {gap, of_b}, true));
  EXPECT_THAT(read().gaps, UnorderedElementsAre("a", "b"));
}

TEST_F(InputsTest, AWindowKeepsATapeWhoseLastGapReachesIntoIt) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = 20;
  gap.until = 60;
  gap.origin = &a_;
  write("1.tape", tape_of({{&a_, 1, 10}, {&a_, 2, 20}}, {gap}, false));
  EXPECT_THAT(read({50, {}}).gaps, ElementsAre("a"));
  EXPECT_THAT(read({61, {}}).gaps, IsEmpty());
  EXPECT_THAT(read({{}, 11}).events, SizeIs(2)) << "the tape is read; its events are chosen later";
  EXPECT_THAT(read({{}, 10}).events, IsEmpty());
}

TEST_F(InputsTest, CapturesAreMergedByReceiveTimeThenSource) {
  write("1.tape", tape_of({{&b_, 1, 10}, {&b_, 2, 30}, {&b_, 3, 20}}, {}, false));
  write("2.tape", tape_of({{&a_, 1, 10}, {&a_, 2, 25}, {&a_, 3, 40}}, {}, false));
  using Pair = std::pair<std::string, std::uint64_t>;
  EXPECT_THAT(
      read().events,
      ElementsAre(
          Pair{"a", 1}, Pair{"b", 1}, Pair{"a", 2}, Pair{"b", 2}, Pair{"b", 3}, Pair{"a", 3}));
}

TEST_F(InputsTest, ManyCapturesOneAfterAnotherNeedFewDescriptors) {
  constexpr int kCaptures = 200;
  std::vector<Origin> origins;
  for (int i = 0; i < kCaptures; ++i)
    origins.push_back(origin_of("a"));
  for (int i = 0; i < kCaptures; ++i) {
    const auto& origin = origins[static_cast<std::size_t>(i)];
    write(std::to_string(i) + ".tape", tape_of({{&origin, 1, 10 * i + 1}}, {}, false));
  }
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_THAT(read().events, SizeIs(kCaptures));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

using Pair = std::pair<std::string, std::uint64_t>;

// As many descriptors as a machine gives while this lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t most) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    struct rlimit few = before_;
    few.rlim_cur = most;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  struct rlimit before_ {};
};

// Of as many sources, one after another by their headers' clocks.
TEST_F(InputsTest, ATapeWithoutAnEndIsOpenedWhenItsTurnComes) {
  constexpr std::size_t kTapes = 300;
  std::vector<Origin> origins;
  for (std::size_t i = 0; i < kTapes; ++i)
    origins.push_back(origin_of("source " + std::to_string(i)));
  for (std::size_t i = 0; i < kTapes; ++i) {
    TapeHeader header;
    header.clock.realtime = static_cast<std::int64_t>(10 * i + 1);
    write(std::to_string(i) + ".tape",
          tape_of({{&origins[i], 1, header.clock.realtime + 5}}, {}, false, Seal::No, header));
  }
  const FewDescriptors few(64);
  const Got got = read();
  EXPECT_THAT(got.damage, IsEmpty());
  ASSERT_THAT(got.events, SizeIs(kTapes));
  for (std::size_t i = 0; i < kTapes; ++i)
    EXPECT_EQ(got.events[i].first, "source " + std::to_string(i));
}

TEST_F(InputsTest, SoAreManyOfOneSource) {
  constexpr std::size_t kTapes = 300;
  std::vector<Origin> origins;
  for (std::size_t i = 0; i < kTapes; ++i)
    origins.push_back({random_id(), "a", i + 1, false});
  for (std::size_t i = 0; i < kTapes; ++i)
    write(std::to_string(i) + ".tape", tape_of({{&origins[i], i + 1, 7}}, {}, false, Seal::No));
  const FewDescriptors few(64);
  const Got got = read();
  EXPECT_THAT(got.damage, IsEmpty());
  ASSERT_THAT(got.events, SizeIs(kTapes));
  for (std::size_t i = 0; i < kTapes; ++i)
    EXPECT_EQ(got.events[i].second, i + 1);
}

// A clock that was ahead, and was set right when the machine was started anew.
TEST_F(InputsTest, TheTapesNumberIsTheOrderNotTheClock) {
  const Origin ahead{random_id(), "a", 1, false};
  const Origin after{random_id(), "a", 2, false};
  write("1.tape", tape_of({{&ahead, 1, 7210}, {&ahead, 2, 7220}}, {}, false));
  write("2.tape", tape_of({{&after, 3, 30}, {&after, 4, 40}}, {}, false));
  write("x.tape", tape_of({{&after, 3, 30}, {&ahead, 2, 7220}}, {}, true));
  EXPECT_THAT(read().events, ElementsAre(Pair{"a", 1}, Pair{"a", 2}, Pair{"a", 3}, Pair{"a", 4}));
}

// Their numbers have nothing to do with each other.
TEST_F(InputsTest, RecordersOfOneNameAreMergedByTime) {
  const Origin old{random_id(), "a", 40, false};
  const Origin young{random_id(), "a", 1, false};
  std::filesystem::create_directory(directory_ / "other");
  write("1.tape", tape_of({{&old, 1, 10}, {&old, 2, 30}}, {}, false));
  write("other/1.tape", tape_of({{&young, 5, 20}, {&young, 6, 40}}, {}, false));
  Inputs inputs(find_tapes({directory_.path().string(), directory_ / "other"}));
  std::vector<std::uint64_t> got;
  EventBatch batch;
  while (inputs.next(batch))
    for (const Event& event : batch.events)
      got.push_back(event.sequence);
  EXPECT_THAT(got, ElementsAre(1, 5, 2, 6));
}

TEST_F(InputsTest, ImportsOfOneNameAreMergedByTime) {
  const Origin one{random_id(), "import", 1, true};
  const Origin two{random_id(), "import", 2, true};
  write("1.tape", tape_of({{&one, 1, 10}, {&one, 2, 30}}, {}, false));
  write("2.tape", tape_of({{&two, 1, 20}, {&two, 2, 40}}, {}, false));
  EXPECT_THAT(
      read().events,
      ElementsAre(Pair{"import", 1}, Pair{"import", 1}, Pair{"import", 2}, Pair{"import", 2}));
}

TEST_F(InputsTest, SoIsAnImportBesideARecordingOfItsName) {
  const Origin recorded{random_id(), "a", 1, false};
  const Origin imported{random_id(), "a", 2, true};
  write("1.tape", tape_of({{&recorded, 1, 10}, {&recorded, 2, 30}}, {}, false));
  write("2.tape", tape_of({{&imported, 3, 20}, {&imported, 4, 40}}, {}, false));
  EXPECT_THAT(read().events, ElementsAre(Pair{"a", 1}, Pair{"a", 3}, Pair{"a", 2}, Pair{"a", 4}));
}

// The bytes of its first group are wrong; what is before it in time came out.
std::string damaged(std::string bytes) {
  bytes[bytes.find("\x28\xB5\x2F\xFD") + 20] ^= 1;
  return bytes;
}

TEST_F(InputsTest, AtDamageTheTailIsTheEndOfEverySource) {
  write("1.tape", tape_of({{&b_, 1, 10}, {&b_, 2, 20}}, {}, false));
  const Origin later{b_.capture, "b", 2, false};
  TapeHeader header;
  header.first_sequence = 3;
  write("2.tape", damaged(tape_of({{&later, 3, 30}}, {}, false, Seal::Yes, header)));
  write("3.tape", tape_of({{&a_, 1, 5}, {&a_, 2, 15}, {&a_, 3, 35}, {&a_, 4, 45}}, {}, false));
  EXPECT_THAT(read({}, Recovery::Tail).events,
              ElementsAre(Pair{"a", 1}, Pair{"b", 1}, Pair{"a", 2}, Pair{"b", 2}));
  EXPECT_THAT(read({}, Recovery::Tail).damage, SizeIs(1));
  EXPECT_THAT(read().events, SizeIs(6));
}

TEST_F(InputsTest, SoItIsInAnExtractThatIsReadForEachSource) {
  write("x.tape", damaged(tape_of({{&a_, 1, 10}, {&b_, 1, 20}}, {}, true)));
  write("y.tape", tape_of({{&b_, 2, 30}}, {}, false));
  EXPECT_THAT(read({}, Recovery::Tail).events, IsEmpty());
  const Got got = read();
  EXPECT_THAT(got.events, ElementsAre(Pair{"b", 2}));
  EXPECT_THAT(got.damage, SizeIs(1)) << "told once";
}

// Whichever source meets it first.
TEST_F(InputsTest, AnExtractEndsForAllWhereOneOfItsSourcesMeetsTheDamage) {
  std::vector<Wanted> events;
  for (std::uint64_t i = 1; i <= 60; ++i)
    events.push_back({&b_, i, static_cast<std::int64_t>(i)});
  for (std::uint64_t i = 1; i <= 60; ++i)
    events.push_back({&a_, i, static_cast<std::int64_t>(100 + i)});
  std::string bytes = tape_of(events, {}, true);
  const std::size_t group = bytes.find("\x28\xB5\x2F\xFD");
  const std::size_t end = bytes.find("\x2A\x4D\x18", group);
  bytes[group + (end - group) * 9 / 10] ^= 1;
  write("x.tape", bytes);
  write("y.tape", tape_of({{&b_, 61, 200}}, {}, false));
  std::set<std::string> sources;
  for (const Pair& event : read().events)
    sources.insert(event.first);
  EXPECT_THAT(sources, UnorderedElementsAre("a", "b")) << "there is something of both before it";
  sources.clear();
  for (const Pair& event : read({}, Recovery::Tail).events)
    sources.insert(event.first);
  EXPECT_THAT(sources, ElementsAre("b"));
}

TEST_F(InputsTest, AnExtractTellsItsNotesAndGapsOnceThoughItIsReadForEachSource) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = gap.until = 15;
  gap.origin = &b_;
  write("x.tape", tape_of({{&a_, 1, 10}, {&b_, 1, 20}}, {gap}, true));
  write("y.tape", tape_of({{&a_, 1, 10}}, {}, false));
  EXPECT_THAT(read().gaps, ElementsAre("b"));
  EXPECT_THAT(read().events, ElementsAre(Pair{"a", 1}, Pair{"b", 1}));
}

TEST_F(InputsTest, WhatTwoRecordersOfOneEndpointHaveComesOutOnce) {
  TapeHeader header;
  header.url = "http://mta-1:8000";
  write("1.tape",
        tape_of({{&a_, 1, 10}, {&a_, 2, 20}, {&a_, 3, 30}}, {}, false, Seal::Yes, header));
  write("2.tape", tape_of({{&b_, 7, 11}, {&b_, 8, 31}}, {}, false, Seal::No, header));
  const Got got = read();
  EXPECT_THAT(got.events, ElementsAre(Pair{"a", 1}, Pair{"a", 2}, Pair{"a", 3}));
  EXPECT_EQ(got.doubles, 2U);
  Inputs all(find_tapes({directory_.path().string()}), {}, Recovery::Skip, Doubles::Keep);
  std::size_t events = 0;
  EventBatch batch;
  while (all.next(batch))
    events += batch.events.size();
  EXPECT_EQ(events, 5U);
  EXPECT_EQ(all.doubles(), 0U);
}

}  // namespace
}  // namespace smtptape
