#include "store/inputs.h"

#include <sys/resource.h>

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
                    Seal seal = Seal::Yes) {
  TapeHeader header;
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
};

class InputsTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) {
    testing::write_file(directory_ / name, bytes);
    return directory_ / name;
  }

  Got read(const TimeWindow& window = {}) {
    Inputs inputs(find_tapes({directory_.path().string()}), window);
    Got got;
    EventBatch batch;
    while (inputs.next(batch)) {
      for (const Event& event : batch.events)
        got.events.emplace_back(event.origin->source, event.sequence);
      for (const Gap& gap : batch.gaps)
        got.gaps.push_back(gap.origin->source);
    }
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

}  // namespace
}  // namespace smtptape
