#include "share/redact/free_text.h"

#include <string>

#include <gtest/gtest.h>

#include "smtp/normal_reply.h"
#include "tests/share/redact/marked.h"

namespace smtptape {
namespace {

class FreeTextTest : public testing::Test {
 protected:
  void SetUp() override {
    originals_.add(Kind::LocalPart, "bob.smith");
    originals_.add(Kind::LocalPart, "bob.smith@dest.example");
    originals_.add(Kind::Domain, "dest.example");
    originals_.add(Kind::Host, "out1.acme.example");
    originals_.add(Kind::Address, "192.0.2.7");
    originals_.add(Kind::Credential, "hunter22!");
    originals_.add_public("mx1.provider.example");
    originals_.finish();
  }
  std::string reply(std::string_view text) {
    const ShortValues values{{"acme", Kind::Label}, {"tim", Kind::LocalPart}};
    return marked(text, FreeText{originals_, &values}.in_reply(text));
  }
  std::string diagnostic(std::string_view text) {
    return marked(text, FreeText{originals_, nullptr}.in_diagnostic(text));
  }
  Originals originals_;
};

TEST_F(FreeTextTest, ReplacesWhatIsKnownWhereverItStands) {
  EXPECT_EQ(reply("550 5.1.1 <bob.smith@dest.example>: no such user\r\n"),
            "550 5.1.1 <LLLLLLLLL@DDDDDDDDDDDD>: no such user\r\n");
  EXPECT_EQ(reply("550 xBOB.SMITHx is full\r\n"), "550 xLLLLLLLLLx is full\r\n");
  EXPECT_EQ(reply("250-mx Hello out1.acme.example [192.0.2.7]\r\n250 SIZE 1000\r\n"),
            "250-mx Hello HHHHHHHHHHHHHHHHH [AAAAAAAAA]\r\n250 SIZE 1000\r\n");
  EXPECT_EQ(reply("535 5.7.8 no hunter22! here\r\n"), "535 5.7.8 no CCCCCCCCC here\r\n");
}

TEST_F(FreeTextTest, ReplacesOtherSpellingsAsIds) {
  EXPECT_EQ(reply("550 see u=bob%2Esmith\r\n"), "550 see u=IIIIIIIIIII\r\n");
  EXPECT_EQ(reply("550 Ym9iLnNtaXRo is out\r\n"), "550 IIIIIIIIIIII is out\r\n");
  EXPECT_EQ(diagnostic(R"(rejected "bob\u{2e}smith")"), R"(rejected "IIIIIIIIIIIIII")");
}

TEST_F(FreeTextTest, FindsWhatIsTornByTheEndOfALine) {
  EXPECT_EQ(reply("550-5.1.1 bob.sm\r\n550 5.1.1 ith gone\r\n"),
            "550-5.1.1 IIIIII\r\n550 5.1.1 III gone\r\n");
}

TEST_F(FreeTextTest, FindsWhatLooksLikeANameOrAnId) {
  EXPECT_EQ(reply("550 <eve@other.example> from 198.51.100.9: 8f3a2b91c4d5 gone\r\n"),
            "550 <LLL@DDDDDDDDDDDDD> from AAAAAAAAAAAA: IIIIIIIIIIII gone\r\n");
  EXPECT_EQ(reply("550 see http://p.example/u?r=eve@other.example&t=8f3a2b91c4d5\r\n"),
            "550 see http://p.example/u?r=LLL@DDDDDDDDDDDDD&t=IIIIIIIIIIII\r\n");
}

TEST_F(FreeTextTest, LeavesWordsOfTheProtocol) {
  for (const std::string_view text :
       {"250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 52428800\r\n250 ENHANCEDSTATUSCODES\r\n",
        "354 End data with <CR><LF>.<CR><LF>\r\n",
        "421 4.7.0 [TSS04] Too many connections, slow down.\r\n",
        "550 5.7.1 see https://support.example/answer/81126\r\n",
        "334 VXNlcm5hbWU6\r\n"}) {
    EXPECT_EQ(reply(text), text);
  }
  const std::string_view handshake =
      R"(STARTTLS handshake -> TlsInformation { cipher: "TLS13_AES_256_GCM_SHA384" })";
  EXPECT_EQ(diagnostic(handshake), handshake);
}

TEST_F(FreeTextTest, ReplacesShortValuesOfTheSessionWhereTheyAreWords) {
  EXPECT_EQ(reply("550 tim: unknown, timing of acme.\r\n"),
            "550 LLL: unknown, timing of NNNN.\r\n");
}

TEST_F(FreeTextTest, RemovesLinesThatAreNoReplies) {
  EXPECT_EQ(reply("250 fine\r\n"), "250 fine\r\n");
  EXPECT_EQ(reply("secret words\r\n"), "MMMMMMMMMMMM\r\n");
  EXPECT_EQ(reply("334 c2VydmVyIG5vbmNl\r\n"), "334 CCCCCCCCCCCCCCCC\r\n");
}

TEST_F(FreeTextTest, TakesTheNameOutOfADiagnosticAboutAuthentication) {
  EXPECT_EQ(diagnostic("authenticating as tim via SMTP AUTH PLAIN to x"),
            "authenticating as CCC via SMTP AUTH PLAIN to x");
}

TEST_F(FreeTextTest, FindsAddressesOfOursInNamesOfHosts) {
  Originals originals;
  originals.add(Kind::Address, "192-0-2-7");
  originals.finish();
  const std::string_view text = "550 host-192-0-2-7.isp.example, not 1192-0-2-7 or 192-0-2-71\r\n";
  EXPECT_EQ(marked(text, FreeText{originals, nullptr}.in_reply(text)),
            "550 host-AAAAAAAAA.isp.example, not 1192-0-2-7 or 192-0-2-71\r\n");
}

}  // namespace
}  // namespace smtptape
