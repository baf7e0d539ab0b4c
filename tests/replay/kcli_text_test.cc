#include "replay/kcli_text.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/wall_time.h"
#include "format/wire/wire.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using testing::Header;
using testing::read_table;
using testing::unquote;
using Row = std::vector<std::string>;

std::string delta(Elapsed elapsed, KcliProfile profile = KcliProfile::HalfUp) {
  std::string out;
  append_delta(out, elapsed, profile);
  return out;
}

Elapsed nanoseconds(std::uint64_t nanos) {
  return {false, nanos / kNanosPerSecond, static_cast<std::uint32_t>(nanos % kNanosPerSecond)};
}

std::string escaped(std::string_view line, KcliProfile profile = KcliProfile::HalfUp) {
  std::string out;
  append_escaped(out, line, profile);
  return out;
}

std::string utf8(char32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) {
    return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  }
  return {byte(0xF0 | c >> 18),
          byte(0x80 | (c >> 12 & 0x3F)),
          byte(0x80 | (c >> 6 & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

// Also more nanoseconds than 64 bits hold.
Elapsed read_nanoseconds(const std::string& digits) {
  const std::string padded = std::string(10, '0') + digits;
  const std::size_t point = padded.size() - 9;
  return {false,
          std::stoull(padded.substr(0, point)),
          static_cast<std::uint32_t>(std::stoul(padded.substr(point)))};
}

void expect_deltas(const std::string& table, KcliProfile profile) {
  const auto rows = read_table(table, Header::No);
  ASSERT_GT(rows.size(), 200U);
  for (const Row& row : rows) {
    ASSERT_EQ(row.size(), 2U);
    EXPECT_EQ("|" + delta(read_nanoseconds(row[0]), profile) + "|", row[1]) << row[0];
  }
}

TEST(Delta, EqualsKcliBuiltWithRustUpTo193) {
  expect_deltas("kcli/duration.tsv", KcliProfile::HalfUp);
}

TEST(Delta, EqualsKcliBuiltWithNewerRust) {
  expect_deltas("kcli/duration-halfeven.tsv", KcliProfile::HalfEven);
}

TEST(Delta, KeepsItsUnitWhenItRoundsUp) {
  EXPECT_EQ(delta(nanoseconds(999'500)), "1000\u00b5s");
  EXPECT_EQ(delta(nanoseconds(999'999'999)), "1000ms");
  EXPECT_EQ(delta(nanoseconds(59'500'000'000)), "  60s");
}

TEST(Delta, RoundsTiesByProfile) {
  EXPECT_EQ(delta(nanoseconds(2'500'000'000), KcliProfile::HalfUp), "   3s");
  EXPECT_EQ(delta(nanoseconds(2'500'000'000), KcliProfile::HalfEven), "   2s");
  EXPECT_EQ(delta(nanoseconds(3'500'000'000), KcliProfile::HalfEven), "   4s");
  EXPECT_EQ(delta(nanoseconds(2'500'000'001), KcliProfile::HalfEven), "   3s");
}

TEST(Delta, ShowsAStepBackWithAMinus) {
  EXPECT_EQ(delta({true, 0, 12'000'000}), "-12ms");
  EXPECT_EQ(delta({true, 0, 1}), " -1ns");
  EXPECT_EQ(delta({true, 0, 7'000}), " -7\u00b5s");
  EXPECT_EQ(delta({true, 3600, 0}), "-3600s");
}

TEST(Delta, HoldsTheLargestDistance) {
  EXPECT_EQ(delta({true, UINT64_MAX - 1, 999'999'999}), "-18446744073709551615s");
  EXPECT_EQ(delta({true, UINT64_MAX, 999'999'999}), "-18446744073709551616s");
}

void expect_escapes(const std::string& table, KcliProfile profile) {
  const auto rows = read_table(table, Header::No);
  ASSERT_GT(rows.size(), 400U);
  for (const Row& row : rows) {
    ASSERT_EQ(row.size(), 2U);
    EXPECT_EQ(escaped(unquote(row[0]), profile), unquote(row[1])) << row[0];
  }
}

TEST(Escape, EqualsKcliWithUnicode16) {
  expect_escapes("kcli/escape.tsv", KcliProfile::HalfUp);
}

TEST(Escape, EqualsKcliWithUnicode17) {
  expect_escapes("kcli/escape-unicode17.tsv", KcliProfile::HalfEven);
}

// A flag for each character.
std::vector<bool> read_escape_set(const std::string& table, std::string_view position) {
  std::vector<bool> characters(0x110000);
  for (const Row& row : read_table(table, Header::Yes)) {
    if (row.at(0) != position) continue;
    const auto last = std::stoul(row.at(2), nullptr, 16);
    for (auto c = std::stoul(row.at(1), nullptr, 16); c <= last; ++c)
      characters.at(c) = true;
  }
  return characters;
}

std::string by_code(char32_t c) {
  std::array<char, 8> digits{};
  std::to_chars(digits.begin(), digits.end(), std::uint32_t{c}, 16);
  return "\\u{" + std::string(digits.data()) + "}";
}

// Every scalar value, in the first place of a line or after `before`.
void expect_escape_set(const std::vector<bool>& set, const std::string& before, KcliProfile p) {
  static constexpr std::string_view kShortEscapes("\0\t\r\n\"'\\", 7);
  std::string got;
  for (char32_t c = 0; c <= 0x10FFFF; c = c == 0xD7FF ? 0xE000 : c + 1) {
    if (c < 0x80 && kShortEscapes.find(static_cast<char>(c)) != std::string_view::npos) continue;
    const std::string character = utf8(c);
    got.clear();
    append_escaped(got, before + character, p);
    const std::string want = before + (set[c] ? by_code(c) : character);
    if (got != want) FAIL() << "U+" << std::hex << std::uint32_t{c} << ": " << got;
  }
}

TEST(Escape, KnowsEveryCharacterOfUnicode16) {
  const std::string table = "kcli/escape-ranges.tsv";
  expect_escape_set(read_escape_set(table, "first"), "", KcliProfile::HalfUp);
  expect_escape_set(read_escape_set(table, "nonfirst"), "x", KcliProfile::HalfUp);
}

TEST(Escape, KnowsEveryCharacterOfUnicode17) {
  const std::string table = "kcli/escape-ranges-unicode17.tsv";
  expect_escape_set(read_escape_set(table, "first"), "", KcliProfile::HalfEven);
  expect_escape_set(read_escape_set(table, "nonfirst"), "x", KcliProfile::HalfEven);
}

TEST(Escape, LooksAtTheFirstCharacterOnly) {
  EXPECT_EQ(escaped("\u0301e\u0301"), "\\u{301}e\u0301");
  EXPECT_EQ(escaped("\u00e9\u0301\u0301"), "\u00e9\u0301\u0301");
}

TEST(Escape, FindsEveryByteAtEveryPlace) {
  for (std::size_t size = 2; size < 40; ++size) {
    for (std::size_t second = 1; second < size; ++second) {
      for (std::size_t first = 0; first < second; ++first) {
        std::string line(size, 'a');
        line[first] = '\'';
        line[second] = '\x7F';
        std::string want(size, 'a');
        want.replace(second, 1, "\\u{7f}").replace(first, 1, "\\'");
        ASSERT_EQ(escaped(line), want);
      }
    }
  }
}

TEST(Escape, ReadsNothingBehindTheLine) {
  for (std::size_t size = 1; size < 40; ++size) {
    const std::string line = std::string(size, 'a') + "\xC3";
    ASSERT_EQ(escaped(line + "\xA9"), line + "\xA9");
    ASSERT_EQ(escaped(line), std::string(size, 'a') + "\uFFFD");
    const std::vector<char> exact(line.begin(), line.end());
    ASSERT_EQ(escaped({exact.data(), size}), std::string(size, 'a'));
  }
}

TEST(Escape, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(escaped("a\xFF"), "a\uFFFD");
  EXPECT_EQ(escaped("\xC3"), "\uFFFD");
  EXPECT_EQ(escaped("\xC0\x80"), "\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xE2\x82"), "\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xFF\u00e9"), "\uFFFD\u00e9");
}

TEST(KcliTime, EqualsKcli) {
  for (const Row& row : read_table("kcli/when.tsv", Header::No)) {
    const std::string text = unquote(row.at(0));
    const auto when = parse_wire_time(text);
    ASSERT_EQ(when.has_value(), !row.at(1).starts_with("ERR")) << text;
    if (!when) continue;
    std::string out;
    append_kcli_time(out, *when);
    EXPECT_EQ(out, row.at(2));
  }
}

// Characters of all kinds, many ends of lines, and bytes that are no UTF-8.
std::string random_lines(std::minstd_rand& random, std::size_t pieces) {
  constexpr std::array<std::string_view, 16> kPieces{"\n",
                                                     "\r\n",
                                                     "\r",
                                                     "\"",
                                                     "'",
                                                     "\\",
                                                     "\t",
                                                     "\x7f",
                                                     "\u0301",
                                                     "\u00e9",
                                                     "\u200b",
                                                     "\xc3",
                                                     "\U0001f600",
                                                     "\xff",
                                                     "\x01",
                                                     "\xe2\x82"};
  const unsigned rare = 1 + static_cast<unsigned>(random() % 30);
  std::string text;
  for (; pieces > 0; --pieces) {
    if (random() % rare == 0) {
      text.append(kPieces[random() % kPieces.size()]);
    } else {
      text.push_back(static_cast<char>(' ' + random() % 95));
    }
  }
  return text;
}

TEST(Lines, EqualLineByLineEscaping) {
  std::minstd_rand random(5);
  for (int round = 0; round < 5000; ++round) {
    const std::string text = random_lines(random, random() % (round % 20 == 0 ? 9000 : 200));
    const std::string start(random() % (round % 50 == 0 ? 5000 : 90), '>');
    const KcliProfile profile = round % 2 == 0 ? KcliProfile::HalfUp : KcliProfile::HalfEven;
    std::string wanted = "before";
    std::string_view rest = text;
    std::string_view line;
    while (next_line(rest, line)) {
      wanted.append(start);
      append_escaped(wanted, line, profile);
      wanted.append("<\n");
    }
    std::string out = "before";
    append_lines(out, text, {start, "<\n"}, profile);
    ASSERT_EQ(out, wanted);
  }
}

// Escaping in one go and a character at a time; the first of a line has a set of its own.
TEST(Escape, OfALineIsThatOfItsCharacters) {
  std::minstd_rand random(6);
  for (int round = 0; round < 2000; ++round) {
    const std::string line = random_lines(random, 1 + random() % 60);
    std::string wanted;
    for (std::size_t at = 0; at < line.size();) {
      // A character of the first place is tried alone, a later one behind a letter.
      std::size_t size = 1;
      while (at + size < line.size() && size < 4 &&
             escaped("x" + line.substr(at, size)).find("\uFFFD") != std::string::npos &&
             (static_cast<unsigned char>(line[at + size]) & 0xC0) == 0x80) {
        ++size;
      }
      if (size > 1 && escaped("x" + line.substr(at, size)).find("\uFFFD") != std::string::npos) {
        size = 1;
      }
      const std::string one = line.substr(at, size);
      wanted.append(at == 0 ? escaped(one) : escaped("x" + one).substr(1));
      at += size;
    }
    ASSERT_EQ(escaped(line), wanted);
  }
}

}  // namespace
}  // namespace smtptape
