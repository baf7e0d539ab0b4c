#include "share/redact/session_text.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

using Side = SessionText::Side;
using Units = std::vector<std::string>;

// Writes over each unit with its number, and remembers it.
struct Numbering {
  Units units;
  std::vector<bool> midway;
  SessionText text{[this](const SessionText::Unit& unit) {
    units.emplace_back(unit.text.data(), unit.text.size());
    midway.push_back(unit.begins_midway);
    for (char& c : unit.text)
      if (c != '\r' && c != '\n') c = static_cast<char>('0' + units.size() % 10);
  }};
};

TEST(SessionText, GivesLinesOfTheClientAndWholeReplies) {
  Numbering all;
  std::string client = "EHLO x\r\nQUIT\r\n";
  std::string server = "250-a\r\n250 b\r\n220 c\r\nodd\r\n";
  std::size_t held = 0;
  all.text.add("s", Side::Client, {client, &held}, nullptr);
  all.text.add("s", Side::Server, {server, &held}, nullptr);
  EXPECT_EQ(all.units,
            (Units{"EHLO x\r\n", "QUIT\r\n", "250-a\r\n250 b\r\n", "220 c\r\n", "odd\r\n"}));
  EXPECT_EQ(held, 0U);
  EXPECT_EQ(client, "111111\r\n2222\r\n");
  EXPECT_EQ(server, "33333\r\n33333\r\n44444\r\n555\r\n");
}

TEST(SessionText, IsTheSameHoweverItIsTorn) {
  const std::string whole = "250-first\r\n250-second\r\n250 third\r\n220 x\r\n";
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    Numbering all;
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < whole.size(); at += size)
      pieces.push_back(whole.substr(at, size));
    std::vector<std::size_t> held(pieces.size());
    for (std::size_t i = 0; i < pieces.size(); ++i)
      all.text.add("s", Side::Server, {pieces[i], &held[i]}, nullptr);
    EXPECT_EQ(all.units.size(), 2U);
    std::string written;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      written += pieces[i];
      EXPECT_EQ(held[i], 0U);
    }
    EXPECT_EQ(written, "111111111\r\n1111111111\r\n111111111\r\n22222\r\n") << size;
  }
}

TEST(SessionText, HoldsBackWhatHasNoEnd) {
  Numbering all;
  std::string one = "MAIL FR";
  std::string other = "OM\r\n";
  std::string stranger = "QUIT\r\n";
  std::size_t held_one = 0;
  std::size_t held_other = 0;
  all.text.add("s", Side::Client, {one, &held_one}, nullptr);
  EXPECT_EQ(held_one, 1U);
  all.text.add("t", Side::Client, {stranger, &held_other}, nullptr);
  EXPECT_EQ(all.units, (Units{"QUIT\r\n"}));
  all.text.add("s", Side::Client, {other, &held_other}, nullptr);
  EXPECT_EQ(held_one, 0U);
  EXPECT_EQ(one + other, "222222222\r\n");
}

TEST(SessionText, GivesUpWhatItMust) {
  Numbering all;
  std::string reply = "250-half";
  std::size_t held = 0;
  all.text.add("s", Side::Server, {reply, &held}, nullptr);
  all.text.end_all();
  EXPECT_EQ(held, 0U);
  std::string rest = " more\r\n250 end\r\n";
  all.text.add("s", Side::Server, {rest, &held}, nullptr);
  EXPECT_EQ(all.units, (Units{"250-half", " more\r\n", "250 end\r\n"}));
  EXPECT_EQ(all.midway, (std::vector<bool>{false, true, false}));
  std::string end = "220 the connection end";
  all.text.add("s", Side::Server, {end, &held}, nullptr);
  all.text.end_session("s");
  std::string next = "220 next\r\n";
  all.text.add("s", Side::Server, {next, &held}, nullptr);
  EXPECT_EQ(all.midway.back(), false);
  std::string large(SessionText::kMostUnit + 1, 'x');
  all.text.add("s", Side::Server, {large, &held}, nullptr);
  EXPECT_EQ(held, 0U);
}

}  // namespace
}  // namespace smtptape
