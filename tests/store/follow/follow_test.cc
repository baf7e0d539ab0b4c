#include "store/follow/follow.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/record/live_tape.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "store/find/watched_directory.h"
#include "store/keep/store.h"
#include "tests/store/random_store.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TapeHeader header_of(const Origin& origin) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = origin;
  return header;
}

void add_event(TapeWriter& writer, std::uint64_t sequence, std::int64_t received) {
  WireDecoder decoder;
  EventBatch batch;
  Event& event = decoder.decode(
      R"({"conn_meta":{"id":"s1"},"payload":"Closed","when":"2026-08-04T21:00:00Z"})",
      Opcode::Text,
      batch);
  event.sequence = sequence;
  event.received = received;
  writer.add(event);
}

// A tape that a recorder has open.
class Recording {
 public:
  Recording(const fs::path& path, const Origin& origin) : Recording(path, header_of(origin)) {}
  Recording(const fs::path& path, const TapeHeader& header)
      : file_(path), writer_(file_, header, {}) {}

  // Each is received at its sequence.
  void record(const std::vector<std::uint64_t>& sequences) {
    for (const std::uint64_t sequence : sequences)
      add_event(writer_, sequence, static_cast<std::int64_t>(sequence));
    writer_.flush();
  }
  void record_at(std::uint64_t sequence, std::int64_t received) {
    add_event(writer_, sequence, received);
    writer_.flush();
  }
  void record(const Gap& gap) {
    writer_.add(gap);
    writer_.flush();
  }
  void seal() { writer_.seal({}, 1); }

 private:
  LiveTape file_;
  TapeWriter writer_;
};

std::string tape_bytes(const Origin& origin, const std::vector<std::uint64_t>& sequences) {
  StringSink sink;
  TapeWriter writer(sink, header_of(origin), {});
  for (const std::uint64_t sequence : sequences)
    add_event(writer, sequence, static_cast<std::int64_t>(sequence));
  writer.seal({}, 1);
  return sink.text();
}

class FollowTest : public ::testing::Test {
 protected:
  static constexpr auto kLongEnough = std::chrono::seconds(20);

  std::string tape_path(std::uint64_t number, const std::string& source = "m") {
    return directory_ / to_file_name({source, number, "20260804T210000Z"});
  }
  std::unique_ptr<Recording> begin(std::uint64_t number, const Origin& origin) {
    return std::make_unique<Recording>(tape_path(number, origin.source), origin);
  }
  void write_sealed(std::uint64_t number,
                    const Origin& origin,
                    const std::vector<std::uint64_t>& sequences) {
    // Whole at once: half a tape that nobody writes is a torn one.
    testing::write_file(directory_ / "unnamed", tape_bytes(origin, sequences));
    fs::rename(directory_ / "unnamed", tape_path(number, origin.source));
  }

  void follow(FollowOptions options = {}) {
    if (options.tapes.empty()) options.tapes = {directory_.path().string()};
    options.poll_interval = std::chrono::milliseconds(1);
    source_ = std::make_unique<FollowSource>(
        std::move(options),
        FollowHooks{[this] { return may_go_on(); },
                    [this](std::string_view line) { told_.emplace_back(line); }});
  }

  // The sequences of the next `count` events.
  std::vector<std::uint64_t> take(std::size_t count) {
    until_ = steady_clock::now() + kLongEnough;
    while (taken_.size() < count && next()) {
    }
    const std::vector<std::uint64_t> got = std::exchange(taken_, {});
    EXPECT_THAT(got, SizeIs(count));
    return got;
  }
  // Those that come until the follower has looked for more many times.
  std::vector<std::uint64_t> take_what_is_there() {
    until_ = steady_clock::now() + kLongEnough;
    looks_left_ = 50;
    while (next())
      looks_left_ = 50;
    looks_left_ = -1;
    return std::exchange(taken_, {});
  }
  // Whether it ended by itself.
  bool take_to_the_end() {
    until_ = steady_clock::now() + kLongEnough;
    while (next()) {
    }
    return steady_clock::now() < until_;
  }
  bool wait_until_told(std::size_t lines) {
    until_ = steady_clock::now() + kLongEnough;
    wanted_lines_ = lines;
    while (told_.size() < lines && next()) {
    }
    wanted_lines_ = 0;
    return told_.size() >= lines;
  }

  TemporaryDirectory directory_;
  Origin m_{random_id(), "m", 1, false};
  Origin n_{random_id(), "n", 1, false};
  std::unique_ptr<FollowSource> source_;
  std::vector<std::uint64_t> taken_;
  std::vector<std::string> told_;
  std::vector<Gap> gaps_;

 private:
  bool next() {
    EventBatch batch;
    const bool more = source_->next(batch);
    for (const Event& event : batch.events)
      taken_.push_back(event.sequence);
    for (const Gap& gap : batch.gaps)
      gaps_.push_back(gap);
    return more;
  }
  bool may_go_on() {
    if (wanted_lines_ > 0 && told_.size() >= wanted_lines_) return false;
    if (looks_left_ >= 0 && looks_left_-- == 0) return false;
    return steady_clock::now() < until_;
  }

  steady_clock::time_point until_;
  std::size_t wanted_lines_ = 0;
  int looks_left_ = -1;
};

TEST_F(FollowTest, GivesWhatIsThereAndThenWhatComes) {
  const auto tape = begin(1, m_);
  tape->record({1, 2, 3});
  follow();
  EXPECT_THAT(take(3), ElementsAre(1, 2, 3));
  tape->record({4});
  EXPECT_THAT(take(1), ElementsAre(4));
  tape->record({5, 6});
  EXPECT_THAT(take(2), ElementsAre(5, 6));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, GoesOnWithTheNextTape) {
  auto first = begin(1, m_);
  first->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  for (std::uint64_t number = 2; number < 12; ++number) {
    first->record({2 * number});
    auto second = begin(number, m_);  // before the old one is sealed
    second->record({2 * number + 1});
    first->seal();
    first = std::move(second);
    EXPECT_THAT(take(2), ElementsAre(2 * number, 2 * number + 1));
  }
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, NoCutIsDamageWhileTheWriterLives) {
  follow();
  {
    LiveTape live(tape_path(1));
    const std::string bytes = tape_bytes(m_, {1, 2, 3});
    for (const char byte : bytes)
      live.write({&byte, 1});
    EXPECT_THAT(take(3), ElementsAre(1, 2, 3));
  }
  {
    LiveTape live(tape_path(2));
    const std::string bytes = tape_bytes(m_, {4});
    live.write(bytes.substr(0, 20));  // half a header
    EXPECT_THAT(take_what_is_there(), IsEmpty());
    live.write(bytes.substr(20));
    EXPECT_THAT(take(1), ElementsAre(4));
  }
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, WaitsForATapeThatIsNotEvenLocked) {
  UniqueFd fd = create_file(tape_path(1));
  follow();
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  ASSERT_TRUE(try_lock_byte(fd.get(), 0, "it"));
  write_all(fd.get(), tape_bytes(m_, {1}), "it");
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, ButNotWhenTheNextOneIsThere) {
  const UniqueFd left_behind = create_file(tape_path(1));
  write_sealed(2, m_, {1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("not sealed")));
}

TEST_F(FollowTest, ADeletedTapeIsReadToItsEnd) {
  auto first = begin(1, m_);
  first->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  first->record({2});
  fs::remove(tape_path(1));
  EXPECT_THAT(take(1), ElementsAre(2));
  first.reset();
  write_sealed(2, m_, {3});
  EXPECT_THAT(take(1), ElementsAre(3));
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, TellsOfTapesThatWereDeletedBeforeItCame) {
  auto first = begin(3, m_);
  first->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_FALSE(source_->incomplete()) << "that the oldest were deleted is normal";
  write_sealed(6, m_, {9});
  first->seal();
  first.reset();
  EXPECT_THAT(take(1), ElementsAre(9));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("2 tapes before number 6")));
  EXPECT_TRUE(source_->incomplete());
}

TEST_F(FollowTest, GoesOnAfterAWriterThatDiedInsideABatch) {
  auto live = std::make_unique<LiveTape>(tape_path(1));
  StringSink sink;
  TapeWriter writer(sink, header_of(m_), {});
  add_event(writer, 1, 1);
  writer.flush();
  const std::size_t whole = sink.text().size();
  add_event(writer, 2, 2);
  writer.flush();
  live->write(sink.text().substr(0, whole + (sink.text().size() - whole) / 2));
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
  live.reset();
  EXPECT_TRUE(wait_until_told(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("cut inside a batch")));
  EXPECT_TRUE(source_->incomplete());
  const auto next = begin(2, {random_id(), "m", 2, false});
  next->record({1});
  EXPECT_THAT(take(1), ElementsAre(1)) << "of another capture";
}

TEST_F(FollowTest, AWriterThatDiedBetweenTwoBatchesIsNormal) {
  begin(1, m_)->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_TRUE(wait_until_told(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("not sealed")));
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, EndsAtDamageWhenToldTo) {
  std::string bytes = tape_bytes(m_, {1});
  bytes[bytes.size() / 3] ^= 1;  // in the header, with its schema
  testing::write_file(tape_path(1), bytes);
  write_sealed(2, m_, {2});
  FollowOptions options;
  options.recovery = Recovery::Tail;
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, IsEmpty());
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(FollowTest, PassesOverWhatIsNoTape) {
  testing::write_file(tape_path(1), "no tape");
  write_sealed(2, m_, {1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(told_, ElementsAre(HasSubstr("passed over")));
  EXPECT_TRUE(source_->incomplete());
}

TEST_F(FollowTest, MergesWhatIsThereByTimeAndGivesTheRestAsItComes) {
  const auto m = begin(1, m_);
  const auto n = begin(1, n_);
  m->record_at(1, 10);
  n->record_at(2, 20);
  m->record_at(3, 30);
  n->record_at(4, 40);
  m->record_at(5, 50);
  n->record_at(6, 50);
  follow();
  EXPECT_THAT(take(6), ElementsAre(1, 2, 3, 4, 5, 6));
  n->record_at(7, 90);
  EXPECT_THAT(take(1), ElementsAre(7)) << "not held back because m is silent";
  m->record_at(8, 80);
  EXPECT_THAT(take(1), ElementsAre(8));
}

TEST_F(FollowTest, FindsSourcesThatAreNew) {
  follow();
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  const auto m = begin(1, m_);
  m->record({1});
  EXPECT_THAT(take(1), ElementsAre(1));
  const auto n = begin(1, n_);
  n->record({7});
  EXPECT_THAT(take(1), ElementsAre(7));
}

TEST_F(FollowTest, GivesEachEventOnceThoughACopyLiesBesideIt) {
  const auto tape = begin(1, m_);
  tape->record({1, 2, 3, 4});
  testing::write_file(directory_ / "extract.tape", tape_bytes(m_, {2, 4}));
  testing::write_file(directory_ / "another.tape", tape_bytes(m_, {1, 3}));
  follow();
  EXPECT_THAT(take(4), ElementsAre(1, 2, 3, 4));
  tape->record({5});
  EXPECT_THAT(take(1), ElementsAre(5));
}

TEST_F(FollowTest, CopiesOfEventsOfOneMomentAreInOrder) {
  const auto tape = begin(2, m_);
  for (const std::uint64_t sequence : {5U, 6U})
    tape->record_at(sequence, 9);
  Recording one(directory_ / "a.tape", m_);
  Recording two(directory_ / "b.tape", m_);
  for (const std::uint64_t sequence : {1U, 3U, 5U})
    one.record_at(sequence, 9);
  for (const std::uint64_t sequence : {2U, 4U, 6U})
    two.record_at(sequence, 9);
  one.seal();
  two.seal();
  follow();
  EXPECT_THAT(take(6), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(FollowTest, GivesGapsAsTheyAreRecorded) {
  const auto tape = begin(1, m_);
  tape->record({1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = gap.until = 5;
  gap.after_sequence = 1;
  tape->record(gap);
  tape->record({2});
  EXPECT_THAT(take(1), ElementsAre(2));
  ASSERT_THAT(gaps_, SizeIs(1));
  EXPECT_EQ(gaps_.front().cause, GapCause::Disconnected);
}

TEST_F(FollowTest, ANamedTapeEndsWithItsWriter) {
  auto tape = begin(1, m_);
  tape->record({1});
  FollowOptions options;
  options.tapes = {tape_path(1)};
  follow(options);
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  write_sealed(2, m_, {9});  // not named
  tape->record({2});
  tape->seal();
  tape.reset();
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, ElementsAre(2));
}

TEST_F(FollowTest, NamedTapesOfASourceAreARow) {
  write_sealed(1, m_, {1});
  write_sealed(2, m_, {2});
  write_sealed(3, m_, {3});
  FollowOptions options;
  options.tapes = {tape_path(3), tape_path(1)};
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, ElementsAre(1, 3));
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, ANamedFileThatIsNoTapeIsAnError) {
  testing::write_file(directory_ / "x", "no tape");
  FollowOptions options;
  options.tapes = {directory_ / "x"};
  follow(options);
  EXPECT_THROW(take_to_the_end(), Error);
  options.tapes = {directory_ / "nothing"};
  EXPECT_THROW(follow(options), Error);
  options.tapes = {"/dev/null"};
  EXPECT_THROW(follow(options), Error);
}

TEST_F(FollowTest, EndsAfterUntilWhenWhatWasOnItsWayHasCome) {
  const auto tape = begin(1, m_);
  tape->record({1});
  std::int64_t now = 50;
  FollowOptions options;
  options.window.until = 50;
  options.flush_grace = std::chrono::nanoseconds(100);
  options.now = [&now] { return now; };
  follow(options);
  EXPECT_THAT(take_what_is_there(), ElementsAre(1));
  tape->record({2});
  EXPECT_THAT(take(1), ElementsAre(2));
  now = 150;
  EXPECT_TRUE(take_to_the_end());
}

TEST_F(FollowTest, DoesNotOpenSealedTapesFromBeforeTheWindow) {
  write_sealed(1, m_, {1});
  write_sealed(4, m_, {2});  // 2 and 3 are gone, and were before the window, too
  write_sealed(5, m_, {10});
  FollowOptions options;
  options.window.since = 5;
  follow(options);
  EXPECT_THAT(take(1), ElementsAre(10));
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(FollowTest, NorOnesThatWereNamed) {
  std::string bytes = tape_bytes(m_, {1});
  bytes[bytes.find("\x28\xB5\x2F\xFD") + 20] ^= 1;  // in its group: damage, were it read
  testing::write_file(directory_ / "x.tape", bytes);
  FollowOptions options;
  options.tapes = {directory_ / "x.tape"};
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_TRUE(source_->incomplete());
  options.window.since = 5;
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_FALSE(source_->incomplete());
}

TEST_F(FollowTest, EndsWhenToldToHoweverMuchThereIs) {
  for (std::uint64_t number = 1; number < 50; ++number)
    write_sealed(number, m_, {number});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  source_.reset();  // joins its threads
}

// ---- beside copies ----

// A clock that was set back: the later half of a row is earlier in time.
TEST_F(FollowTest, AnExtractBesideAStoreHidesNothing) {
  const auto tape = begin(1, m_);
  tape->record_at(1, 100);
  tape->record_at(2, 101);
  tape->record_at(3, 50);
  tape->record_at(4, 51);
  Recording extract(directory_ / "extract.tape", m_);
  extract.record_at(3, 50);
  extract.record_at(4, 51);
  extract.seal();
  follow();
  EXPECT_THAT(take(4), ElementsAre(1, 2, 3, 4));
  tape->record({5});
  EXPECT_THAT(take(1), ElementsAre(5));
}

TEST_F(FollowTest, TheTapesNumberIsTheOrderNotTheClock) {
  const Origin before{random_id(), "m", 1, false};
  const Origin after{random_id(), "m", 2, false};
  const auto one = begin(1, before);
  one->record_at(1, 7200);
  one->record_at(2, 7201);
  one->seal();
  const auto two = begin(2, after);
  two->record_at(3, 10);
  Recording extract(directory_ / "x.tape", after);
  extract.record_at(3, 10);
  extract.record_at(4, 11);
  extract.seal();
  follow();
  EXPECT_THAT(take(4), ElementsAre(1, 2, 3, 4));
}

TEST_F(FollowTest, WhatOnlyLiesInAStoreAndIsNoTapeIsPassedOver) {
  testing::write_file(directory_ / "notes.tape", "hello\n");
  fs::create_directory(directory_ / "hidden.tape");
  testing::write_file(directory_ / "empty.tape", "");
  write_sealed(1, m_, {1});
  follow();
  EXPECT_THAT(take(1), ElementsAre(1));
  EXPECT_TRUE(wait_until_told(1));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_THAT(told_,
              ::testing::Contains(HasSubstr("notes.tape: not a smtptape tape; passed over")));
  EXPECT_TRUE(source_->incomplete());
}

TEST_F(FollowTest, GivesAGapOnceThoughACopyHoldsItToo) {
  Gap gap;
  gap.cause = GapCause::Disconnected;
  gap.from = gap.until = 5;
  gap.after_sequence = 1;
  const auto tape = begin(1, m_);
  tape->record({1});
  tape->record(gap);
  Recording extract(directory_ / "x.tape", m_);
  extract.record({1});
  extract.record(gap);
  extract.seal();
  follow();
  EXPECT_THAT(take_what_is_there(), ElementsAre(1));
  EXPECT_THAT(gaps_, SizeIs(1));
}

// Where it stands in time, for every source.
TEST_F(FollowTest, AtDamageItEndsForWhatComesLaterToo) {
  std::string bytes = tape_bytes(m_, {10, 20});
  bytes[bytes.find("\x28\xB5\x2F\xFD") + 20] ^= 1;  // in its group
  testing::write_file(tape_path(2), bytes);
  write_sealed(1, m_, {5});
  write_sealed(1, n_, {4, 6, 7});
  FollowOptions options;
  options.recovery = Recovery::Tail;
  follow(options);
  EXPECT_TRUE(take_to_the_end());
  EXPECT_THAT(taken_, ElementsAre(4, 5));
}

TEST_F(FollowTest, WhatTwoRecordersOfOneEndpointHaveComesOutOnce) {
  TapeHeader of_m = header_of(m_);
  TapeHeader of_n = header_of(n_);
  of_m.url = of_n.url = "http://mta-1:8000";
  Recording m(tape_path(1, "m"), of_m);
  Recording n(tape_path(1, "n"), of_n);
  m.record({1, 2, 3});
  n.record({11, 12});
  follow();
  EXPECT_THAT(take(3), ElementsAre(1, 2, 3));
  EXPECT_THAT(take_what_is_there(), IsEmpty());
  EXPECT_EQ(source_->doubles(), 2U);
  n.record({13, 14});
  EXPECT_THAT(take(1), ElementsAre(14));
  FollowOptions options;
  options.doubles = Doubles::Keep;
  follow(options);
  EXPECT_THAT(take(7), SizeIs(7));
}

class FollowRandomStoresTest : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(FollowRandomStoresTest, ComeOutAsTheRuleSays) {
  for (std::uint32_t seed = GetParam(); seed < GetParam() + 10; ++seed) {
    const TemporaryDirectory directory;
    testing::RandomStore store(directory.path(), seed);
    FollowOptions options;
    options.tapes = store.arguments();
    options.poll_interval = std::chrono::milliseconds(1);
    options.window.until = 1'000'000;
    options.now = [] { return std::int64_t{1} << 60; };
    const auto until = steady_clock::now() + std::chrono::seconds(20);
    FollowSource source(std::move(options),
                        {[until] { return steady_clock::now() < until; }, [](std::string_view) {}});
    std::vector<std::string> got;
    EventBatch batch;
    while (source.next(batch)) {
      for (const Event& event : batch.events)
        got.push_back(testing::name_of(*event.origin, event.sequence));
    }
    ASSERT_EQ(got, store.expected()) << "seed " << seed;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, FollowRandomStoresTest, ::testing::Values(0, 1000, 2000, 3000));

TEST_F(FollowTest, RefusesMoreRowsThanItHasRoomFor) {
  for (std::size_t i = 0; i <= FollowSource::kMostRows; ++i)
    testing::write_file(directory_ / ("x" + std::to_string(i) + ".tape"), "");
  EXPECT_THROW(follow(), Error);
}

}  // namespace
}  // namespace smtptape
