// A footer stays small, however long the tape.
#include "format/tape/footer_bounds.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "format/limits.h"

namespace smtptape {
namespace {

std::vector<SessionRow> rows_of(std::size_t from, std::size_t count) {
  std::vector<SessionRow> rows(count);
  for (std::size_t i = 0; i < count; ++i)
    rows[i].id = std::to_string(from + i);
  return rows;
}

TEST(FooterBounds, TheTableOfSessionsIsSortedAndHasEachOnce) {
  SessionHashes hashes;
  for (int group = 0; group < 3; ++group)
    hashes.add(rows_of(0, 1000));
  hashes.add(rows_of(1000, 1));
  TapeFooter footer;
  hashes.write(footer);
  EXPECT_FALSE(footer.session_hashes_omitted);
  ASSERT_EQ(footer.session_hashes.size(), 1001U);
  EXPECT_TRUE(std::is_sorted(footer.session_hashes.begin(), footer.session_hashes.end()));
  EXPECT_TRUE(std::binary_search(
      footer.session_hashes.begin(), footer.session_hashes.end(), hash64("1000")));
}

TEST(FooterBounds, OfTooManySessionsThereIsNoTable) {
  SessionHashes hashes;
  for (std::size_t i = 0; i < 11; ++i)
    hashes.add(rows_of(i * 100'000, 100'000));
  TapeFooter footer;
  hashes.write(footer);
  EXPECT_TRUE(footer.session_hashes_omitted);
  EXPECT_TRUE(footer.session_hashes.empty());
  EXPECT_TRUE(read_footer_message(to_message(footer)).session_hashes_omitted);
}

// However many origins and keys its groups have.
TEST(FooterBounds, WhatStandsBesideTheValuesIsBoundedToo) {
  FooterRoom used;
  TapeFooter footer;
  for (int i = 0; i < 20'000; ++i) {
    GroupIndex group;
    group.gap_count = 1;
    group.gaps.emplace_back();
    for (int of_group = 0; of_group < 12; ++of_group) {
      group.origins.push_back({{}, std::string(1000, 's'), 1, false});
      group.summaries.emplace_back().key.assign(20, 'k');
    }
    shorten_for_footer(group, used);
    EXPECT_EQ(group.gaps.size(), group.origins.empty() ? 0U : 1U);
    EXPECT_EQ(group.summaries.size(), group.origins.size());
    EXPECT_EQ(group.gap_count, 1U);
    footer.groups.push_back(std::move(group));
  }
  EXPECT_FALSE(footer.groups.front().origins.empty());
  EXPECT_TRUE(footer.groups.back().origins.empty());
  constexpr std::uint64_t kGroup = 256;
  const std::uint64_t gaps = 100 * footer.groups.size();
  EXPECT_LE(to_message(footer).size(),
            kMostFooterGroupBytes + gaps + kGroup * footer.groups.size());
}

TEST(FooterBounds, GroupsBeyondTheBoundSayThatAnythingMayBeThere) {
  FooterRoom used;
  std::uint64_t kept = 0;
  for (int i = 0; i < 20; ++i) {
    GroupIndex group;
    group.index_version = kIndexVersion;
    group.message_ids_known = true;
    PropertySummary& summary = group.summaries.emplace_back();
    summary.complete = i % 2 == 0;
    summary.incomparable = true;
    if (summary.complete) summary.values.push_back({"\"a\"", false});
    if (!summary.complete) summary.filter.assign(64, '\0');
    group.message_ids.assign(kMiB, '\0');
    shorten_for_footer(group, used);
    kept += group.message_ids.size();
    const bool shortened = group.message_ids.empty();
    EXPECT_EQ(shortened, i >= 15) << i;
    EXPECT_EQ(may_hold_message_id(group, "\"x\""), shortened);
    EXPECT_EQ(summary.may_hold("\"b\"", false), shortened);
    EXPECT_TRUE(summary.incomparable);
  }
  EXPECT_LE(kept, kMostFooterSummaryBytes);
}

}  // namespace
}  // namespace smtptape
