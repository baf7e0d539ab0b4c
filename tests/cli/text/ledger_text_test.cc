// The ledger in words, and that no sum of it begins anew.
#include "cli/text/ledger_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/tape/ledger_json.h"

namespace smtptape {
namespace {

using testing::HasSubstr;

Gap gap_of(GapCause cause, std::optional<std::uint64_t> count) {
  Gap gap;
  gap.cause = cause;
  gap.count = count;
  return gap;
}

std::string upstream_of(const Ledger& ledger) {
  const std::string text = text_of(ledger, true);
  const std::string before = "0 received = 0 stored + 0 not selected + 0 lost; never received: ";
  EXPECT_TRUE(text.starts_with(before)) << text;
  return text.substr(before.size());
}

TEST(LedgerText, SaysPlainlyWhatNobodyKnows) {
  Ledger ledger;
  ledger.add(gap_of(GapCause::Disconnected, std::nullopt));
  EXPECT_EQ(upstream_of(ledger), "disconnected: once, nobody knows how many");
  ledger.add(gap_of(GapCause::Disconnected, std::nullopt));
  EXPECT_EQ(upstream_of(ledger), "disconnected: twice, nobody knows how many");
  ledger.add(gap_of(GapCause::Lag, 7));
  ledger.add(gap_of(GapCause::Disconnected, 3));
  EXPECT_EQ(upstream_of(ledger),
            "server lag: 7, disconnected: 3, and twice, nobody knows how many");
}

TEST(LedgerText, ASumThatIsTooLargeIsAtLeastTheLargest) {
  Ledger ledger;
  ledger.add(gap_of(GapCause::Lag, 4711));
  ledger.add(gap_of(GapCause::Lag, kMostCounted));
  EXPECT_EQ(upstream_of(ledger), "server lag: at least 18446744073709551615");
  EXPECT_THAT(json_of(ledger),
              HasSubstr(R"("count":18446744073709551615,"gaps":2,"unknown":0,"at_least":true)"));
  Ledger both = ledger;
  both += ledger;
  EXPECT_EQ(upstream_of(both), "server lag: at least 18446744073709551615");
  both -= ledger;
  EXPECT_EQ(upstream_of(both), "server lag: at least 18446744073709551615");
  both -= ledger;
  EXPECT_EQ(both, Ledger());
}

TEST(LedgerText, SoIsWhatWasReceivedAndLost) {
  Ledger ledger;
  ledger.stored = 5;
  ledger.received = 5;
  ledger.count(gap_of(GapCause::QueueFull, kMostCounted - 1));
  EXPECT_EQ(text_of(ledger, true),
            "at least 18446744073709551615 received = 5 stored + 0 not selected + "
            "18446744073709551614 lost (queue full: 18446744073709551614)");
  EXPECT_TRUE(ledger.balances());
  ledger.count(gap_of(GapCause::Disk, 2));
  EXPECT_THAT(text_of(ledger, true), HasSubstr("+ at least 18446744073709551615 lost ("));
  EXPECT_TRUE(ledger.balances());
}

TEST(LedgerText, SmallOnesAreExact) {
  Ledger all;
  all.count(gap_of(GapCause::QueueFull, 7));
  all.count(gap_of(GapCause::Lag, 9));
  Ledger part;
  part.count(gap_of(GapCause::Lag, 9));
  all -= part;
  EXPECT_EQ(text_of(all, true), "7 received = 0 stored + 0 not selected + 7 lost (queue full: 7)");
}

}  // namespace
}  // namespace smtptape
