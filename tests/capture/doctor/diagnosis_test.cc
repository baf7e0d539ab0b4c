// What a doctor says, and what it looked at.
#include "capture/doctor/diagnosis.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/doctor/probe.h"
#include "store/keep/store.h"
#include "tests/support/fake_kumod.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'795'000'000 * kSecond;
constexpr std::uint64_t kGiB = 1 << 30;
constexpr const char* kEvent =
    R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T13:54:50Z"})";

std::vector<std::string> lines(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) {
    out.push_back(std::string(name_of(finding.health)) + " " + finding.what + ": " +
                  text_of(finding));
  }
  return out;
}

std::string figures(const Finding& finding) {
  std::string all;
  for (const Figure& figure : finding.figures)
    all += (all.empty() ? "" : ", ") + figure.name + " " + std::to_string(figure.value);
  return all;
}

FeedOptions options_for(const std::string& url) {
  FeedOptions options;
  options.endpoint = parse_endpoint(url);
  options.request = "{}";
  return options;
}

FeedFacts good_feed() {
  FeedFacts facts;
  facts.endpoint = parse_endpoint("http://mta:8000");
  facts.end.opened = true;
  facts.frames = 300;
  facts.bytes = 300'000;
  facts.watched = 3s;
  facts.events_ahead = -kSecond / 100;
  return facts;
}

StoreFacts good_store() {
  StoreFacts facts;
  facts.directory = "/tapes";
  facts.kind = StoreFacts::Kind::Directory;
  facts.writable = facts.ours = true;
  facts.mode = 0700;
  facts.space = {100 * kGiB, 50 * kGiB};
  facts.span_of_last_day = 24h;
  return facts;
}

// --- the feed ---

TEST(DoctorFeed, GoodIsThreeLines) {
  EXPECT_THAT(lines(judge_feed(good_feed())),
              ElementsAre("ok endpoint: mta:8000 accepts the request",
                          "ok events: 100 a second from mta:8000, 1000 bytes each",
                          "ok clock: as ours, to a few seconds"));
}

// For programs: what to do, about what, and the numbers, each by itself.
TEST(DoctorFinding, HasItsAdviceAndItsFiguresApart) {
  FeedFacts feed = good_feed();
  feed.server_ahead = -70 * kSecond;
  const std::vector<Finding> of_feed = judge_feed(feed);
  ASSERT_EQ(of_feed.size(), 3U);
  for (const Finding& finding : of_feed)
    EXPECT_EQ(finding.about, "mta:8000");
  EXPECT_EQ(of_feed[0].advice, "");
  EXPECT_EQ(figures(of_feed[1]), "events 300, bytes 300000, watched_ms 3000");
  EXPECT_EQ(of_feed[2].what, "clock");
  EXPECT_EQ(of_feed[2].advice, "let NTP set both clocks");
  EXPECT_THAT(of_feed[2].detail, Not(HasSubstr("NTP")));
  EXPECT_EQ(figures(of_feed[2]), "ahead_seconds -70");

  StoreFacts store = good_store();
  store.mode = 0755;
  const std::vector<Finding> of_store = judge_store(store);
  ASSERT_EQ(of_store.size(), 3U);
  EXPECT_EQ(of_store[0].advice, "chmod 0700");
  EXPECT_EQ(of_store[1].about, "/tapes");
  EXPECT_EQ(figures(of_store[1]), "free_bytes 53687091200, total_bytes 107374182400");

  store.bytes_of_last_day = kGiB;
  RetentionLimits limits;
  limits.max_bytes = 10 * kGiB;
  const std::vector<Finding> growth = judge_growth(store, {}, limits);
  ASSERT_EQ(growth.size(), 2U);
  EXPECT_EQ(figures(growth[0]), "bytes_a_day 1073741824");
  EXPECT_EQ(figures(growth[1]), "room_bytes 53687091200, wanted_bytes 10737418240");
  limits.keep_free = KeepFree{60 * kGiB, {}};
  const std::vector<Finding> none = judge_growth(store, {}, limits);
  ASSERT_EQ(none.size(), 1U);
  EXPECT_THAT(none[0].advice, HasSubstr("--keep-free"));
  EXPECT_EQ(figures(none[0]), "free_bytes 53687091200, reserve_bytes 64424509440");
}

TEST(DoctorFeed, TellsWhatToDoWhenItIsRefused) {
  FeedFacts facts = good_feed();
  facts.end = {};
  facts.end.kind = FeedEnd::Kind::Rejected;
  facts.end.status = 401;
  facts.end.phrase = "Unauthorized";
  const auto told = [&](const std::string& reason) {
    facts.end.reason = reason;
    return lines(judge_feed(facts)).at(0);
  };
  const std::string none = told("nobody not permitted GET on /api");
  EXPECT_THAT(none, HasSubstr("FAIL endpoint: mta:8000 refused the request with 401"));
  EXPECT_THAT(none, HasSubstr("nobody not permitted"));
  EXPECT_THAT(none, HasSubstr("trusted_hosts"));
  EXPECT_THAT(told("HttpBasicAuth Authentication Failed for joe"), HasSubstr("are wrong"));
  EXPECT_THAT(told("joe denied GET on /api"), HasSubstr("access control"));
  EXPECT_EQ(none.find("trusted_hosts"), none.rfind("trusted_hosts")) << "once";
}

TEST(DoctorFeed, ComparesClocks) {
  FeedFacts facts = good_feed();
  facts.events_ahead = 90 * kSecond;
  EXPECT_EQ(lines(judge_feed(facts)).at(2),
            "warn clock: mta:8000 is 1m30s ahead of us; let NTP set both clocks");
  facts.events_ahead = -3600 * kSecond;
  EXPECT_THAT(lines(judge_feed(facts)).at(2),
              HasSubstr("warn clock: events of mta:8000 are 1h old"));
  facts.events_ahead = -9 * kSecond;
  EXPECT_THAT(lines(judge_feed(facts)).at(2), HasSubstr("ok clock"));
}

TEST(DoctorFeed, TellsAWrongClockFromALag) {
  FeedFacts facts = good_feed();
  facts.events_ahead = -3600 * kSecond;
  facts.server_ahead = -3600 * kSecond;
  EXPECT_THAT(lines(judge_feed(facts)),
              ElementsAre(HasSubstr("ok endpoint"),
                          HasSubstr("ok events"),
                          "warn clock: mta:8000 is 1h behind us; let NTP set both clocks"));
  facts.server_ahead = -kSecond;
  EXPECT_THAT(lines(judge_feed(facts)),
              ElementsAre(HasSubstr("ok endpoint"),
                          HasSubstr("ok events"),
                          HasSubstr("ok clock"),
                          "warn clock: events of mta:8000 are 1h old when they come; it lags"));
  facts.server_ahead = 90 * kSecond;
  facts.events_ahead = 90 * kSecond;
  EXPECT_THAT(lines(judge_feed(facts)),
              ElementsAre(HasSubstr("ok endpoint"),
                          HasSubstr("ok events"),
                          HasSubstr("warn clock: mta:8000 is 1m30s ahead")));
}

TEST(DoctorFeed, ASilentServerHasAClockToo) {
  FeedFacts facts = good_feed();
  facts.frames = facts.bytes = 0;
  facts.events_ahead.reset();
  facts.server_ahead = 0;
  EXPECT_THAT(
      lines(judge_feed(facts)),
      ElementsAre(HasSubstr("ok endpoint"), HasSubstr("warn events"), HasSubstr("ok clock")));
}

TEST(DoctorProbe, AsksTheServerForItsTime) {
  Dialogue dialogue = upgrade_then({stay_silent()});
  dialogue.headers = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  const FakeKumod kumod({dialogue});
  const FeedFacts facts = probe_feed(options_for(kumod.url()), 10ms);
  ASSERT_TRUE(facts.server_ahead);
  EXPECT_LT(*facts.server_ahead, -30 * 365 * 86'400 * kSecond);
}

TEST(DoctorFeed, SilenceIsAWarning) {
  FeedFacts facts = good_feed();
  facts.frames = facts.bytes = 0;
  facts.events_ahead.reset();
  EXPECT_THAT(
      lines(judge_feed(facts)),
      ElementsAre(HasSubstr("ok endpoint"), HasSubstr("warn events: none from mta:8000 in 3.0 s")));
}

TEST(DoctorProbe, CountsWhatComesAndGoesAfterTheTime) {
  const FakeKumod kumod({upgrade_then({send_text(kEvent), send_text(kEvent), stay_silent()})});
  const FeedFacts facts = probe_feed(options_for(kumod.url()), 700ms);
  EXPECT_TRUE(facts.end.opened);
  EXPECT_EQ(facts.end.kind, FeedEnd::Kind::Stopped);
  EXPECT_EQ(facts.frames, 2U);
  EXPECT_EQ(facts.bytes, 2 * std::string(kEvent).size());
  EXPECT_TRUE(facts.events_ahead);
  EXPECT_FALSE(facts.server_ahead) << "it did not say";
  EXPECT_GE(facts.watched, 700ms);
}

TEST(DoctorProbe, TellsARefusalAtOnce) {
  const FakeKumod kumod(
      {answer_with("HTTP/1.1 401 Unauthorized\r\nContent-Length: 19\r\n\r\n"
                   "Trusted IP required")});
  const FeedFacts facts = probe_feed(options_for(kumod.url()), 1h);
  EXPECT_FALSE(facts.end.opened);
  EXPECT_EQ(facts.end.status, 401U);
  EXPECT_EQ(facts.end.reason, "Trusted IP required");
  const ClosedPort closed;
  EXPECT_THAT(lines(judge_feed(probe_feed(options_for(closed.url()), 1h))),
              ElementsAre(MatchesRegex("FAIL endpoint: .*connection refused.*is kumod running.*")));
}

TEST(DoctorProbe, EndsWithTheConnection) {
  const FakeKumod kumod({upgrade_then({send_text("no json")})});
  const FeedFacts facts = probe_feed(options_for(kumod.url()), 1h);
  EXPECT_TRUE(facts.end.opened);
  EXPECT_EQ(facts.end.kind, FeedEnd::Kind::Closed);
  EXPECT_EQ(facts.frames, 1U);
  EXPECT_FALSE(facts.events_ahead);
}

// --- the store ---

TEST(DoctorStore, GoodIsThreeLines) {
  StoreFacts facts = good_store();
  facts.recorded = {"mta-1", "mta-2"};
  EXPECT_THAT(lines(judge_store(facts)),
              ElementsAre("ok store: /tapes: 0 tapes, mode 0700",
                          "ok space: 50.0 GiB of 100.0 GiB are free",
                          "ok recorder: records mta-1, mta-2"));
}

TEST(DoctorStore, RightsAndRoom) {
  StoreFacts facts = good_store();
  facts.mode = 0755;
  EXPECT_THAT(lines(judge_store(facts)).at(0),
              HasSubstr("warn store: /tapes: mode 0755 lets others"));
  facts.mode = 0750;
  EXPECT_THAT(lines(judge_store(facts)).at(0), HasSubstr("ok store"));
  facts.ours = false;
  EXPECT_THAT(lines(judge_store(facts)).at(0), HasSubstr("warn store: /tapes: belongs to another"));
  facts.writable = false;
  EXPECT_THAT(lines(judge_store(facts)).at(0), HasSubstr("FAIL store: /tapes: this user may not"));
  facts.space.free = 100 << 20;
  EXPECT_THAT(lines(judge_store(facts)).at(1), HasSubstr("warn space: 100.0 MiB of"));
  facts.space.free = 0;
  EXPECT_THAT(lines(judge_store(facts)).at(1), HasSubstr("FAIL space"));
}

TEST(DoctorStore, IsLookedAtFromOutside) {
  const TemporaryDirectory directory;
  StoreFacts facts = look_at_store(directory.path() / "new", kNow);
  EXPECT_THAT(lines(judge_store(facts)),
              ElementsAre(HasSubstr("will be made"), HasSubstr("space")));
  EXPECT_FALSE(fs::exists(directory.path() / "new")) << "it writes nothing";
  EXPECT_THAT(lines(judge_store(look_at_store(directory.path() / "new" / "store", kNow))),
              ElementsAre(HasSubstr("/store: the directory above it is missing, too; make that")));
  testing::write_file(directory / "file", "x");
  EXPECT_THAT(lines(judge_store(look_at_store(directory.path() / "file", kNow))),
              ElementsAre(HasSubstr("is no directory")));
  EXPECT_THAT(lines(judge_store(look_at_store(directory.path() / "file" / "x", kNow))),
              ElementsAre(HasSubstr("FAIL store")));

  const Store store(directory.path() / "store");
  testing::write_file(store.directory() / to_file_name({"mta", 1, tape_start_text(kNow - kSecond)}),
                      "12345");
  testing::write_file(store.directory() / to_file_name({"mta", 0, "20200101T000000Z"}), "123");
  const UniqueFd lock = store.lock_source("mta");
  facts = look_at_store(store.directory(), kNow);
  EXPECT_EQ(facts.kind, StoreFacts::Kind::Directory);
  EXPECT_THAT(facts.recorded, ElementsAre("mta"));
  EXPECT_EQ(facts.files.size(), 2U);
  EXPECT_EQ(facts.bytes_of_last_day, 5U);
  EXPECT_LT(facts.span_of_last_day, 60s);
  EXPECT_EQ(facts.mode, 0700U);
  EXPECT_TRUE(facts.writable && facts.ours);
}

// --- growth ---

TEST(DoctorGrowth, ComesFromTheStoreElseFromTheFeed) {
  StoreFacts store = good_store();
  RetentionLimits limits;
  limits.max_age = std::chrono::hours(24);
  EXPECT_THAT(lines(judge_growth(store, {}, limits)),
              ElementsAre("ok growth: nobody can tell yet"));
  FeedFacts feed = good_feed();
  feed.watched = 60s;
  feed.bytes *= 20;
  EXPECT_EQ(lines(judge_growth(store, {feed}, limits)).at(0),
            "ok growth: 2.4 GiB a day, at most; a guess of low confidence, from 1m of traffic");
  store.bytes_of_last_day = 10 * kGiB;
  EXPECT_THAT(lines(judge_growth(store, {good_feed()}, limits)),
              ElementsAre("ok growth: 10.0 GiB a day, as on the last day",
                          "ok retention: there is room for 5.0 days"));
  store.bytes_of_last_day = 1 << 20;
  EXPECT_EQ(lines(judge_growth(store, {}, limits)).at(1),
            "ok retention: there is room for ten years");
}

TEST(DoctorGrowth, JudgesNoDayByAFewSeconds) {
  StoreFacts store = good_store();
  FeedFacts feed = good_feed();
  feed.watched = 7s;
  EXPECT_THAT(lines(judge_growth(store, {feed}, {})),
              ElementsAre("ok growth: nobody can tell from 7.0 s of traffic; --watch 1m or more "
                          "gives a guess"));
  store.bytes_of_last_day = kGiB;
  store.span_of_last_day = 7s;
  EXPECT_THAT(lines(judge_growth(store, {feed}, {})).at(0), HasSubstr("nobody can tell"));
  store.span_of_last_day = 6h;
  EXPECT_EQ(lines(judge_growth(store, {feed}, {})).at(0),
            "ok growth: 4.0 GiB a day, a guess of low confidence, from 6h of tapes");
}

TEST(DoctorGrowth, SaysWhenWhatIsToBeKeptDoesNotFit) {
  StoreFacts store = good_store();
  store.bytes_of_last_day = 10 * kGiB;
  RetentionLimits limits;
  EXPECT_EQ(lines(judge_growth(store, {}, limits)).at(1),
            "warn retention: no limit is given; the file system is full in 5.0 days");
  limits.max_age = std::chrono::hours(24 * 14);
  EXPECT_EQ(lines(judge_growth(store, {}, limits)).at(1),
            "warn retention: what is to be kept needs 140.0 GiB; there is room for 5.0 days");
  limits.max_bytes = 20 * kGiB;
  EXPECT_THAT(lines(judge_growth(store, {}, limits)).at(1), HasSubstr("ok retention"));
  limits.keep_free = KeepFree{40 * kGiB, {}};
  EXPECT_EQ(lines(judge_growth(store, {}, limits)).at(1),
            "warn retention: what is to be kept needs 20.0 GiB; there is room for 1.0 days");
}

TEST(DoctorGrowth, SaysWhenNothingIsRecordedForWantOfRoom) {
  StoreFacts store = good_store();
  RetentionLimits limits;
  limits.keep_free = KeepFree{50 * kGiB, {}};
  EXPECT_THAT(lines(judge_growth(store, {good_feed()}, limits)),
              ElementsAre("FAIL retention: 50.0 GiB are free, and 50.0 GiB are to stay free: "
                          "nothing is recorded until there is room; free some, or give "
                          "--keep-free less, such as 1G"));
  StoredFile tape;
  tape.bytes = 1;  // it can go
  store.files = {tape};
  EXPECT_THAT(lines(judge_growth(store, {}, limits)),
              ElementsAre("ok growth: nobody can tell yet"));
  store.bytes_of_last_day = 1;  // it can't: it is young
  EXPECT_THAT(lines(judge_growth(store, {}, limits)), ElementsAre(HasSubstr("FAIL retention")));
}

TEST(DoctorGrowth, LessThanADayIsNotGood) {
  StoreFacts store = good_store();
  store.bytes_of_last_day = 100 * kGiB;
  RetentionLimits limits;
  limits.keep_free = KeepFree{kGiB, {}};
  EXPECT_THAT(lines(judge_growth(store, {}, limits)).at(1),
              HasSubstr("warn retention: there is room for less than a day"));
}

TEST(DoctorGrowth, OfWhatIsNoStoreNobodySpeaks) {
  StoreFacts store = good_store();
  store.kind = StoreFacts::Kind::Other;
  EXPECT_THAT(lines(judge_growth(store, {good_feed()}, {})), IsEmpty());
}

}  // namespace
}  // namespace smtptape
