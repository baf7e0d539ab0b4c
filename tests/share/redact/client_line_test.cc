#include "share/redact/client_line.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/share/redact/marked.h"

namespace smtptape {
namespace {

std::string left_of(std::string_view line) {
  Spans spans;
  find_in_client_line(line, spans);
  return marked(line, spans);
}

struct Case {
  std::string_view line;
  std::string_view left;
};

class ClientLine : public testing::TestWithParam<Case> {};

TEST_P(ClientLine, KeepsWordsOfTheProtocolAndNothingElse) {
  EXPECT_EQ(left_of(GetParam().line), GetParam().left);
}

INSTANTIATE_TEST_SUITE_P(
    Commands,
    ClientLine,
    testing::Values(Case{"EHLO out1.acme.example", "EHLO HHHHHHHHHHHHHHHHH"},
                    Case{"HELO [192.0.2.7]", "HELO [AAAAAAAAA]"},
                    Case{"LHLO [IPv6:2001:db8::1]", "LHLO [IPv6:AAAAAAAAAAA]"},
                    Case{"EHLO a b", "EHLO H M"},
                    Case{"mail from:<bob@dest.example>", "mail from:<LLL@DDDDDDDDDDDD>"},
                    Case{"MAIL FROM:<>", "MAIL FROM:<>"},
                    Case{"MAIL FROM: bob@d.example SIZE=12", "MAIL FROM: LLL@DDDDDDDDD SIZE=12"},
                    Case{"RCPT TO:<\"a>b\"@d.example>", "RCPT TO:<LLLLL@DDDDDDDDD>"},
                    Case{"RCPT TO:<@a,@b:c@d>", "RCPT TO:<MMMMMML@D>"},
                    Case{"RCPT TO:<bob@[192.0.2.7]>", "RCPT TO:<LLL@[AAAAAAAAA]>"},
                    Case{"RCPT TO:<bob>", "RCPT TO:<LLL>"},
                    Case{"RCPT TO:<bob@d>x y", "RCPT TO:<LLL@D>M M"},
                    Case{"RCPT TO:<bob@de", "RCPT TO:<LLL@DD"},
                    Case{"MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS",
                         "MAIL FROM:<L@D> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS"},
                    Case{"MAIL FROM:<a@b> SIZE=1x BODY=bob ENVID=q1 AUTH=a@b X=1 bob",
                         "MAIL FROM:<L@D> SIZE=MM BODY=MMM ENVID=MM AUTH=MMM MMM MMM"},
                    Case{"RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b",
                         "RCPT TO:<L@D> NOTIFY=SUCCESS,DELAY ORCPT=MMMMMMMMMM"},
                    Case{"RCPT TO:<a@b> NOTIFY=SUCCESS,bob", "RCPT TO:<L@D> NOTIFY=MMMMMMMMMMM"},
                    Case{"MAIL FRAM:<a@b>", "MAIL MMMMMMMMMM"},
                    Case{"AUTH PLAIN AGJvYgBzM2NyZXQ=", "AUTH PLAIN CCCCCCCCCCCCCCCC"},
                    Case{"AUTH LOGIN", "AUTH LOGIN"},
                    Case{"AUTH XOAUTH2 =", "AUTH XOAUTH2 ="},
                    Case{"AUTH s3cret more", "AUTH CCCCCC CCCC"},
                    Case{"BDAT 100 LAST", "BDAT 100 LAST"},
                    Case{"BDAT 1x0 bob", "BDAT MMM MMM"},
                    Case{"DATA", "DATA"},
                    Case{"DATA bob", "DATA MMM"},
                    Case{"QUIT", "QUIT"},
                    Case{"VRFY bob smith", "VRFY MMMMMMMMM"},
                    Case{"XCLIENT ADDR=192.0.2.7", "XCLIENT MMMMMMMMMMMMMM"},
                    Case{"XBOB secret", "MMMMMMMMMMM"},
                    Case{".", "."},
                    Case{"", ""},
                    Case{"*", "*"},
                    Case{"AGJvYgBzM2NyZXQ=", "MMMMMMMMMMMMMMMM"}));

INSTANTIATE_TEST_SUITE_P(
    Messages,
    ClientLine,
    testing::Values(
        Case{"Subject: hello bob", "Subject: MMMMMMMMM"},
        Case{"From: Bob <bob@d.example>", "From: MMMMMMMMMMMMMMMMMMM"},
        Case{"X-Acme-Customer: bob", "MMMMMMMMMMMMMMMMMMMM"},
        Case{" folded bob", "MMMMMMMMMMM"},
        Case{"Date: Sun, 22 Nov 2026 19:34:17 +0000", "Date: Sun, 22 Nov 2026 19:34:17 +0000"},
        Case{"Date: Bob", "Date: MMM"},
        Case{"Date: 4111 1111 1111 1111", "Date: MMMMMMMMMMMMMMMMMMM"},
        Case{"MIME-Version: 1.0", "MIME-Version: 1.0"},
        Case{"MIME-Version: bob", "MIME-Version: MMM"},
        Case{"Content-Type: text/plain; charset=bob", "Content-Type: text/plainMMMMMMMMMMMMM"},
        Case{"Content-Type: text/bob", "Content-Type: MMMMMMMM"},
        Case{"Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: base64"},
        Case{"Precedence: bulk", "Precedence: bulk"},
        Case{"Dear Bob,", "MMMMMMMMM"},
        Case{"..", "MM"}));

TEST(RedactedField, IsTheValueThatGoes) {
  EXPECT_EQ(redacted_field("Subject:  hello").value, "hello");
  EXPECT_EQ(redacted_field("X-Any: thing").value, "thing");
  EXPECT_EQ(redacted_field("MIME-Version: 1.0").value, "");
  EXPECT_EQ(redacted_field("no field: here").value, "");
  EXPECT_EQ(redacted_field(": empty").value, "");
}

}  // namespace
}  // namespace smtptape
