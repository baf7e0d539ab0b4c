// Whether long-distance matching is used, and that it is worth having.
#include "format/tape/far_matches.h"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "format/tape/compressor.h"

namespace smtptape {

namespace {

TEST(FarMatches, AreTriedInTheFirstGroupAndKeptWhereTheyGainMuch) {
  FarMatches far;
  EXPECT_TRUE(far.wanted());
  far.note(1000, 10);
  EXPECT_FALSE(far.wanted());
  far.note(2000, 60);
  EXPECT_TRUE(far.wanted());
  far.note(1000, 500);  // what comes later decides nothing
  EXPECT_TRUE(far.wanted());
}

TEST(FarMatches, AreLeftWhereTheyGainLittle) {
  FarMatches far;
  far.note(1000, 97);
  far.note(1000, 100);
  EXPECT_FALSE(far.wanted());
  far.note(1000, 900);
  EXPECT_FALSE(far.wanted());
}

TEST(FarMatches, AreLeftWhereThereIsNoText) {
  FarMatches far;
  far.note(0, 0);
  far.note(0, 0);
  EXPECT_FALSE(far.wanted());
}

// Mail of a few templates in common words, a line of each mail its own.
std::string mailing() {
  constexpr std::array<std::string_view, 8> kWords{
      "time ", "year ", "people ", "way ", "day ", "man ", "thing ", "woman "};
  std::mt19937 random(1);
  std::vector<std::string> templates(20);
  for (std::string& text : templates) {
    while (text.size() < 8000)
      text += kWords[random() % kWords.size()];
  }
  std::string mail;
  for (int i = 0; i < 300; ++i) {
    std::string text = templates[random() % templates.size()];
    mail += text.replace(random() % 7000, 20, std::to_string(random()));
  }
  return mail;
}

std::size_t compressed_size(std::string_view text, bool far) {
  Compressor compressor(3, 26);
  compressor.look_far(far);
  std::string out;
  compressor.add(text, out);
  compressor.end(out);
  return out.size();
}

TEST(FarMatches, FindTheTemplateThatNearMatchesHide) {
  const std::string text = mailing();
  EXPECT_LT(compressed_size(text, true) * 2, compressed_size(text, false));
}

TEST(FarMatches, CanBeChangedBetweenFrames) {
  const std::string text = mailing();
  Compressor compressor(3, 26);
  const auto frame = [&](bool far) {
    std::string out;
    compressor.look_far(far);
    compressor.add(text, out);
    compressor.end(out);
    return out.size();
  };
  EXPECT_EQ(frame(false), compressed_size(text, false));
  EXPECT_EQ(frame(true), compressed_size(text, true));
  EXPECT_EQ(frame(false), compressed_size(text, false));
}

}  // namespace

}  // namespace smtptape
