// What `smtptape info` says of tapes in every state.
#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "format/tape/tape_writer.h"
#include "tests/e2e/cli.h"

namespace smtptape::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Gap some_gap(GapCause cause, std::optional<std::uint64_t> count) {
  Gap gap;
  gap.cause = cause;
  gap.count = count;
  gap.after_sequence = 4;
  gap.from = gap.until = 1'785'877'200'000'000'000;  // 2026-08-04T21:00:00Z
  return gap;
}

// Four events, and gaps of several causes.
class InfoOf : public ::testing::Test {
 protected:
  void SetUp() override {
    TapeHeader header;
    header.tape_id = random_id();
    header.origin = {random_id(), "mta1", 1, false};
    header.first_sequence = 1;
    StringSink sink;
    TapeWriter writer(sink, header, {});
    const MetaPtr meta = Meta::parse(R"({"id":"s1"})");
    Event event;
    event.kind = EventKind::Write;
    event.text = "NOOP\r\n";
    event.meta = meta.get();
    Ledger ledger;
    for (event.sequence = 1; event.sequence <= 4; ++event.sequence)
      writer.add(event);
    writer.flush();
    inside_batch_ = sink.text().size() + 10;
    for (const Gap& gap : {some_gap(GapCause::QueueFull, 7),
                           some_gap(GapCause::Disk, 3),
                           some_gap(GapCause::Disk, std::nullopt),
                           some_gap(GapCause::Lag, 5)}) {
      writer.add(gap);
      ledger.add(gap);
    }
    writer.end_group();
    unclosed_ = sink.text();
    ledger.received = 20;
    ledger.not_selected = 6;
    writer.seal(ledger, 1);
    sealed_ = sink.text();
  }
  Ran info(const std::string& bytes, const std::string& options = "") {
    write_file(tape_, bytes);
    return smtptape("info " + options, {tape_});
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "x.tape";
  std::string sealed_;
  std::string unclosed_;
  std::size_t inside_batch_ = 0;
};

TEST_F(InfoOf, ASealedTapeTellsTheWholeLedger) {
  const Ran ran = info(sealed_);
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(StartsWith(tape_ + ": sealed\n"),
            HasSubstr("  ledger    20 received = 4 stored + 6 not selected + 10 lost (queue full: "
                      "7, disk: 3, and once, nobody knows how many); never received: server "
                      "lag: 5\n"),
            HasSubstr("  synced    all 4 events\n"),
            HasSubstr("  gaps      4\n"),
            HasSubstr("gap: queue full: 7 events missing")));
  EXPECT_THAT(
      info(sealed_, "--json").out,
      AllOf(StartsWith(R"({"schema":"smtptape.info/1","path":)"),
            HasSubstr(R"("state":"sealed","sealed":true)"),
            HasSubstr(R"("ledger":{"received":20,"stored":4,"synced":4,"complete":true,)"
                      R"("not_selected":6,"lost":{"queue full":{"count":7,"gaps":1,"unknown":0},)"
                      R"("disk":{"count":3,"gaps":2,"unknown":1}},)"
                      R"("upstream":{"server lag":{"count":5,"gaps":1,"unknown":0}}})")));
}

TEST_F(InfoOf, OfAnUnclosedTapeNobodyKnowsWhatIsSynced) {
  const Ran ran = info(unclosed_);
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(StartsWith(tape_ + ": unclosed\n"),
                    HasSubstr("  ledger    4 stored + 10 lost (queue full: 7, disk: 3, and once, "
                              "nobody knows how many); never received: server lag: 5; not "
                              "selected: unknown (not sealed)\n"),
                    HasSubstr("  synced    unknown (not sealed)\n"),
                    HasSubstr("  gaps      4\n")));
  EXPECT_THAT(info(unclosed_, "--json").out,
              AllOf(HasSubstr(R"("state":"unclosed","sealed":false)"),
                    HasSubstr(R"("stored":4,"synced":null,"complete":false)")));
}

TEST_F(InfoOf, TheStateStandsInTheWordsOfVerify) {
  std::string damaged = sealed_;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);  // of the footer
  struct Case {
    std::string bytes;
    std::string state;
    int exit;
  };
  for (const Case& each : {Case{sealed_, "sealed", 0},
                           Case{unclosed_, "unclosed", 0},
                           Case{unclosed_.substr(0, inside_batch_), "torn tail", 3},
                           Case{damaged, "damaged", 3},
                           Case{sealed_ + "rubbish", "damaged", 3}}) {
    const Ran ran = info(each.bytes);
    EXPECT_THAT(ran.out, StartsWith(tape_ + ": " + each.state + "\n"));
    EXPECT_EQ(ran.exit, each.exit) << each.state;
    EXPECT_THAT(smtptape("verify", {tape_}).out, StartsWith(tape_ + ": " + each.state + ","));
  }
  write_file(tape_, unclosed_.substr(0, inside_batch_));
  const UniqueFd writer(::open(tape_.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(try_lock_byte(writer.get(), 0, "the tape"));
  const Ran live = smtptape("info", {tape_});
  EXPECT_EQ(live.exit, 0) << live.err;
  EXPECT_THAT(live.out,
              AllOf(StartsWith(tape_ + ": being written\n"),
                    HasSubstr("  synced    unknown (not sealed)\n")));
}

TEST(Info, AGapOfTheServerBeginsWithTheEventBeforeItsNotice) {
  const TemporaryDirectory directory;
  const std::string tape = directory / "lag.tape";
  const std::string feed =
      R"({"conn_meta":{"id":"a"},"payload":"Connected","when":"2026-08-04T21:00:00.500Z"})"
      "\n"
      R"({"conn_meta":null,"payload":{"Diagnostic":{"level":"ERROR","message":)"
      R"("Tracer Lagged behind and missed 1 events"}},"when":"2026-08-04T21:00:07.250Z"})"
      "\n";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, feed).exit, 0);
  EXPECT_THAT(smtptape("info", {tape}).out,
              HasSubstr("gap: server lag: 1 event missing, 2026-08-04T21:00:00.500Z to "
                        "2026-08-04T21:00:07.250Z\n"));
}

TEST(Info, OfLagNoticesThatTellOfMoreThanCanBeCounted) {
  const TemporaryDirectory directory;
  const std::string tape = directory / "lag.tape";
  ASSERT_EQ(smtptape({"import", SMTPTAPE_SOURCE_DIR "/tests/e2e/lag.jsonl", "-o", tape}).exit, 0);
  const std::string text = smtptape("info", {tape}).out;
  EXPECT_THAT(text, HasSubstr("never received: server lag: at least 18446744073709551615\n"));
  EXPECT_THAT(text, HasSubstr("gap: server lag: at least 18446744073709551615 events missing"));
  EXPECT_THAT(smtptape("info --json", {tape}).out, HasSubstr(R"("at_least":true)"));
  EXPECT_THAT(smtptape("replay", {tape}).err,
              HasSubstr("at least 18446744073709551615 events missing"));
}

}  // namespace
}  // namespace smtptape::testing
