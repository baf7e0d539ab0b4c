// export --format pcapng: what is told beside the packets, and how it ends.
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/cli.h"
#include "tests/share/pcapng/read_pcapng.h"

namespace smtptape::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ExportedPackets : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        smtptape("import",
                 {golden_path("feeds/errors/raw.jsonl").string(), "-o", tape_, "--name", "mta1"})
            .exit,
        0);
  }
  Ran exported(const std::string& options) const {
    return smtptape("export --format pcapng " + options, {tape_});
  }

  TemporaryDirectory directory_;
  std::string tape_ = directory_ / "errors.tape";
};

TEST_F(ExportedPackets, AreOfWholeSessionsUnlessEventsAreAskedFor) {
  const std::string filter = "--rcpt-to user97@rcptmixed.example";
  const ReadPcapng whole(exported(filter).out);
  ASSERT_THAT(whole.streams, SizeIs(1));
  EXPECT_TRUE(whole.streams[0].begins);
  EXPECT_THAT(whole.streams[0].read, HasSubstr("550 5.1.1 No such user"));
  EXPECT_EQ(whole.interfaces.at(0).name, "mta1");
  const ReadPcapng events(exported("--scope strict " + filter).out);
  ASSERT_THAT(events.streams, SizeIs(1));
  EXPECT_FALSE(events.streams[0].begins) << "the handshake is of no recipient";
}

TEST_F(ExportedPackets, AreAFileForNobodyElseAndReplaceNone) {
  const std::string file = directory_ / "night.pcapng";
  const Ran ran = exported("-o " + file);
  EXPECT_EQ(ran.exit, 0);
  EXPECT_THAT(ran.err, HasSubstr("40 sessions, 42 connections, 483 packets; what the tapes hold"));
  EXPECT_THAT(ran.err, HasSubstr("tshark takes these for SMTP with -d tcp.port==2601-2639,smtp"));
  EXPECT_EQ(read_file(file), exported("").out);
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(file).permissions()), 0600U);
  EXPECT_EQ(exported("-o " + file).exit, 1);
  EXPECT_EQ(exported("--force -o " + file).exit, 0);
  EXPECT_EQ(exported("--force -o " + tape_).exit, 2);
  const Ran live = exported("--as-live");
  EXPECT_EQ(live.exit, 2);
  EXPECT_THAT(live.err, HasSubstr("--as-live is for frames"));
}

TEST_F(ExportedPackets, OfNothingAreNone) {
  const std::string file = directory_ / "night.pcapng";
  const Ran ran = exported("--code 299 -o " + file);
  EXPECT_EQ(ran.exit, 1);
  EXPECT_THAT(ran.err, HasSubstr("nothing was found in 1 tape"));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_THAT(exported("--code 299").out, IsEmpty());
  const std::string tape = directory_ / "begun.tape";
  const std::string feed =
      R"({"conn_meta":{"id":"a"},"payload":"BeginSession","when":"2026-08-04T13:54:50Z"})"
      "\n";
  ASSERT_EQ(smtptape({"import", "-", "-o", tape}, feed).exit, 0);
  const Ran begun = smtptape("export --format pcapng", {tape});
  EXPECT_EQ(begun.exit, 1);
  EXPECT_THAT(begun.out, IsEmpty());
  EXPECT_THAT(begun.err,
              HasSubstr("1 session without a connection left out, so there is no packet"));
}

TEST_F(ExportedPackets, SayWhatIsMissing) {
  const std::string tape = directory_ / "lag.tape";
  const std::string feed = golden_path("feeds/slices/lag-inside.jsonl").string();
  ASSERT_EQ(smtptape("import", {feed, "-o", tape}).exit, 0);
  const Ran ran = smtptape("export --format pcapng", {tape});
  EXPECT_EQ(ran.exit, 3);
  EXPECT_THAT(ran.err, HasSubstr("138355 events missing"));
  const ReadPcapng file(ran.out);
  EXPECT_EQ(file.interfaces.at(0).dropped, 138355U);
  std::uint64_t dropped = 0;
  for (const ReadPacket& packet : file.packets)
    dropped += packet.dropped;
  EXPECT_EQ(dropped, 138355U);
}

TEST_F(ExportedPackets, AreNothingForATerminal) {
  const Ran ran = run_program(SMTPTAPE_PROGRAM,
                              {"export", tape_, "--format", "pcapng"},
                              {},
                              std::chrono::seconds(30),
                              Output::Terminal);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.err, HasSubstr("a file of packets is nothing for a terminal"));
}

}  // namespace
}  // namespace smtptape::testing
