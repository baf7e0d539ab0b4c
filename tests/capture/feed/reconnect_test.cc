#include "capture/feed/reconnect.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using namespace std::chrono_literals;

TEST(ReconnectPolicy, WaitsLongerAndLongerUpToHalfAMinute) {
  ReconnectPolicy policy;
  for (const auto expected : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16'000ms, 30'000ms, 30'000ms})
    EXPECT_EQ(policy.pause_after(0s, 0.5), expected);
}

TEST(TimeOfEnd, OfAServerThatVanishedIsWhenItWasHeardTheLastTime) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr Now kHeard{100 * kSecond, 5000 * kSecond};
  const auto after = [&](std::int64_t seconds) {
    return Now{kHeard.steady + seconds * kSecond, kHeard.real + seconds * kSecond};
  };
  FeedEnd end;
  end.kind = FeedEnd::Kind::Closed;
  EXPECT_EQ(time_of_end(end, kHeard, after(20)), after(20).real) << "it said so itself";
  for (const auto kind :
       {FeedEnd::Kind::TimedOut, FeedEnd::Kind::Reset, FeedEnd::Kind::TlsFailed}) {
    end.kind = kind;
    EXPECT_EQ(time_of_end(end, kHeard, after(20)), kHeard.real);
    EXPECT_EQ(time_of_end(end, kHeard, after(3600)), after(3570).real) << "it would be noticed";
  }
}

TEST(ReconnectPolicy, ShortLivesDontMakeItForgetButAMinuteDoes) {
  ReconnectPolicy policy;
  EXPECT_EQ(policy.pause_after(59s, 0.5), 500ms);
  EXPECT_EQ(policy.pause_after(59s, 0.5), 1000ms);
  EXPECT_EQ(policy.pause_after(60s, 0.5), 500ms);
  EXPECT_EQ(policy.pause_after(0s, 0.5), 1000ms);
}

TEST(ReconnectPolicy, SpreadsThePausesByAQuarterWithinTheirBounds) {
  ReconnectPolicy policy;
  EXPECT_EQ(policy.pause_after(0s, 0), 500ms) << "never shorter";
  EXPECT_EQ(policy.pause_after(0s, 0), 750ms);
  EXPECT_EQ(policy.pause_after(0s, 0.999), 2499ms);
  for (int i = 0; i < 10; ++i)
    EXPECT_LE(policy.pause_after(0s, 0.999), 30s);
}

TEST(ReconnectPolicy, HasAWordForEachEnd) {
  using Kind = FeedEnd::Kind;
  const std::pair<Kind, std::string> words[] = {{Kind::Closed, "closed"},
                                                {Kind::Reset, "reset"},
                                                {Kind::TimedOut, "timeout"},
                                                {Kind::NotFound, "dns"},
                                                {Kind::Refused, "refused"},
                                                {Kind::TlsUntrusted, "tls"}};
  for (const auto& [kind, word] : words) {
    FeedEnd end;
    end.kind = kind;
    EXPECT_EQ(reason_word(end), word);
  }
  FeedEnd rejected;
  rejected.kind = Kind::Rejected;
  rejected.status = 401;
  EXPECT_EQ(reason_word(rejected), "http-401");
}

}  // namespace
}  // namespace smtptape
