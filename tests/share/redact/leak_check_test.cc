// A result is looked through everywhere, and nothing of how it was made is believed.
#include "share/redact/leak_check.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/wire/wire.h"

namespace smtptape {
namespace {

constexpr std::string_view kSecret = "falcon.nine";

class LeakCheckTest : public ::testing::Test {
 protected:
  LeakCheckTest() {
    originals_.add(Kind::LocalPart, kSecret);
    originals_.add(Kind::Label, "abc");
    originals_.finish();
  }

  // A frame of the session, with its payload and more of its metadata.
  void add(const std::string& payload, const std::string& more_meta = "") {
    const std::string frame = R"({"conn_meta":{"id":"s")" + more_meta + R"(},"payload":)" +
                              payload + R"(,"when":"2026-08-04T21:00:00Z"})";
    Event& event = decoder_.decode(batch_.arena.copy(frame), Opcode::Text, batch_);
    event.sequence = ++sequence_;
  }
  // Of which kinds it found something.
  std::vector<Kind> leaks(const std::array<bool, kKinds>& kept = {}) {
    LeakCheck check(originals_, kept);
    check.add(batch_);
    check.finish();
    std::vector<Kind> kinds;
    for (const Leak& leak : check.leaks()) {
      kinds.push_back(leak.kind);
      EXPECT_EQ(leak.where.find(kSecret), std::string::npos) << leak.where;
    }
    return kinds;
  }
  void expect_leak() { EXPECT_FALSE(leaks().empty()); }

  Originals originals_;
  WireDecoder decoder_;
  EventBatch batch_;
  std::uint64_t sequence_ = 0;
};

TEST_F(LeakCheckTest, FindsNothingWhereNothingIs) {
  add(R"({"Read":"250 falcon nine\r\n"})");
  add(R"("Closed")", R"(,"tenant":"abcd")");
  EXPECT_TRUE(leaks().empty());
}

TEST_F(LeakCheckTest, LooksAtWhatWasSaid) {
  for (const std::string payload : {R"({"Read":"550 no falcon.nine\r\n"})",
                                    R"({"Write":"MAIL FROM:<Falcon.Nine@x>\r\n"})",
                                    R"({"AbbreviatedWrite":{"snippet":"falcon.nine","len":30}})",
                                    R"({"Read":"550 falcon%2enine\r\n"})",
                                    R"({"Read":"550 ZmFsY29uLm5pbmU=\r\n"})",
                                    R"({"Write":"fal=\r\ncon.nine\r\n"})",
                                    R"({"Diagnostic":{"level":"INFO","message":"falcon.nine"}})",
                                    R"({"Diagnostic":{"level":"falcon.nine","message":"x"}})"}) {
    batch_.clear();
    add(payload);
    add(R"("Closed")");
    EXPECT_FALSE(leaks().empty()) << payload;
  }
}

TEST_F(LeakCheckTest, LooksForAddressesInEveryForm) {
  Originals originals;
  originals.add_address("2001:db8::17");
  originals.finish();
  for (const std::string payload :
       {R"({"Read":"550 not 2001:DB8:0:0::17\r\n"})",
        R"({"Write":"EHLO [IPv6:2001:0db8::0017]\r\n"})",
        R"({"Diagnostic":{"level":"INFO","message":"2001:db8:0::17:25"}})"}) {
    batch_.clear();
    add(payload);
    LeakCheck check(originals, {});
    check.add(batch_);
    check.finish();
    EXPECT_FALSE(check.leaks().empty()) << payload;
  }
}

TEST_F(LeakCheckTest, LooksOverTheBordersOfEventsAndLines) {
  add(R"({"Read":"550 fal"})");
  add(R"({"Write":"RSET\r\n"})");
  add(R"({"Read":"con.nine\r\n"})");
  expect_leak();
  batch_.clear();
  add(R"({"Read":"550-5.1.1 falcon\r\n550 5.1.1 .nine\r\n"})");
  add(R"("Closed")");
  expect_leak();
  batch_.clear();
  // Far behind the beginning of what one side said.
  for (int i = 0; i < 200; ++i)
    add(R"({"Read":"250 2.1.5 some recipient was fine\r\n"})");
  add(R"({"Read":"550 falcon"})");
  for (int i = 0; i < 20; ++i)
    add(R"({"Write":"NOOP\r\n"})");
  add(R"({"Read":".nine\r\n"})");
  expect_leak();
}

TEST_F(LeakCheckTest, LooksAtMetadataAndShortValuesOfIt) {
  add(R"("Closed")", R"(,"x":{"y":["falcon.nine"]})");
  expect_leak();
  batch_.clear();
  add(R"("Closed")", R"(,"tenant":"ABC")");
  EXPECT_EQ(leaks(), std::vector<Kind>{Kind::Label});
  std::array<bool, kKinds> kept{};
  kept[static_cast<std::size_t>(Kind::Label)] = true;
  EXPECT_TRUE(leaks(kept).empty());
}

TEST_F(LeakCheckTest, LooksBesideEvents) {
  batch_.notes.push_back({"note", "falcon.nine"});
  expect_leak();
  batch_.clear();
  Gap gap;
  gap.detail = "falcon.nine";
  batch_.gaps.push_back(gap);
  expect_leak();
  batch_.clear();
  Origin origin;
  origin.source = "mta.falcon.nine";
  add(R"("Closed")");
  batch_.events.back().origin = &origin;
  expect_leak();
  LeakCheck check(originals_, {});
  check.add("of falcon.nine", "a report");
  ASSERT_EQ(check.leaks().size(), 1U);
  EXPECT_EQ(check.leaks()[0].where, "a report");
}

TEST_F(LeakCheckTest, LooksAtFramesThatAreNoEvents) {
  decoder_.decode(batch_.arena.copy("no event: falcon.nine"), Opcode::Text, batch_);
  expect_leak();
}

}  // namespace
}  // namespace smtptape
