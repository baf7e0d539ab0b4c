// Lines come out by their keys, however many wait.
#include "cli/text/sorted_lines.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

std::string line(std::int64_t key) {
  return std::to_string(key) + "\n";
}

TEST(SortedLines, AreWrittenAsFarAsNothingCanComeBefore) {
  SortedLines lines;
  StringSink out;
  for (const std::int64_t key : {5, 3, 9})
    lines.add({key, 0, line(key)});
  lines.write_until(5, out);
  EXPECT_EQ(out.text(), "3\n");
  lines.add({7, 0, line(7)});
  lines.write_until(8, out);
  EXPECT_EQ(out.text(), "3\n5\n7\n");
  lines.write_all_to(out);
  EXPECT_EQ(out.text(), "3\n5\n7\n9\n");
  EXPECT_EQ(lines.written(), 4U);
}

TEST(SortedLines, OfOneKeyGoByTheSecondAndTheText) {
  SortedLines lines;
  StringSink out;
  lines.add({1, 2, "c\n"});
  lines.add({1, 1, "b\n"});
  lines.add({1, 1, "a\n"});
  lines.write_all_to(out);
  EXPECT_EQ(out.text(), "a\nb\nc\n");
}

TEST(SortedLines, TheFirstOrTheLastFewAreKept) {
  for (const auto keep : {SortedLines::Keep::First, SortedLines::Keep::Last}) {
    SortedLines lines(2, keep);
    StringSink out;
    for (const std::int64_t key : {4, 1, 3, 2}) {
      lines.add({key, 0, line(key)});
      lines.write_until(0, out);
    }
    lines.write_all_to(out);
    EXPECT_EQ(out.text(), keep == SortedLines::Keep::First ? "1\n2\n" : "3\n4\n");
  }
}

// What doesn't fit into memory waits in files, and comes out in its place.
TEST(SortedLines, AreTheSameWhereTheyDontFitIntoMemory) {
  std::mt19937 random(7);
  const std::string filler(20'000, 'x');
  std::vector<std::int64_t> keys(3 * SortedLines::kMostInMemory / filler.size());
  for (std::int64_t& key : keys)
    key = static_cast<std::int64_t>(random() % 100'000);
  for (const std::size_t count : {keys.size(), std::size_t{5}}) {
    for (const auto keep : {SortedLines::Keep::First, SortedLines::Keep::Last}) {
      SortedLines lines(count, keep);
      StringSink out;
      for (const std::int64_t key : keys)
        lines.add({key, 0, std::to_string(key) + filler + "\n"});
      lines.write_until(1000, out);
      lines.write_all_to(out);
      std::vector<std::int64_t> sorted = keys;
      std::sort(sorted.begin(), sorted.end());
      if (keep == SortedLines::Keep::First) sorted.resize(count);
      if (keep == SortedLines::Keep::Last)
        sorted.erase(sorted.begin(), sorted.end() - static_cast<std::ptrdiff_t>(count));
      std::string expected;
      for (const std::int64_t key : sorted)
        expected += std::to_string(key) + filler + "\n";
      EXPECT_TRUE(out.text() == expected) << count;
    }
  }
}

}  // namespace
}  // namespace smtptape
