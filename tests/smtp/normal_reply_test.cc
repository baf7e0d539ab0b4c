// The same reply to two recipients is the same reply.
#include "smtp/normal_reply.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

using Cases = std::vector<std::pair<std::string, std::string>>;

void expect(const Cases& cases) {
  for (const auto& [reply, normal] : cases)
    EXPECT_EQ(normal_reply(reply), normal);
}

TEST(NormalReply, EachKindHasItsPlaceholder) {
  expect({{"retry at 2026-11-06T17:11:34.261306612Z", "retry at {timestamp}"},
          {"retry at 2026-11-06T17:11:34+01:00, then", "retry at {timestamp}, then"},
          {"as 10aa5da5-3f3b-4176-beb9-32875830f082", "as {uuid}"},
          {"ids=8a5475ccbbc611eda12250ebf67f93bd", "ids={uuid}"},
          {"token c2VjcmV0cw==", "token {base64}"},
          {"token aGVsbG8K twice aGVsbG8K", "token {base64} twice {base64}"},
          {"queued as 000000B5", "queued as {base64}"},
          {"421 4.7.0 10.0.0.1 throttled", "421 4.7.0 {ipaddr} throttled"},
          {"421 4.7.0 2001:db8::1 throttled", "421 4.7.0 {ipaddr} throttled"},
          {"from 192.0.2.1:25", "from {ipaddr}"},
          {"mail for some.body@dest.example", "mail for {email}"},
          {"41be03b00d2f7-b93bf44f0c0si6882731a12.803 - gsmtp", "{hash} - gsmtp"},
          {"next in 11s 999ms 990us at once", "next in {duration} at once"},
          {"wait P1Y2M3DT4H5M6S", "wait {duration}"}});
}

TEST(NormalReply, BracketsAndQuotesAreNoPartOfAWord) {
  expect({{"550 5.1.1 <Bob@dest.example>: Recipient address rejected",
           "550 5.1.1 <{email}>: Recipient address rejected"},
          {"rejected [aGVsbG8uCg== IP: 10.10.10.10]. see below",
           "rejected {base64} IP: {ipaddr} see below"},
          {"Client host [192.0.2.7] blocked (AUTH)", "Client host {ipaddr} blocked AUTH"},
          {"\"bob@dest.example\" is unknown.", "\"{email}\" is unknown."},
          {"user=<bob@dest.example>", "user=<{email}>"}});
}

TEST(NormalReply, WordsStayAsTheyAre) {
  for (const std::string same :
       {"550 5.7.1 Message rejected due to content restrictions",
        "421 4.7.28 Our system has detected an unusual rate of mail",
        "451 4.7.650 The mail server has been temporarily rate limited due to IP reputation",
        "421 4.7.0 [TSS04] Messages temporarily deferred",
        "see https://support.example/mail/?p=NoSuchUser for what to do",
        "duration 00:10:34",
        "mailbox user full",
        "2yearhello",
        "IPv4 only",
        "250 2.0.0 Ok",
        "220 mx1.dest.example ESMTP",
        "P",
        "PT",
        "a = b",
        "@",
        "a@b",
        "..."}) {
    const std::string expected = same.find("[TSS04]") == std::string::npos
                                     ? same
                                     : "421 4.7.0 TSS04 Messages temporarily deferred";
    EXPECT_EQ(normal_reply(same), expected);
  }
}

TEST(NormalReply, LinesBecomeOneWithTheirCodesOnce) {
  expect({{"550-5.1.1 The account does not exist.\n550 5.1.1 https://support.example/?p=NoSuchUser",
           "550 5.1.1 The account does not exist. https://support.example/?p=NoSuchUser"},
          {"250-mx\n250-SIZE 52428800\n250 HELP", "250 mx SIZE {base64} HELP"},
          {"250", "250"},
          {"250 \n250 ", "250"},
          {"", ""},
          {"  spread \t out  ", "spread out"}});
}

// What differs between two recipients only.
TEST(NormalReply, TheSameRefusalIsTheSame) {
  const std::string a =
      "450 4.2.1 <a@x.example> is over quota, try again after "
      "2026-11-06T17:11:34Z 41be03b00d2f7-b93bf44f0c0si6882731a12.803 - gsmtp";
  const std::string b =
      "450 4.2.1 <b@y.example> is over quota, try again after "
      "2026-11-07T01:02:03Z 52ce03b00d2f7-c93bf44f0c0si9982731a12.911 - gsmtp";
  EXPECT_EQ(normal_reply(a), normal_reply(b));
  EXPECT_NE(normal_reply(a), normal_reply("552 " + a.substr(4)));
}

TEST(NormalReply, AnyBytesWillDo) {
  const std::string odd("\0\xff<<<\"\"=[({ ]})[[.:@@ ==== P1 1s1s \r\n\r\n55\n-", 44);
  EXPECT_LE(normal_reply(odd).size(), odd.size());
  EXPECT_LT(normal_reply(std::string(100'000, '<')).size(), 200'000U);
  EXPECT_LT(normal_reply(std::string(100'000, '=')).size(), 200'000U);
}

}  // namespace
}  // namespace smtptape
