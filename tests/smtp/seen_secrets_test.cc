// A secret is found again however it is spelled, where it is cut in pieces, and within bounds.
#include "smtp/seen_secrets.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

// What needs escapes somewhere, and what is no ASCII.
constexpr std::string_view kHard = "p\"a\\s' %w=o+r&d\té😀<7>";

std::string base64_of(std::string_view bytes, bool url = false) {
  const std::string digits =
      std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") +
      (url ? "-_" : "+/");
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8U | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0U);
    for (std::size_t i = 0; i <= three.size(); ++i)
      out.push_back(digits[bits >> (18 - 6 * i) & 63U]);
  }
  return out;
}

std::string padded(std::string base64) {
  while (base64.size() % 4 != 0)
    base64.push_back('=');
  return base64;
}

std::string hex_of(std::string_view bytes, std::string_view before, bool upper = false) {
  const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.append(before);
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 15U]);
  }
  return out;
}

// The characters of `escaped` with `before` and two digits, the others as they are.
std::string some_hex_of(std::string_view text, std::string_view before, std::string_view escaped) {
  std::string out;
  for (const char c : text) {
    const bool plain = escaped.find(c) == std::string_view::npos && c > ' ' && c < '\x7f';
    out += plain ? std::string(1, c) : hex_of({&c, 1}, before, true);
  }
  return out;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string literal_of(std::string_view text, std::string_view quote) {
  std::string out = replaced(std::string(text), "\\", "\\\\");
  out = replaced(out, "\t", "\\t");
  return replaced(out, quote, "\\" + std::string(quote));
}

std::string masked(std::string text, const std::vector<ByteRange>& found) {
  for (const ByteRange& range : found)
    text.replace(range.from, range.to - range.from, range.to - range.from, '*');
  return text;
}

class SeenSecretsTest : public testing::Test {
 protected:
  void sees(std::string_view argument, bool is_name = false) {
    seen_.append(argument);
    seen_.end_argument(is_name);
  }
  std::string looked_through(const std::string& text) const {
    std::vector<ByteRange> found;
    seen_.find(text, found);
    return masked(text, found);
  }
  // In two pieces, cut everywhere.
  void expect_masked_when_cut(const std::string& spelled) const {
    // Two characters and the beginning of a third.
    constexpr std::size_t kMostVisible = 24;
    for (std::size_t cut = 0; cut <= spelled.size(); ++cut) {
      std::string open;
      std::string stored;
      for (const std::string& piece :
           {"at " + spelled.substr(0, cut), spelled.substr(cut) + " end"}) {
        std::vector<ByteRange> found;
        seen_.find_in_piece(piece, open, found);
        stored += masked(piece, found);
      }
      ASSERT_EQ(stored.substr(stored.size() - 4), " end");
      std::size_t visible = 0;
      for (std::size_t i = 0; i < spelled.size(); ++i)
        visible += stored[3 + i] == '*' && spelled[i] != '*' ? 0U : 1U;
      ASSERT_LE(visible, std::min(cut, kMostVisible)) << "cut at " << cut << ": " << stored;
      ASSERT_EQ(stored.substr(3 + cut, spelled.size() - cut),
                std::string(spelled.size() - cut, '*'));
    }
  }

  SeenSecrets seen_;
};

struct Spelled {
  const char* how;
  std::function<std::string(std::string_view)> spell;
};

std::vector<Spelled> all_spellings() {
  const auto rust = [](std::string_view text) {
    return replaced(literal_of(text, "\""), "é", "\\u{e9}");
  };
  return {
      {"raw", [](std::string_view text) { return std::string(text); }},
      {"Rust", rust},
      {"Rust, of a character", [](std::string_view text) { return literal_of(text, "'"); }},
      {"Rust, twice", [rust](std::string_view text) { return rust(rust(text)); }},
      {"JSON, ASCII only",
       [](std::string_view text) {
         return replaced(replaced(literal_of(text, "\""), "é", "\\u00e9"), "😀", "\\ud83d\\ude00");
       }},
      {"JSON, with slashes",
       [](std::string_view text) { return replaced(literal_of(text, "\""), "/", "\\/"); }},
      {"percent", [](std::string_view text) { return hex_of(text, "%"); }},
      {"percent, upper case", [](std::string_view text) { return hex_of(text, "%", true); }},
      {"percent, where needed",
       [](std::string_view text) { return some_hex_of(text, "%", "\"\\'%=+&<>"); }},
      {"form, + for a blank",
       [](std::string_view text) {
         return replaced(some_hex_of(text, "%", "\"\\'%=+&<>"), "%20", "+");
       }},
      {"quoted-printable", [](std::string_view text) { return some_hex_of(text, "=", "="); }},
      {"quoted-printable, all of it and a soft line break",
       [](std::string_view text) { return hex_of(text, "=", true).insert(9, "=\r\n"); }},
      {"quoted-printable in Rust's literal",
       [rust](std::string_view text) {
         return rust(some_hex_of(text, "=", "=").insert(1, "=\r\n"));
       }},
      {"xtext", [](std::string_view text) { return some_hex_of(text, "+", "+="); }},
      {"HTML",
       [](std::string_view text) {
         std::string out = replaced(std::string(text), "&", "&amp;");
         out = replaced(replaced(out, "\"", "&quot;"), "'", "&#39;");
         return replaced(replaced(out, "<", "&lt;"), "é", "&#xe9;");
       }},
      {"replaced characters",
       [](std::string_view text) { return replaced(std::string(text), "é😀", "\ufffd\ufffd"); }},
      {"Latin-1", [](std::string_view text) { return replaced(std::string(text), "é😀", "\xe9?"); }},
      {"hex", [](std::string_view text) { return hex_of(text, ""); }},
      {"hex, upper case", [](std::string_view text) { return hex_of(text, "", true); }},
      {"bytes of C", [](std::string_view text) { return hex_of(text, "\\x"); }},
      {"base64", [](std::string_view text) { return base64_of(text); }},
      {"base64, padded", [](std::string_view text) { return padded(base64_of(text)); }},
      {"base64, for URLs", [](std::string_view text) { return base64_of(text, true); }},
      {"base64 of something longer",
       [](std::string_view text) { return base64_of("x" + std::string(text)).substr(1); }},
      {"base64 in a URL",
       [](std::string_view text) { return replaced(base64_of(text), "+", "%2B"); }},
      {"base64 in two lines",
       [](std::string_view text) { return base64_of(text).insert(8, "\r\n"); }},
      {"base64 twice", [](std::string_view text) { return base64_of(base64_of(text)); }},
  };
}

TEST_F(SeenSecretsTest, ASecretIsFoundHoweverItIsSpelled) {
  const std::string_view secret = kHard;
  sees(padded(base64_of(secret)));
  for (const Spelled& each : all_spellings()) {
    SCOPED_TRACE(each.how);
    if (std::string_view(each.how) == "Latin-1") continue;
    const std::string spelled = each.spell(secret);
    for (const auto& [before, after] : {std::pair("", ""),
                                        std::pair("535 no ", " today\r\n"),
                                        std::pair("{\"text\":\"", "\"}"),
                                        std::pair("x=", "&y=1")}) {
      const std::string stored = looked_through(before + spelled + after);
      std::string inside = stored.substr(std::string_view(before).size(), spelled.size());
      // The first character of base64 in something longer may be the other's.
      if (std::string_view(each.how).ends_with("longer")) inside[0] = '*';
      EXPECT_EQ(inside.find_first_not_of("*\r\n"), std::string::npos) << stored;
    }
  }
}

TEST_F(SeenSecretsTest, NorDoesItShowWhenItIsCut) {
  sees(padded(base64_of(kHard)));
  for (const Spelled& each : all_spellings()) {
    SCOPED_TRACE(each.how);
    const std::string_view how = each.how;
    if (how == "Latin-1" || how == "base64 twice") continue;
    expect_masked_when_cut(each.spell(kHard));
  }
}

TEST_F(SeenSecretsTest, Base64AtEachAlignmentWithinSomethingLonger) {
  const std::string secret = "tiger-7";
  sees(padded(base64_of(secret)));
  for (const std::string before : {"", "a", "ab", "abc", "abcd"}) {
    for (const std::string after : {"", "z", "zy", "zyx"}) {
      for (const std::string_view text : {"", "x", "xy", "xyz", "=", "/"}) {
        const std::string base64 = base64_of(before + secret + after);
        const std::string stored = looked_through(std::string(text) + base64);
        EXPECT_NE(stored.find("********"), std::string::npos) << base64;
        // Six bits a character: what is left of the secret is less than a byte at each end.
        std::vector<ByteRange> again;
        SeenSecrets inner;
        inner.append("dGlnZXI=");
        inner.end_argument(false);
        inner.find(stored, again);
        EXPECT_TRUE(again.empty()) << stored;
      }
    }
  }
}

TEST_F(SeenSecretsTest, BytesOfAnotherCharacterSet) {
  sees(base64_of("p\xe4ssw\xf6rd"));
  EXPECT_EQ(looked_through("no p\xef\xbf\xbdssw\xef\xbf\xbdrd"), "no ************");
  EXPECT_EQ(looked_through("no pässwörd"), "no **********");
  EXPECT_EQ(looked_through("no password"), "no password");
}

// ---- what of an argument is secret ----

TEST_F(SeenSecretsTest, OfEachMechanism) {
  sees(base64_of(std::string("\0scott\0tiger-7", 14)));
  sees(base64_of(std::string("admin\0scott\0lion-8\0", 19)));
  sees(
      base64_of("user=scott\x01"
                "auth=Bearer ya29.Token\x01\x01"));
  sees(
      base64_of("n,a=scott@a.example,\x01host=b.example\x01port=25\x01"
                "auth=Bearer vF9.Token\x01\x01"));
  sees(base64_of("scott 9e95aee09c40af2b84a0c2b3bbae786e"));
  sees(base64_of("c=biws,r=rOprNGfwEbeRWgbNEkqO,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
  sees(base64_of(
      "username=\"scott\",realm=\"a\",response=d388dad90d4bbd760a152321f2143af7,qop=auth"));
  for (const char* const secret : {"tiger-7",
                                   "lion-8",
                                   "ya29.Token",
                                   "vF9.Token",
                                   "9e95aee09c40af2b84a0c2b3bbae786e",
                                   "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                                   "d388dad90d4bbd760a152321f2143af7"})
    EXPECT_EQ(looked_through(secret), std::string(std::string_view(secret).size(), '*'));
  EXPECT_EQ(looked_through("scott, auth, Bearer, scott@a.example"),
            "scott, auth, Bearer, scott@a.example");
}

TEST_F(SeenSecretsTest, ANameIsNone) {
  sees("c2NvdHR5", true);
  EXPECT_EQ(looked_through("scotty"), "scotty");
  EXPECT_EQ(looked_through("c2NvdHR5"), "********") << "as it was sent";
}

TEST_F(SeenSecretsTest, BlanksAroundAnArgument) {
  sees(" dGlnZXItNw== ");
  EXPECT_EQ(looked_through("tiger-7"), "*******");
}

TEST_F(SeenSecretsTest, ShortOnesAreWordsLikeOthers) {
  sees(base64_of("abc"));
  EXPECT_EQ(looked_through("abc"), "abc");
  sees(base64_of("abcd"));
  EXPECT_EQ(looked_through("abc abcd"), "abc ****");
}

TEST_F(SeenSecretsTest, APartOfAnArgumentIsEnough) {
  const std::string argument = "AHNjb3R0AHRpZ2VyLTc=";
  sees(argument);
  for (std::size_t size = 4; size < argument.size(); ++size) {
    for (std::size_t at = 0; at + size <= argument.size(); ++at) {
      const std::string part = argument.substr(at, size);
      const std::string stored = looked_through("(" + part + ")");
      if (size >= SeenSecrets::kWindow) {
        ASSERT_EQ(stored, "(" + std::string(size, '*') + ")");
      }
    }
  }
  EXPECT_EQ(looked_through("AHNjb"), "AHNjb") << "one less than a window";
  EXPECT_EQ(looked_through("AHNjb3 0AHRp and AHRpZ2"), "****** 0AHRp and ******");
  std::string open;
  std::vector<ByteRange> found;
  seen_.find_in_piece("b3R0A", open, found);
  EXPECT_TRUE(found.empty());
  seen_.find_in_piece("HRpZ)", open, found);
  EXPECT_EQ(masked("HRpZ)", found), "****)") << "the window began in the piece before";
}

TEST_F(SeenSecretsTest, WindowsOfManyArguments) {
  for (int i = 0; i < 20; ++i)
    sees("argument-number-" + std::to_string(i));
  EXPECT_EQ(looked_through("t-number-7"), "**********");
  EXPECT_EQ(looked_through("number-1 and ber-19"), "******** and ******");
}

// ---- bounds ----

TEST_F(SeenSecretsTest, TheOldestAreForgottenAndNoOthers) {
  constexpr std::size_t kSize = SeenSecrets::kMostBytes / 4;
  // No base64, so that it is remembered once.
  const auto secret = [](int i) {
    std::string text;
    while (text.size() < kSize)
      text += "!" + std::to_string(i) + "." + std::to_string(text.size() % 100);
    return text.substr(0, kSize);
  };
  for (int i = 0; i < 9; ++i)
    sees(secret(i));
  for (const int i : {5, 6, 7, 8})
    EXPECT_EQ(looked_through(secret(i)), std::string(kSize, '*')) << i;
  for (const int i : {0, 4})
    EXPECT_EQ(looked_through(secret(i)), secret(i)) << i;
}

TEST_F(SeenSecretsTest, WhatIsRememberedAgainCountsOnce) {
  const std::string one(SeenSecrets::kMostBytes / 2, '!');
  sees("first secret");
  for (int i = 0; i < 10; ++i)
    sees(one);
  EXPECT_EQ(looked_through("first secret"), "************");
}

TEST_F(SeenSecretsTest, AreBounded) {
  sees("first-secret", true);
  EXPECT_EQ(looked_through("first-secret"), "************");
  for (int i = 0; i < 100; ++i)
    sees(std::string(2 * SeenSecrets::kMostBytes, static_cast<char>('a' + i % 26)));
  EXPECT_EQ(looked_through("first-secret"), "first-secret");
}

TEST_F(SeenSecretsTest, ALineOfAuthAsLongAsTheyMayBe) {
  std::string token;
  for (std::size_t i = 0; token.size() < SeenSecrets::kMostArgument; ++i)
    token += std::to_string(i * 7919) + "/";
  token.resize(SeenSecrets::kMostArgument);
  sees(token);
  EXPECT_EQ(looked_through(token), std::string(token.size(), '*'));
  EXPECT_EQ(looked_through(token.substr(token.size() - 6)), "******");
}

TEST_F(SeenSecretsTest, ALongTextIsLookedThroughPieceByPiece) {
  sees(padded(base64_of(kHard)));
  const std::string spelled = hex_of(kHard, "%");
  for (const std::size_t at : {SeenSecrets::kPiece - 50,
                               SeenSecrets::kPiece - 1,
                               SeenSecrets::kPiece,
                               3 * SeenSecrets::kPiece - 7}) {
    const std::string before(at, 'x');
    EXPECT_EQ(looked_through(before + spelled + " p"),
              before + std::string(spelled.size(), '*') + " p");
  }
}

}  // namespace
}  // namespace smtptape
