// What programs write instead of a character, and back.
#include "smtp/spellings.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

std::string undone(Spelling spelling, std::string_view text) {
  Respelled out;
  undo(spelling, text, out);
  EXPECT_EQ(out.text.size(), out.places.size());
  EXPECT_EQ(out.changed, out.text != text) << text;
  return out.text;
}

// From where on the text may go on as a spelling; its size when it can't.
std::size_t open_of(Spelling spelling, std::string_view text) {
  Respelled out;
  undo(spelling, text, out);
  return out.open;
}

TEST(Spellings, Literals) {
  const auto literal = [](std::string_view text) { return undone(Spelling::Backslash, text); };
  EXPECT_EQ(literal(R"(a\"b\'c\\d\/e)"), R"(a"b'c\d/e)");
  EXPECT_EQ(literal(R"(\n\r\t\b\f)"), "\n\r\t\b\f");
  EXPECT_EQ(literal(R"(\0scott\0123)"),
            std::string("\0scott\0"
                        "123",
                        10));
  EXPECT_EQ(literal(R"(\u{e9}\u{1f600}\u{7})"), "é😀\a");
  EXPECT_EQ(literal(R"(\u00e9\u00E9\ud83d\ude00)"), "éé😀");
  EXPECT_EQ(literal(R"(\xe9\XE9\351)"), "\xe9\\XE9\xe9");
  for (const char* const other : {R"(\q)",
                                  R"(\u{})",
                                  R"(\u{12)"
                                  "g",
                                  R"(\u12g)",
                                  R"(\xg)",
                                  R"(\38)"})
    EXPECT_EQ(literal(other), other);
}

TEST(Spellings, Urls) {
  EXPECT_EQ(undone(Spelling::Percent, "a%22b%5C%5c%c3%A9"), "a\"b\\\\é");
  for (const char* const other : {"%", "%2", "%g1", "100% of", "a=22", "+22"})
    EXPECT_EQ(undone(Spelling::Percent, other), other);
}

TEST(Spellings, Mail) {
  EXPECT_EQ(undone(Spelling::QuotedPrintable, "a=22b=C3=a9=\r\nc=\nd= \t\r\ne"),
            "a\"béc"
            "de");
  for (const char* const other : {"=", "a = b", "=g1", "%22"})
    EXPECT_EQ(undone(Spelling::QuotedPrintable, other), other);
}

TEST(Spellings, Xtext) {
  EXPECT_EQ(undone(Spelling::Xtext, "a+22b+2B"), "a\"b+");
  EXPECT_EQ(undone(Spelling::Xtext, "a+b"), "a+b");
}

TEST(Spellings, Html) {
  EXPECT_EQ(undone(Spelling::Entity, "&quot;&amp;&lt;&gt;&apos;&#34;&#x22;&#X22;&#233;"),
            "\"&<>'\"\"\"é");
  for (const char* const other : {"&", "&nbsp;", "a&b", "&#;", "&#xg;", "&#34", "&#9999999;"})
    EXPECT_EQ(undone(Spelling::Entity, other), other);
}

TEST(Spellings, BeyondAscii) {
  EXPECT_EQ(undone(Spelling::NotAscii, "pässwörd"), "p\xffssw\xffrd");
  EXPECT_EQ(undone(Spelling::NotAscii, "p\xe4ssw\xef\xbf\xbd\xef\xbf\xbdrd"), "p\xffssw\xffrd");
  EXPECT_EQ(undone(Spelling::NotAscii, "plain"), "plain");
}

TEST(Spellings, KnowWhereEachByteStood) {
  Respelled out;
  undo(Spelling::Backslash, R"(a\u{e9}b)", out);
  ASSERT_EQ(out.text, "aéb");
  const std::vector<std::pair<unsigned, unsigned>> wanted{{0, 1}, {1, 7}, {1, 7}, {7, 8}};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(out.places[i].from, wanted[i].first);
    EXPECT_EQ(out.places[i].to, wanted[i].second);
  }
}

TEST(Spellings, MayBeCutAnywhere) {
  const std::pair<Spelling, std::string_view> all[] = {
      {Spelling::Backslash, R"(\u{1f600})"},
      {Spelling::Backslash, R"(\ud83d\ude00)"},
      {Spelling::Backslash, R"(\xe9)"},
      {Spelling::Backslash, R"(\351)"},
      {Spelling::Backslash, R"(\")"},
      {Spelling::Percent, "%22"},
      {Spelling::QuotedPrintable, "=22"},
      {Spelling::QuotedPrintable, "= \r\n"},
      {Spelling::Xtext, "+22"},
      {Spelling::Entity, "&quot;"},
      {Spelling::Entity, "&#x22;"},
  };
  for (const auto& [spelling, whole] : all) {
    SCOPED_TRACE(whole);
    for (std::size_t size = 1; size < whole.size(); ++size)
      EXPECT_EQ(open_of(spelling, "a" + std::string(whole.substr(0, size))), 1U) << size;
    EXPECT_EQ(open_of(spelling, "a" + std::string(whole)), 1 + whole.size());
  }
  EXPECT_EQ(open_of(Spelling::NotAscii, "aé"), 1U) << "the run may go on";
}

std::string digits_undone(Digits digits, unsigned skip, std::string_view text) {
  Respelled out;
  undo(digits, skip, text, out);
  EXPECT_EQ(out.text.size(), out.places.size());
  return out.text;
}

TEST(Spellings, Base64OfBothAlphabets) {
  EXPECT_EQ(digits_undone(Digits::Base64, 0, "dGlnZXItNw=="), "tiger-7==");
  EXPECT_EQ(digits_undone(Digits::Base64, 0, "++//"), digits_undone(Digits::Base64, 0, "--__"));
  EXPECT_EQ(digits_undone(Digits::Base64, 2, "HRpZ2VyLTc").substr(0, 7), "tiger-7");
  EXPECT_EQ(digits_undone(Digits::Base64, 0, "dGln\r\nZXItNw"), "tiger-7") << "on two lines";
  EXPECT_EQ(digits_undone(Digits::Base64, 0, "dGln ZXIt"), "tig er-") << "two words";
}

TEST(Spellings, Hex) {
  EXPECT_EQ(digits_undone(Digits::Hex, 0, "746967"), "tig");
  EXPECT_EQ(digits_undone(Digits::Hex, 4, "074696A"), "tij");
}

TEST(Spellings, DecodeBase64) {
  EXPECT_EQ(decode_base64("dGlnZXItNw=="), "tiger-7");
  EXPECT_EQ(decode_base64("dGlnZXItNw"), "tiger-7");
  EXPECT_EQ(decode_base64("AGEA"), std::string("\0a\0", 3));
  EXPECT_EQ(decode_base64("no base64"), "");
  EXPECT_EQ(decode_base64("dGln\r\nZXIt"), "");
  EXPECT_EQ(decode_base64(""), "");
}

}  // namespace
}  // namespace smtptape
