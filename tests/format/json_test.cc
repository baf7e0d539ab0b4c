#include "format/wire/json.h"

#include <random>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/wire/text_scan.h"
#include "format/wire/utf8.h"

namespace smtptape {
namespace {

std::string canonical(std::string_view json) {
  std::string out;
  return append_canonical_json(out, json) ? out : "ERROR";
}

TEST(CanonicalJson, SortsKeysAtAllDepthsAndKeepsTheLastOfDuplicates) {
  EXPECT_EQ(canonical(R"( { "b" : {"z":1,"a":[ 1 , 2 ]} , "a" : 1, "b":{"y":0,"x":1} } )"),
            R"({"a":1,"b":{"x":1,"y":0}})");
}

TEST(CanonicalJson, WritesNumbersAsSerdeJson) {
  EXPECT_EQ(canonical("[0,-1,18446744073709551615,-9223372036854775808]"),
            "[0,-1,18446744073709551615,-9223372036854775808]");
  EXPECT_EQ(canonical("18446744073709551616"), "1.8446744073709552e+19");
  EXPECT_EQ(canonical("[1.0,1e0,0.5,-0,1.50,100e-2]"), "[1.0,1.0,0.5,-0.0,1.5,1.0]");
  EXPECT_EQ(canonical("[1e15,1e16,123456789012345680.0]"),
            "[1000000000000000.0,1e+16,1.2345678901234568e+17]");
  EXPECT_EQ(canonical("[0.00001,0.000001,1.5e-7]"), "[0.00001,1e-6,1.5e-7]");
}

TEST(CanonicalJson, EscapesOnlyWhatItMust) {
  EXPECT_EQ(canonical(R"("\u0041\/\u00e9\u007f\u2028\ud83d\ude00\u0001\u0008\n")"),
            "\"A/é\x7f\xe2\x80\xa8😀\\u0001\\b\\n\"");
}

TEST(JsonReader, RefusesWhatSerdeJsonRefuses) {
  for (const char* const bad : {"",
                                " ",
                                "{",
                                "[1,]",
                                "{\"a\":1,}",
                                "{a:1}",
                                "01",
                                "1.",
                                "1e",
                                "-",
                                "+1",
                                ".5",
                                "nul",
                                "truex",
                                "\"",
                                "\"\n\"",
                                R"("\x")",
                                R"("\u12")",
                                R"("\ud800")",
                                R"("\udc00")",
                                R"("\ud800\u0041")",
                                "1 2",
                                "[1 2]",
                                "{\"a\" 1}",
                                "1e999",
                                "\"a\"b",
                                "[\"\\u00g0\"]"}) {
    EXPECT_EQ(canonical(bad), "ERROR") << bad;
  }
}

TEST(JsonReader, AllowsDepthOf127AndNoMore) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(canonical(nested(127)), nested(127));
  EXPECT_EQ(canonical(nested(128)), "ERROR");
  EXPECT_EQ(canonical(nested(1'000'000)), "ERROR");
}

TEST(JsonReader, SaysWhatIsWrongAndWhere) {
  JsonReader reader("{\"a\":\n }");
  EXPECT_FALSE(reader.skip_value());
  EXPECT_EQ(reader.error(), "expected value at line 2 column 1");
}

TEST(JsonEscape, SizeAgreesWithTheText) {
  std::string all;
  for (int c = 0; c < 256; ++c)
    all.push_back(static_cast<char>(c));
  for (std::size_t from = 0; from < all.size(); from += 7) {
    std::string out;
    append_json_escaped(out, std::string_view(all).substr(from));
    EXPECT_EQ(out.size(), json_escaped_size(std::string_view(all).substr(from)));
  }
}

// As serde_json does it, a byte at a time.
std::string escaped_slowly(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kShort = "\bb\ff\nn\rr\tt\"\"\\\\";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const std::size_t at = kShort.find(c);
    if (byte >= 0x20 && c != '"' && c != '\\') {
      out.push_back(c);
    } else if (at != std::string_view::npos) {
      // A letter is found behind its own control character only: letters were dealt with above.
      out.append("\\").push_back(kShort[at + (c == '"' || c == '\\' ? 0 : 1)]);
    } else {
      out.append("\\u00").push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xF]);
    }
  }
  return out;
}

// Of bytes that mostly need no escape; `size` of them.
std::string random_text(std::minstd_rand& random, std::size_t size) {
  std::string text;
  const unsigned rare = 1 + static_cast<unsigned>(random() % 40);
  while (text.size() < size) {
    const bool any = random() % rare == 0;
    text.push_back(static_cast<char>(any ? random() % 256 : 'a' + random() % 26));
  }
  return text;
}

TEST(JsonEscape, EqualsWhatIsMadeByteByByte) {
  std::minstd_rand random(7);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(random, random() % (round % 10 == 0 ? 5000 : 100));
    std::string out = "before";
    append_json_escaped(out, text);
    ASSERT_EQ(out, "before" + escaped_slowly(text));
    ASSERT_EQ(json_escaped_size(text), out.size() - 6);
  }
  const std::string worst(5000, '\x01');
  std::string out;
  append_json_escaped(out, worst);
  EXPECT_EQ(out, escaped_slowly(worst));
}

TEST(TextScan, WideAndPortableFindTheSame) {
  std::minstd_rand random(8);
  for (int round = 0; round < 20'000; ++round) {
    const std::string block = random_text(random, kTextBlock);
    ASSERT_EQ(JsonScan::mask(block.data()), portable_mask<JsonScan>(block.data()));
    ASSERT_EQ(PlainScan::mask(block.data()), portable_mask<PlainScan>(block.data()));
  }
  for (int c = 0; c < 256; ++c) {
    const std::string block(kTextBlock, static_cast<char>(c));
    EXPECT_EQ(JsonScan::mask(block.data()), portable_mask<JsonScan>(block.data())) << c;
    EXPECT_EQ(PlainScan::mask(block.data()), portable_mask<PlainScan>(block.data())) << c;
  }
}

TEST(Utf8, IsAsRfc3629SaysIt) {
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf é"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_FALSE(is_utf8("abc\xc3"));
}

// Each character, and each sequence of up to four bytes that differs from one by a byte, at every
// place around the edges of a vector.
class Utf8Ways : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") == 0) GTEST_SKIP() << "no AVX2 here";
#else
    GTEST_SKIP() << "one way here";
#endif
  }
  static void expect_agreement([[maybe_unused]] const std::string& text) {
#ifdef __x86_64__
    ASSERT_EQ(is_utf8_with_avx2(text), is_utf8_portably(text)) << ::testing::PrintToString(text);
#endif
  }
};

TEST_F(Utf8Ways, AgreeOnEveryThreeBytes) {
  std::string text(40, 'x');
  for (unsigned three = 0; three < 1U << 24U; three += 1) {
    // The first decides what may follow: of those in the middle of their kind, one in a few is
    // enough.
    const unsigned first = three & 0xFFU;
    const unsigned third = three >> 16U;
    if ((first < 0xC0 && first % 16 != 15) || third % 8 != 0) continue;
    for (unsigned i = 0; i < 3; ++i)
      text[31 + i] = static_cast<char>(three >> 8 * i & 0xFFU);
    expect_agreement(text);
  }
}

TEST_F(Utf8Ways, AgreeWhereverACharacterStandsAndWhateverIsWrongWithIt) {
  const std::string characters[] = {
      "\u00E9", "\u0800", "\uD7FF", "\uE000", "\U00010000", "\U0010FFFF"};
  for (const std::string& character : characters) {
    for (std::size_t before = 0; before < 70; ++before) {
      const std::string text = std::string(before, 'x') + character;
      EXPECT_TRUE(is_utf8_portably(text));
      for (std::size_t cut = 0; cut <= character.size(); ++cut)
        expect_agreement(text.substr(0, text.size() - cut));
      for (std::size_t at = before; at < text.size(); ++at) {
        for (int byte = 0; byte < 256; ++byte) {
          std::string other = text;
          other[at] = static_cast<char>(byte);
          expect_agreement(other);
          expect_agreement(other + "x");
        }
      }
    }
  }
}

}  // namespace
}  // namespace smtptape
