// How many sessions fit is found with few tries, whatever a result weighs beside them.
#include "cli/run/fewer_sessions.h"

#include <functional>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

struct Found {
  std::size_t sessions = 0;
  unsigned tries = 0;
};

Found find(std::size_t sessions,
           std::uint64_t limit,
           const std::function<std::uint64_t(std::size_t)>& bytes) {
  FewerSessions fewer(sessions, bytes(sessions), limit);
  Found found;
  while (const auto next = fewer.next()) {
    EXPECT_GE(*next, 1U);
    EXPECT_LT(*next, sessions);
    ++found.tries;
    fewer.tried(*next, bytes(*next));
  }
  found.sessions = fewer.best();
  return found;
}

TEST(FewerSessions, FillTheLimit) {
  for (const std::uint64_t weight : {0U, 1000U, 500'000U}) {
    const auto bytes = [weight](std::size_t sessions) { return weight + sessions * 1000; };
    const std::uint64_t limit = weight + 300'000;
    const Found found = find(10'000, limit, bytes);
    EXPECT_LE(bytes(found.sessions), limit);
    EXPECT_GE(static_cast<double>(bytes(found.sessions)), 0.85 * static_cast<double>(limit));
    EXPECT_LE(found.tries, 4U) << weight;
  }
}

TEST(FewerSessions, AreFoundWhereTheyAreOfVeryDifferentSizes) {
  // Nearly all of it is in the last tenth; then in the first.
  const auto late = [](std::size_t n) { return n * 10 + (n > 900 ? (n - 900) * 100'000 : 0); };
  EXPECT_GE(find(1000, 20'000, late).sessions, 800U);
  const auto early = [](std::size_t n) { return std::min<std::size_t>(n, 100) * 100'000 + n * 10; };
  const Found found = find(1000, 2'000'000, early);
  EXPECT_GE(found.sessions, 15U);
  EXPECT_LE(early(found.sessions), 2'000'000U);
  EXPECT_LE(found.tries, 20U);
}

TEST(FewerSessions, AreNoneWhereTheFirstIsTooMuch) {
  const Found found = find(100'000, 100, [](std::size_t n) { return 1'000'000 + n; });
  EXPECT_EQ(found.sessions, 0U);
  EXPECT_LE(found.tries, 25U);
  EXPECT_EQ(find(1, 100, [](std::size_t) { return 200; }).tries, 0U);
}

}  // namespace
}  // namespace smtptape
