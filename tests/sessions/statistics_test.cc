// Sessions counted by what they have in common.
#include "sessions/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using ::testing::HasSubstr;

TEST(Histogram, PercentilesAreRightToWithinItsError) {
  std::mt19937_64 random(3);
  for (const double spread : {1e4, 1e6, 1e9, 1e12}) {
    Histogram histogram;
    std::vector<std::int64_t> times;
    for (int i = 0; i < 5000; ++i) {
      times.push_back(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spread)));
      histogram.add(times.back());
    }
    std::sort(times.begin(), times.end());
    EXPECT_EQ(histogram.count(), times.size());
    for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
      const auto place = static_cast<std::size_t>(std::ceil(share * 5000)) - 1;
      const auto exact = static_cast<double>(times[place]);
      // A part is a microsecond at least.
      EXPECT_NEAR(
          static_cast<double>(histogram.quantile(share)), exact, Histogram::kError * exact + 1000);
    }
  }
}

TEST(Histogram, TakesWhatMakesNoSense) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0);
  histogram.add(-5);
  EXPECT_EQ(histogram.quantile(0.5), 0);
  histogram.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_GT(histogram.quantile(1), std::int64_t{24} * 3600 * 1'000'000'000);
}

TEST(Providers, AreKnownByTheEndOfTheHostsName) {
  const Providers known;
  EXPECT_EQ(known.of("gmail-smtp-in.l.google.com."), "google");
  EXPECT_EQ(known.of("ASPMX.L.GOOGLE.COM"), "google");
  EXPECT_EQ(known.of("example-com.mail.protection.outlook.com."), "microsoft");
  EXPECT_EQ(known.of("mta5.am0.yahoodns.net."), "yahoo");
  EXPECT_EQ(known.of("mx01.mail.icloud.com"), "apple");
  // A label is a whole one; and what is not known is named by its own end.
  EXPECT_EQ(known.of("mx.notgoogle.com."), "notgoogle.com");
  EXPECT_EQ(known.of("mx1.mail.example.net."), "example.net");
  EXPECT_EQ(known.of("localhost"), "localhost");
  EXPECT_EQ(known.of("192.0.2.7"), "192.0.2.7");
}

TEST(Providers, AFileHasTheLastWord) {
  Providers providers;
  providers.extend("# a comment\n\n.l.google.com  gmail # mailboxes\nexample.net ours", "table");
  EXPECT_EQ(providers.of("gmail-smtp-in.l.google.com."), "gmail");
  EXPECT_EQ(providers.of("smtp.google.com."), "google");
  EXPECT_EQ(providers.of("mx.example.net"), "ours");
  for (const std::string wrong : {"example.net", "example.net ours too", ". ours"}) {
    try {
      Providers().extend("\n" + wrong, "table");
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("reading table, line 2: "));
    }
  }
}

SessionSummary session(const std::string& host, std::int64_t at) {
  SessionSummary session;
  session.id = host + std::to_string(at);
  session.add(SessionName::MxHost, host);
  session.first_received = at;
  session.last_received = at + 5;
  session.messages = 2;
  session.outcomes[static_cast<std::size_t>(Outcome::Delivered)] = 3;
  session.outcomes[static_cast<std::size_t>(Outcome::Deferred)] = 1;
  return session;
}

TEST(Statistics, AddUp) {
  Statistics::Question question;
  question.by = {StatsKey::MxHost};
  question.bucket = 100;
  Statistics statistics(question, Providers());
  for (const std::int64_t at : {-1, 0, 99, 100})
    statistics.add(session("a.example", at));
  statistics.add(session("b.example", 7));
  const KeyFigures& a = statistics.table().at({"a.example"});
  EXPECT_EQ(a.sessions, 4U);
  EXPECT_EQ(a.messages, 8U);
  EXPECT_EQ(a.recipients(), 16U);
  EXPECT_EQ(a.failed(), 4U);
  EXPECT_DOUBLE_EQ(a.share(Outcome::Deferred), 0.25);
  EXPECT_EQ(a.first, -1);
  EXPECT_EQ(a.last, 105);
  ASSERT_EQ(a.buckets.size(), 3U);
  EXPECT_EQ(a.buckets.at(-100).sessions, 1U);
  EXPECT_EQ(a.buckets.at(0).sessions, 2U);
  EXPECT_EQ(a.buckets.at(0).recipients, 8U);
  EXPECT_EQ(a.buckets.at(0).failed, 2U);
  EXPECT_EQ(statistics.all().sessions, 5U);
}

TEST(Statistics, CountTheLaterOnesOfVeryManyKeysTogether) {
  Statistics::Question question;
  question.by = {StatsKey::MxHost, StatsKey::Tls};
  Statistics statistics(question, Providers());
  const std::size_t most = statistics.most_keys();
  for (std::size_t i = 0; i < most + 10; ++i)
    statistics.add(session("h" + std::to_string(i) + ".example", 0));
  EXPECT_TRUE(statistics.has_others());
  EXPECT_EQ(statistics.table().size(), most + 1);
  EXPECT_EQ(statistics.table().at({"(other)", "(other)"}).sessions, 10U);
}

TEST(Statistics, AddressesAreWithoutPorts) {
  Statistics::Question question;
  question.by = {StatsKey::MxAddress};
  Statistics statistics(question, Providers());
  for (const std::string address : {"192.0.2.1:25", "[2001:db8::1]:25", "2001:db8::2"}) {
    SessionSummary one = session("h", 0);
    one.add(SessionName::MxAddress, address);
    statistics.add(one);
  }
  std::vector<std::string> keys;
  for (const auto& [key, figures] : statistics.table())
    keys.push_back(key[0]);
  EXPECT_THAT(keys, ::testing::ElementsAre("192.0.2.1", "2001:db8::1", "2001:db8::2"));
}

}  // namespace
}  // namespace smtptape
