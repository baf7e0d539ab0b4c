#include "replay/top/top_view.h"

#include <clocale>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/visible_text.h"
#include "format/wire/wire.h"
#include "tests/replay/example_feed.h"

namespace smtptape {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class TopView : public ::testing::Test {
 protected:
  TopView() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
  ~TopView() override { std::setlocale(LC_CTYPE, "C"); }

  void play(std::string_view id, const std::string& payload) {
    std::string line = frame(R"({"id":)" + text_json(id) + "}", payload, "10:00:00");
    line.pop_back();
    EventBatch batch;
    decoder_.decode(batch.arena.copy(line), Opcode::Text, batch).received = 1'000'000'000;
    model_.add(batch);
  }
  static std::string text_json(std::string_view text) {
    std::string json;
    append_json_string(json, text);
    return json;
  }
  std::vector<std::string> drawn(const TopLook& look = {}) {
    std::vector<std::string> lines;
    for (const TopLine& line : draw_top(model_, "STORE", look)) {
      std::string text;
      for (const TopSpan& span : line)
        text += span.text;
      EXPECT_LE(columns_of(text), look.columns) << text;
      EXPECT_EQ(text, visible(text));
      lines.push_back(text);
    }
    EXPECT_EQ(lines.size(), look.rows);
    return lines;
  }

  TopModel model_{"smtptape replay --follow STORE", "smtptape show {} STORE"};
  WireDecoder decoder_;
};

TEST_F(TopView, FillsEverySize) {
  for (int i = 0; i < 100; ++i)
    play("session " + std::to_string(i), text_payload("Read", std::string(300, 'x') + "\r\n"));
  for (const std::size_t rows : {1U, 2U, 23U, 24U, 25U, 60U, 300U}) {
    for (const std::size_t columns : {1U, 10U, 79U, 80U, 81U, 200U, 500U}) {
      for (const bool utf8 : {true, false})
        static_cast<void>(drawn({rows, columns, utf8}));
    }
  }
}

TEST_F(TopView, SaysWhenItIsTooSmall) {
  EXPECT_THAT(drawn({20, 60, true}), Contains(HasSubstr("this terminal has 60x20")));
  EXPECT_THAT(drawn({20, 60, true}).front(), HasSubstr("needs 80x24"));
  EXPECT_THAT(drawn({24, 80, true}).front(), StartsWith("smtptape top  STORE"));
}

TEST_F(TopView, ShowsTheEquivalentCommand) {
  EXPECT_THAT(drawn(), Contains("$ smtptape replay --follow STORE"));
  play("a", "\"BeginSession\"");
  EXPECT_THAT(drawn(), Contains("$ smtptape show a STORE"));
}

TEST_F(TopView, IsAsciiWhereTheLocaleIs) {
  play("a", text_payload("Read", "550 h\xc3\xa9las\r\n"));
  for (const bool help : {false, true}) {
    if (help) model_.press({TopKey::Kind::Text, "?"});
    for (const std::string& line : drawn({24, 80, false})) {
      for (const char c : line)
        ASSERT_TRUE(c >= ' ' && c <= '~') << line;
    }
  }
}

TEST_F(TopView, IsNotMovedByAnybody) {
  const std::string hostile = "\x1b[2J\r\n\u009b1m\u202e\x7f";
  play("a" + hostile, text_payload("Read", "550 " + hostile + "\r\n"));
  model_.tell(hostile);
  for (const char* const key : {"/", "\u009b", "t", "?", "x"}) {
    model_.press({TopKey::Kind::Text, key});
    static_cast<void>(drawn());
    static_cast<void>(drawn({60, 200, true}));
  }
}

TEST_F(TopView, WideCharactersAreWide) {
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(fitted("日本", 3, true), "日");
  EXPECT_EQ(fitted("日本", 3, false), "??");
  EXPECT_EQ(fitted("e\u0301x", 1, true), "e\u0301");
  EXPECT_EQ(fitted("abc", 0, true), "");
}

TEST_F(TopView, TheSelectedOneIsOnThePage) {
  for (int i = 0; i < 50; ++i)
    play("s" + std::to_string(i), "\"BeginSession\"");
  for (int i = 0; i < 50; ++i) {
    bool selected = false;
    for (const TopLine& line : draw_top(model_, "STORE", {60, 200, true}))
      selected = selected || (line.size() == 1 && line[0].style == TopStyle::Selected);
    EXPECT_TRUE(selected) << i;
    model_.press({TopKey::Kind::Down, {}});
  }
}

TEST_F(TopView, SaysThatItIsPaused) {
  EXPECT_THAT(drawn().front(), HasSubstr("live"));
  model_.press({TopKey::Kind::Text, " "});
  EXPECT_THAT(drawn().front(), HasSubstr("PAUSED"));
}

}  // namespace
}  // namespace smtptape
