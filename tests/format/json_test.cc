#include "format/wire/json.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Utf8, IsAsRfc3629SaysIt) {
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf é"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_FALSE(is_utf8("abc\xc3"));
}

}  // namespace
}  // namespace smtptape
