// What retention deletes: the table row by row, the words of each limit, and random stores against
// a model that tries every answer.
#include "store/keep/retention.h"

#include <algorithm>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kHour = 3600 * std::int64_t{1'000'000'000};
constexpr std::int64_t kNow = 1'000'000 * kHour / 2;
constexpr Space kPlenty{1'000'000, 900'000};

StoredFile tape(std::uint64_t number, std::int64_t hours_ago, std::uint64_t bytes = 10) {
  StoredFile file;
  file.source = "mta";
  file.number = number;
  file.path = "s/" + std::to_string(number);
  file.bytes = file.gives_back = bytes;
  file.time = kNow - hours_ago * kHour;
  return file;
}

StoredFile held(StoredFile file, Hold hold = Hold::Live) {
  file.hold = hold;
  return file;
}

StoredFile of(std::string source, StoredFile file) {
  file.path = "s/" + source + std::to_string(file.number);
  file.source = std::move(source);
  return file;
}

std::vector<std::string> deleted(const RetentionPlan& plan) {
  std::vector<std::string> out;
  for (const Deletion& deletion : plan.deletions) {
    out.push_back(deletion.path.filename().string() + " " + std::string(name_of(deletion.reason)));
  }
  return out;
}

std::vector<std::string> complaints(const RetentionPlan& plan) {
  std::vector<std::string> out;
  for (const Unmet& unmet : plan.unmet)
    out.push_back(text_of(unmet));
  return out;
}

RetentionPlan plan(std::vector<StoredFile> files,
                   const RetentionLimits& limits,
                   const Space& space = kPlenty) {
  return plan_retention(std::move(files), limits, space, kNow);
}

// --- the table beside decide() ---

struct Row {
  std::vector<std::string> when;
  std::string reason;
};

std::vector<Row> table_in_the_header() {
  std::vector<Row> rows;
  for (const std::string& line :
       testing::read_lines(SMTPTAPE_SOURCE_DIR "/store/keep/retention.h")) {
    const std::size_t bar = line.find(" | ");
    if (!line.starts_with("// ") || bar == std::string::npos) continue;
    std::istringstream words(line.substr(3, bar - 3));
    Row row;
    for (std::string word; words >> word;)
      row.when.push_back(word);
    row.reason = line.substr(bar + 3);
    if (row.when.front() != "held") rows.push_back(row);
  }
  return rows;
}

constexpr unsigned kFacts = 7;

Situation situation_of(unsigned bits) {
  const auto bit = [&](unsigned place) { return (bits >> place & 1U) != 0; };
  return {bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6)};
}

bool fits(const Row& row, unsigned bits) {
  for (unsigned place = 0; place < kFacts; ++place) {
    const std::string& word = row.when.at(place);
    if (word != "any" && (word == "yes") != ((bits >> place & 1U) != 0)) return false;
  }
  return true;
}

TEST(RetentionTable, SaysWhatDecideDoes) {
  const std::vector<Row> rows = table_in_the_header();
  ASSERT_EQ(rows.size(), 8U);
  for (unsigned bits = 0; bits < 1U << kFacts; ++bits) {
    const Reason reason = decide(situation_of(bits));
    const std::string said = reason == Reason::None ? "-" : std::string(name_of(reason));
    std::size_t fitting = 0;
    for (const Row& row : rows) {
      if (!fits(row, bits)) continue;
      ++fitting;
      EXPECT_EQ(said, row.reason) << bits;
    }
    EXPECT_GT(fitting, 0U) << bits << " stands in no row";
  }
}

TEST(RetentionTable, HasNoRowThatIsNeverNeeded) {
  for (const Row& row : table_in_the_header()) {
    bool needed = false;
    for (unsigned bits = 0; bits < 1U << kFacts; ++bits)
      needed = needed || fits(row, bits);
    EXPECT_TRUE(needed) << row.reason;
    EXPECT_EQ(row.when.size(), kFacts);
  }
}

// --- the limits ---

TEST(Retention, WithoutALimitKeepsEverything) {
  EXPECT_THAT(deleted(plan({tape(1, 100'000)}, {})), IsEmpty());
}

TEST(Retention, MaxAgeIsAboutTheEndOfATape) {
  RetentionLimits limits;
  limits.max_age = hours(48);
  const auto result = plan({tape(1, 50), tape(2, 49), tape(3, 48), tape(4, 1)}, limits);
  EXPECT_THAT(deleted(result), ElementsAre("1 max-age", "2 max-age"));
  EXPECT_EQ(result.deletions.front().age, 50 * kHour);
  EXPECT_THAT(result.unmet, IsEmpty());
}

TEST(Retention, MaxTapesAndMaxBytesTakeTheOldestOfAllSources) {
  RetentionLimits limits;
  limits.max_tapes = 2;
  const std::vector<StoredFile> files{
      of("b", tape(7, 5)), of("a", tape(9, 4)), of("b", tape(8, 3)), of("a", tape(10, 2))};
  EXPECT_THAT(deleted(plan(files, limits)), ElementsAre("b7 max-tapes", "a9 max-tapes"));
  limits.max_tapes.reset();
  limits.max_bytes = 25;
  const auto result = plan(files, limits);
  EXPECT_THAT(deleted(result), ElementsAre("b7 max-bytes", "a9 max-bytes"));
  EXPECT_EQ(result.before.tapes, 4U);
  EXPECT_EQ(result.before.bytes, 40U);
  EXPECT_EQ(result.before.oldest, kNow - 5 * kHour);
  EXPECT_EQ(result.after.tapes, 2U);
  EXPECT_EQ(result.after.bytes, 20U);
  EXPECT_EQ(result.after.oldest, kNow - 3 * kHour);
}

TEST(Retention, TheOldestIsWhereATapeBegins) {
  std::vector<StoredFile> files = {tape(1, 2), tape(2, 1)};
  files[0].begins = kNow - 3 * kHour;
  files[1].begins = kNow - 5 * kHour;
  EXPECT_EQ(plan(files, {}).before.oldest, kNow - 5 * kHour);
  EXPECT_EQ(plan(files, {}).after.oldest, kNow - 5 * kHour);
}

TEST(Retention, ALimitThatIsReachedExactlyDeletesNothing) {
  RetentionLimits limits;
  limits.max_tapes = 2;
  limits.max_bytes = 20;
  limits.keep_free = KeepFree{900'000, {}};
  EXPECT_THAT(deleted(plan({tape(1, 90), tape(2, 80)}, limits)), IsEmpty());
}

TEST(Retention, KeepFreeTakesAsMuchAsItNeedsAndNothingYoung) {
  RetentionLimits limits;
  limits.keep_free = KeepFree{0, 10};
  const Space space{1000, 75};
  EXPECT_THAT(deleted(plan({tape(1, 90), tape(2, 80), tape(3, 70), tape(4, 60)}, limits, space)),
              ElementsAre("1 keep-free", "2 keep-free", "3 keep-free"));
  const auto result = plan({tape(1, 90), tape(2, 23), tape(3, 22)}, limits, space);
  EXPECT_THAT(deleted(result), ElementsAre("1 keep-free"));
  EXPECT_THAT(result.unmet, ElementsAre(Unmet{Reason::KeepFree, 15, 0, 2}));
  EXPECT_THAT(complaints(result),
              ElementsAre("keep-free: still short by 15 bytes; 2 tapes younger than "
                          "keep-at-least"));
}

TEST(Retention, KeepFreeSparesWhatGivesNothingBack) {
  RetentionLimits limits;
  limits.keep_free = KeepFree{80, {}};
  StoredFile linked = tape(1, 90);
  linked.gives_back = 0;
  EXPECT_THAT(deleted(plan({linked, tape(2, 80)}, limits, {1000, 75})), ElementsAre("2 keep-free"));
}

TEST(Retention, ExplicitLimitsBeatKeepAtLeast) {
  RetentionLimits limits;
  limits.max_bytes = 15;
  EXPECT_THAT(deleted(plan({tape(1, 2), tape(2, 1)}, limits)), ElementsAre("1 max-bytes"));
  limits = {};
  limits.max_tapes = 0;
  EXPECT_THAT(deleted(plan({tape(1, 0)}, limits)), ElementsAre("1 max-tapes"));
  limits = {};
  limits.max_age = hours(1);
  EXPECT_THAT(deleted(plan({tape(1, 2), tape(2, 1)}, limits)), ElementsAre("1 max-age"));
}

TEST(Retention, NeverDeletesWhatIsHeldAndSaysWhatThatCosts) {
  RetentionLimits limits;
  limits.max_bytes = 15;
  limits.max_tapes = 1;
  limits.max_age = hours(1);
  limits.keep_free = KeepFree{1000, {}};
  const auto result = plan({held(tape(1, 90), Hold::Unknown),
                            tape(2, 80),
                            held(tape(3, 70), Hold::Newest),
                            held(tape(4, 0))},
                           limits,
                           {2000, 900});
  EXPECT_THAT(deleted(result), ElementsAre("2 max-age"));
  EXPECT_THAT(complaints(result),
              ElementsAre("max-age: still over by 2 tapes; 3 tapes in use must stay",
                          "max-tapes: still over by 2 tapes; 3 tapes in use must stay",
                          "max-bytes: still over by 15 bytes; 3 tapes in use must stay",
                          "keep-free: still short by 90 bytes; 3 tapes in use must stay"));
}

TEST(Retention, ReadersStopNothingAndAreTold) {
  RetentionLimits limits;
  limits.max_tapes = 0;
  StoredFile read = tape(1, 90);
  read.read = true;
  const auto result = plan({read, tape(2, 80)}, limits);
  ASSERT_EQ(result.deletions.size(), 2U);
  EXPECT_TRUE(result.deletions[0].read);
  EXPECT_FALSE(result.deletions[1].read);
}

TEST(Retention, LeftoversGoFirstAndCountAsBytesNotAsTapes) {
  RetentionLimits limits;
  limits.max_bytes = 20;
  limits.max_tapes = 2;
  StoredFile leftover = tape(9, 30, 500);
  leftover.kind = StoredFile::Kind::Leftover;
  const auto result = plan({tape(1, 90), tape(2, 80), leftover}, limits);
  EXPECT_THAT(deleted(result), ElementsAre("9 leftover"));
  EXPECT_EQ(result.before.bytes, 520U);
  EXPECT_EQ(result.before.tapes, 2U);
  EXPECT_EQ(result.after.bytes, 20U);
}

// --- clocks that were wrong ---

TEST(Retention, OfASourceTheSmallerNumberGoesFirstWhateverTheClockSaid) {
  RetentionLimits limits;
  limits.max_age = hours(24);
  // Tape 2 was written while the clock stood years back.
  EXPECT_THAT(deleted(plan({tape(1, 20), tape(2, 400'000), tape(3, 10)}, limits)), IsEmpty());
  limits = {};
  limits.max_tapes = 2;
  EXPECT_THAT(deleted(plan({tape(1, 20), tape(2, 400'000), tape(3, 10)}, limits)),
              ElementsAre("1 max-tapes"));
}

TEST(Retention, ATimeInTheFutureOrNoneIsThatOfTheNextTape) {
  RetentionLimits limits;
  limits.max_age = hours(24);
  StoredFile without = tape(2, 0);
  without.time.reset();
  EXPECT_THAT(deleted(plan({tape(1, -400'000), without, tape(3, 30), tape(4, 1)}, limits)),
              ElementsAre("1 max-age", "2 max-age", "3 max-age"));
  EXPECT_THAT(deleted(plan({tape(1, -400'000), tape(2, 1)}, limits)), IsEmpty());
  EXPECT_THAT(deleted(plan({without}, limits)), IsEmpty()) << "as if it ended now";
}

// --- words ---

TEST(Retention, KeepFreeGoesByWhatTheFileSystemGetsBackNotBySize) {
  RetentionLimits limits;
  limits.keep_free = KeepFree{100, {}};
  std::vector<StoredFile> files;
  for (std::uint64_t number = 1; number <= 4; ++number) {
    files.push_back(tape(number, 100 - static_cast<std::int64_t>(number), 1000));
    files.back().gives_back = 40;  // the rest is holes, or compressed away
  }
  const RetentionPlan plan = plan_retention(files, limits, {10'000, 0}, kNow);
  EXPECT_THAT(deleted(plan), ElementsAre("1 keep-free", "2 keep-free", "3 keep-free"));
  EXPECT_EQ(plan.after.bytes, 1000U);
}

TEST(KeepFree, IsAShareOrASize) {
  EXPECT_EQ(parse_keep_free("10%", "--keep-free"), (KeepFree{0, 10}));
  EXPECT_EQ(parse_keep_free("0%", "--keep-free"), (KeepFree{0, 0}));
  EXPECT_EQ(parse_keep_free("2G", "--keep-free"), (KeepFree{2ULL << 30U, {}}));
  for (const char* const wrong : {"", "%", "100%", "-1%", "10 %", "1.5%", "x", "10%%"}) {
    EXPECT_THROW(static_cast<void>(parse_keep_free(wrong, "--keep-free")), UsageError) << wrong;
  }
}

TEST(Age, HasTwoUnitsAtMost) {
  EXPECT_EQ(show_age(13 * 24 * kHour + 4 * kHour + 59), "13d4h");
  EXPECT_EQ(show_age(24 * kHour), "1d");
  EXPECT_EQ(show_age(24 * kHour + kHour / 60), "1d");
  EXPECT_EQ(show_age(kHour / 60 * 61), "1h1m");
  EXPECT_EQ(show_age(7'000'000'000), "7s");
  EXPECT_EQ(show_age(-1), "0s");
}

// --- against a model ---

// One source, times in order: which tapes go is how many of those that may.  The smallest number
// that leaves no limit exceeded that one more deletion could help.
std::set<std::string> model(const std::vector<StoredFile>& files,
                            const RetentionLimits& limits,
                            const Space& space) {
  std::vector<const StoredFile*> may_go;
  for (const StoredFile& file : files) {
    if (file.hold == Hold::None) may_go.push_back(&file);
  }
  for (std::size_t gone = 0;; ++gone) {
    std::set<std::string> names;
    std::uint64_t bytes = 0;
    std::uint64_t freed = 0;
    for (const StoredFile& file : files)
      bytes += file.bytes;
    for (std::size_t i = 0; i < gone; ++i) {
      bytes -= may_go[i]->bytes;
      freed += may_go[i]->gives_back;
      names.insert(may_go[i]->path.string());
    }
    if (gone == may_go.size()) return names;
    const std::int64_t age = kNow - *may_go[gone]->time;
    const bool explicit_limit = (limits.max_bytes && bytes > *limits.max_bytes) ||
                                (limits.max_tapes && files.size() - gone > *limits.max_tapes) ||
                                (limits.max_age && age > limits.max_age->count());
    const bool space_limit = limits.keep_free && space.free + freed < limits.keep_free->bytes &&
                             age >= limits.keep_at_least.count();
    if (!explicit_limit && !space_limit) return names;
  }
}

TEST(Retention, DoesWhatTheModelDoesWithRandomStores) {
  std::mt19937 random(20260804);
  const auto below = [&](std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most - 1)(random);
  };
  std::size_t deletions = 0;
  for (int trial = 0; trial < 20'000; ++trial) {
    std::vector<StoredFile> files;
    std::int64_t ago = 200;
    const std::uint64_t count = below(9);
    for (std::uint64_t number = 1; number <= count; ++number) {
      ago -= static_cast<std::int64_t>(below(40));
      files.push_back(tape(number, std::max<std::int64_t>(ago, 0), 1 + below(20)));
      if (below(6) == 0) files.back().hold = Hold::Live;
    }
    RetentionLimits limits;
    if (below(2) == 0) limits.max_bytes = below(100);
    if (below(2) == 0) limits.max_tapes = below(9);
    if (below(2) == 0) limits.max_age = hours(below(200));
    if (below(2) == 0) limits.keep_free = KeepFree{below(200), {}};
    limits.keep_at_least = hours(below(100));
    const Space space{1000, below(150)};
    std::vector<StoredFile> mixed = files;
    std::shuffle(mixed.begin(), mixed.end(), random);
    const RetentionPlan result = plan(mixed, limits, space);
    std::set<std::string> names;
    for (const Deletion& deletion : result.deletions)
      names.insert(deletion.path.string());
    ASSERT_EQ(names, model(files, limits, space)) << "trial " << trial;
    deletions += names.size();
  }
  EXPECT_GT(deletions, 10'000U) << "or nothing was tried";
}

TEST(Retention, PlansTenThousandTapesAtOnce) {
  std::vector<StoredFile> files;
  for (std::uint64_t number = 1; number <= 10'000; ++number) {
    files.push_back(of(number % 2 == 0 ? "a" : "b", tape(number, 20'000 - std::int64_t(number))));
  }
  RetentionLimits limits;
  limits.max_tapes = 100;
  EXPECT_EQ(plan(files, limits).deletions.size(), 9'900U);
}

}  // namespace
}  // namespace smtptape
