// Sessions of random stores: the same by rows, by stories, and however the tapes lie.
#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/e2e/session_lists.h"
#include "tests/e2e/session_store.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What there was to be asked, and of how much of it the events were.
struct Asked {
  std::size_t sessions = 0;
  std::size_t read = 0;
};

void expect_same_by_rows_and_by_stories(std::vector<std::string> arguments, Asked& asked) {
  std::vector<json::object> by_stories = told_by_stories(arguments);
  arguments.insert(arguments.end(), {"--json", "--explain"});
  const Ran ran = smtptape(arguments);
  std::vector<json::object> by_rows = objects_of(ran);
  sort_by_beginning(by_rows);
  sort_by_beginning(by_stories);
  ASSERT_EQ(by_rows.size(), by_stories.size()) << ran.err;
  for (std::size_t i = 0; i < by_rows.size(); ++i)
    ASSERT_EQ(json::serialize(by_rows[i]), json::serialize(by_stories[i]));
  asked.sessions += by_rows.size();
  const std::size_t at = ran.err.find("read; of ");
  if (at != std::string::npos) asked.read += std::stoul(ran.err.substr(at + 9));
}

// Whatever the rows of random stores say; and some of it is said by rows alone.
TEST(SessionsOfRandomStores, AreTheSameByRowsAndByStories) {
  Asked asked;
  std::vector<std::uint32_t> seeds(20);
  std::iota(seeds.begin(), seeds.end(), 1U);
  // Recipients that were never named, LMTP that broke off, messages that were sent again.
  seeds.insert(seeds.end(), {182, 199, 218, 263, 351, 441, 469});
  for (const std::uint32_t seed : seeds) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::Some);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 500U);
  EXPECT_GT(asked.read, asked.sessions / 20);
  EXPECT_LT(asked.read, asked.sessions * 7 / 10);
}

// Nearly every session goes over the ends of groups.
TEST(SessionsOfRandomStores, OverTheEndsOfGroupsAreTheSame) {
  Asked asked;
  Asked of_a_time;
  for (std::uint32_t seed = 101; seed <= 112; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All, 5);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    for (const std::string bound : {"--since", "--until"}) {
      expect_same_by_rows_and_by_stories({"sessions", store, bound, "2026-08-04T21:00:04Z"},
                                         of_a_time);
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 400U);
  EXPECT_LT(asked.read, asked.sessions * 7 / 10);
  EXPECT_GT(of_a_time.sessions, 100U);
}

// The events of such groups are read, and nothing goes on from them or over them.
void damage_indexes(const std::string& store, std::uint32_t seed) {
  std::uint32_t number = seed;
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    const std::string path = entry.path();
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto summary = read_summary(fd.get());
    ASSERT_TRUE(summary);
    std::string bytes = read_file(path);
    for (const GroupIndex& group : summary->footer.groups) {
      constexpr std::uint64_t kIntoTheFrame = 60;
      if (++number % 7 == 0) bytes[group.offset + group.bytes + kIntoTheFrame] ^= 1;
    }
    write_file(path, bytes);
  }
}

TEST(SessionsOfRandomStores, OverDamagedIndexesAreTheSame) {
  Asked asked;
  for (std::uint32_t seed = 121; seed <= 126; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All, 5);
    SCOPED_TRACE("seed " + std::to_string(seed));
    damage_indexes(store, seed);
    EXPECT_THAT(smtptape({"sessions", store, "--explain"}).err, Not(HasSubstr(" 0 tapes and")));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 100U);
}

TEST(SessionsOfRandomStores, WithTapesThatAreGoneAreTheSame) {
  Asked asked;
  for (std::uint32_t seed = 131; seed <= 142; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All, 10);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<std::filesystem::path> tapes(std::filesystem::directory_iterator(store), {});
    std::sort(tapes.begin(), tapes.end());
    if (tapes.size() < 3) continue;
    std::filesystem::remove(tapes[1]);
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 100U);
}

// What is written again has rows of its own.
TEST(SessionsOfRandomStores, AreTheSameInCopies) {
  Asked asked;
  Asked of_copies;
  for (std::uint32_t seed = 151; seed <= 156; ++seed) {
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::Some, 5);
    SCOPED_TRACE("seed " + std::to_string(seed));
    expect_same_by_rows_and_by_stories({"sessions", store}, asked);
    const std::string whole = smtptape({"sessions", store, "--json"}).out;
    for (const std::string command : {"compact", "recover"}) {
      const std::string copies = directory / command;
      ASSERT_EQ(smtptape({command, store, "-o", copies}).exit % 3, 0);
      expect_same_by_rows_and_by_stories({"sessions", copies}, of_copies);
      // Gaps stand elsewhere in them, and tapes that had no end have one.
      if (seed % SessionStore::kGapsInEach != 0) {
        EXPECT_EQ(smtptape({"sessions", copies, "--json"}).out, whole) << command;
      }
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked.sessions, 100U);
}

TEST(SessionsOfRandomStores, AreTheirMergeAndCountOnce) {
  for (std::uint32_t seed = 41; seed <= 48; ++seed) {
    // A copy has gaps elsewhere.
    if (seed % SessionStore::kGapsInEach == 0) continue;
    const TemporaryDirectory directory;
    const std::string store = directory / "store";
    const SessionStore made(store, seed, SessionStore::Ends::All);
    const std::string merged = directory / "merged.tape";
    ASSERT_EQ(smtptape({"extract", store, "--scope", "event", "-o", merged}).exit % 3, 0);
    const std::vector<json::object> of_store = objects_of(smtptape({"sessions", store, "--json"}));
    const auto of_merged = objects_of(smtptape({"sessions", merged, "--json"}));
    ASSERT_EQ(of_store.size(), of_merged.size()) << "seed " << seed;
    for (std::size_t i = 0; i < of_store.size(); ++i)
      EXPECT_EQ(json::serialize(of_store[i]), json::serialize(of_merged[i])) << "seed " << seed;
    EXPECT_EQ(of_store, objects_of(smtptape({"sessions", merged, store, "--json"})));
  }
}

}  // namespace
}  // namespace smtptape::testing
