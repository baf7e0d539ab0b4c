#include "base/visible_text.h"

#include <string>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

TEST(VisibleText, LeavesWhatCanBeSeen) {
  for (const char* const text :
       {"", "plain text", "a \\ \"b\" 'c'", "é 日本 😀 \u00a0 \ufffd", "~\u00a0"})
    EXPECT_EQ(visible(text), text);
}

TEST(VisibleText, EscapesWhatATerminalObeys) {
  EXPECT_EQ(visible(std::string("\0\t\r\n\x1b[2J\a\x7f", 10)),
            "\\0\\t\\r\\n\\u{1b}[2J\\u{7}\\u{7f}");
  EXPECT_EQ(visible("\u0080\u009b31m\u009f"), "\\u{80}\\u{9b}31m\\u{9f}");
  EXPECT_EQ(visible("\u202a\u202e\u2066\u2069\u200e\u200f\u061c"),
            "\\u{202a}\\u{202e}\\u{2066}\\u{2069}\\u{200e}\\u{200f}\\u{61c}");
  EXPECT_EQ(visible("a\u2028b\u2029c"), "a\\u{2028}b\\u{2029}c");
}

TEST(VisibleText, EscapesEachByteThatIsNoUtf8) {
  EXPECT_EQ(visible("\x9b"
                    "31m\xff"),
            "\\x9b31m\\xff");
  EXPECT_EQ(visible("\xc3"), "\\xc3");
  EXPECT_EQ(visible("\xc0\x9b"), "\\xc0\\x9b") << "longer than needed";
  EXPECT_EQ(visible("\xe0\x80\x9b\xed\xa0\x80\xf4\x90\x80\x80"),
            "\\xe0\\x80\\x9b\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(visible("\xc3\x1b"), "\\xc3\\u{1b}");
}

TEST(VisibleText, OfJson) {
  EXPECT_EQ(visible_json("{\"a\":\"\x7f\u009b\u202e\xff é\"}\n"),
            "{\"a\":\"\\u007f\\u009b\\u202e\ufffd é\"}\n");
}

TEST(VisibleText, AsUtf8) {
  EXPECT_EQ(as_utf8("a\xff"
                    "b\xc3"),
            "a\ufffdb\ufffd");
  EXPECT_EQ(as_utf8("é\x1b"), "é\x1b");
}

}  // namespace
}  // namespace smtptape
