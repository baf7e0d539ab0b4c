// What is learned from each place of a dialogue, and is gone wherever else it stands.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/share/redact/redacted.h"

namespace smtptape {
namespace {

using testing::base64_of;
using testing::Dialogue;
using testing::expect_nothing_left;
using testing::lower;
using testing::redacted;
using testing::Seen;
using testing::write_tape;

// ---- logins ----

struct Login {
  Dialogue::Said said;
  std::vector<std::string> secrets;
};

// With names of its own, so that no login is known by another.
using Mechanism = std::function<Login(const std::string& number)>;

Login ended(Dialogue::Said said, std::vector<std::string> secrets) {
  std::string reply = "535 5.7.8 not";
  for (const std::string& secret : secrets)
    reply += " " + secret + " or " + base64_of("x" + secret + "x");
  said.emplace_back('S', reply + "\r\n");
  said.emplace_back('C', "QUIT\r\n");
  return {std::move(said), std::move(secrets)};
}

std::vector<std::pair<std::string, Mechanism>> mechanisms() {
  using namespace std::string_literals;
  const auto line = [](const std::string& text) { return base64_of(text) + "\r\n"; };
  const auto user = [](const std::string& n) { return "jane.doe" + n; };
  const auto word = [](const std::string& n) { return "Hunter.k" + n; };
  const auto plain = [=](const std::string& n) { return line("\0"s + user(n) + "\0"s + word(n)); };
  return {
      {"PLAIN",
       [=](const std::string& n) {
         return ended({{'C', "AUTH PLAIN " + plain(n)}}, {user(n), word(n)});
       }},
      {"PLAIN, asked for",
       [=](const std::string& n) {
         return ended({{'C', "AUTH PLAIN\r\n"}, {'S', "334 \r\n"}, {'C', plain(n)}},
                      {user(n), word(n)});
       }},
      {"LOGIN",
       [=](const std::string& n) {
         return ended({{'C', "AUTH LOGIN\r\n"},
                       {'S', "334 VXNlcm5hbWU6\r\n"},
                       {'C', line(user(n))},
                       {'S', "334 UGFzc3dvcmQ6\r\n"},
                       {'C', line(word(n))}},
                      {user(n), word(n)});
       }},
      {"LOGIN with the name",
       [=](const std::string& n) {
         return ended({{'C', "AUTH LOGIN " + line(user(n))},
                       {'S', "334 UGFzc3dvcmQ6\r\n"},
                       {'C', line(word(n))}},
                      {user(n), word(n)});
       }},
      {"XOAUTH2",
       [=](const std::string& n) {
         return ended(
             {{'C',
               "AUTH XOAUTH2 " + line("user=" + user(n) + "\1auth=Bearer " + word(n) + "\1\1")}},
             {user(n), word(n)});
       }},
      {"OAUTHBEARER",
       [=](const std::string& n) {
         return ended(
             {{'C',
               "AUTH OAUTHBEARER " +
                   line("n,a=" + user(n) + ",\1host=h\1port=25\1auth=Bearer " + word(n) + "\1\1")}},
             {user(n), word(n)});
       }},
      {"CRAM-MD5",
       [=](const std::string& n) {
         return ended({{'C', "AUTH CRAM-MD5\r\n"},
                       {'S', "334 " + line("<17.42@mx.provider.test>")},
                       {'C', line(user(n) + " 5f2a" + n + "b7c1d9e0f3a4b5c6d7e8f90")}},
                      {user(n), "5f2a" + n + "b7c1d9e0f3a4b5c6d7e8f90"});
       }},
      {"SCRAM-SHA-256", [=](const std::string& n) {
         return ended({{'C', "AUTH SCRAM-SHA-256 " + line("n,,n=" + user(n) + ",r=nonce" + n)},
                       {'S', "334 " + line("r=nonce" + n + "srv,s=c2FsdHk=,i=4096")},
                       {'C', line("c=biws,r=nonce" + n + "srv,p=proof." + word(n))},
                       {'S', "334 " + line("v=verify" + word(n))},
                       {'C', "\r\n"}},
                      {user(n), "nonce" + n, "proof." + word(n)});
       }}};
}

// The frames of a session whose client's text, all of it put together, is torn behind so many
// bytes.
void add_torn(const Dialogue::Said& said,
              const std::string& id,
              std::size_t torn,
              std::vector<std::string>& frames) {
  const auto add = [&](char who, std::string_view text) {
    if (text.empty()) return;
    std::string json;
    append_json_string(json, text);
    frames.push_back(
        R"({"conn_meta":{"id":")" + id + R"(","mx_host":"mx.provider.test"},"payload":{")" +
        (who == 'C' ? "Write" : "Read") + "\":" + json + R"(},"when":"2026-08-04T21:00:00Z"})");
  };
  add('S', "220 hi\r\n");
  std::size_t before = 0;
  for (const auto& [who, text] : said) {
    const bool here = who == 'C' && torn > before && torn < before + text.size();
    const std::size_t at = here ? torn - before : text.size();
    add(who, std::string_view(text).substr(0, at));
    add(who, std::string_view(text).substr(at));
    if (who == 'C') before += text.size();
  }
}

class Logins : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Logins, LeaveNothingWhereverTheyAreTorn) {
  const auto all = mechanisms();
  const auto& [name, mechanism] = all.at(GetParam());
  SCOPED_TRACE(name);
  std::size_t size = 0;
  for (const auto& [who, text] : mechanism("0000").said)
    size += who == 'C' ? text.size() : 0;
  std::vector<std::string> frames;
  std::vector<std::string> secrets;
  for (std::size_t torn = 0; torn < size; ++torn) {
    const std::string number = std::to_string(1000 + torn);
    const Login login = mechanism(number);
    add_torn(login.said, "session-" + number, torn, frames);
    secrets.insert(secrets.end(), login.secrets.begin(), login.secrets.end());
  }
  TemporaryFile original;
  write_tape(frames, original, testing::origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr) << result.report.leaks[0].where;
  expect_nothing_left(Seen(*result.tape), secrets);
}

INSTANTIATE_TEST_SUITE_P(Mechanisms, Logins, ::testing::Range(std::size_t{0}, mechanisms().size()));

// ---- places ----

struct Place {
  std::string_view name;
  Dialogue::Said said;
  std::vector<std::string> gone;
  std::string more_meta = {};
};

class Places : public ::testing::TestWithParam<Place> {};

TEST_P(Places, AreLearnedAndGoneElsewhere) {
  SCOPED_TRACE(GetParam().name);
  for (const std::size_t piece : {1000U, 5U, 1U}) {
    Dialogue::Said said{{'S', "220 hi\r\n"}};
    said.insert(said.end(), GetParam().said.begin(), GetParam().said.end());
    const Dialogue dialogue(said, {}, piece, GetParam().more_meta);
    ASSERT_FALSE(dialogue.leaks()) << dialogue.where();
    expect_nothing_left(dialogue.seen(), GetParam().gone);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    Places,
    ::testing::Values(
        Place{"DSN",
              {{'C',
                "MAIL FROM:<a@b.com> ENVID=env-falcon+2B7\r\nRCPT TO:<c@d.com> "
                "ORCPT=rfc822;hawk.nine@kestrel.net\r\n"},
               {'S', "250 of env-falcon+2B7\r\n550 not hawk.nine@kestrel.net\r\n"}},
              {"env-falcon", "hawk.nine", "kestrel.net"}},
        Place{
            "VERP",
            {{'C', "MAIL FROM:<bounce+hawk.nine=kestrel.net@falcon.com>\r\n"},
             {'C', "RCPT TO:<hawk.nine@kestrel.net>\r\n"},
             {'S', "250 ok\r\n550 no BOUNCE+hawk.nine=kestrel.net, nor hawk.nine=kestrel.net\r\n"}},
            {"hawk.nine", "kestrel", "falcon"}},
        Place{"quoted local part",
              {{'C', "RCPT TO:<\"hawk nine\"@kestrel.net>\r\n"},
               {'S', "550 no \"hawk nine\", no \\\"hawk\\u0020nine\\\"\r\n"}},
              {"hawk nine", "kestrel"}},
        Place{"address literal",
              {{'C', "EHLO [203.0.113.77]\r\n"},
               {'S', "250 hi [203.0.113.77], 77.113.0.203.bl.test 203-0-113-77.isp.test\r\n"}},
              {"203.0.113.77", "77.113.0.203", "203-0-113-77"}},
        Place{"IDN",
              {{'C',
                "RCPT TO:<c@b\xc3\xbc"
                "cher-falcon.com>\r\n"},
               {'S',
                "550 no xn--bcher-falcon-dlb.com, no b\xc3\xbc"
                "cher-falcon.com\r\n"}},
              {"cher-falcon"}},
        Place{"IDN as ASCII",
              {{'C', "RCPT TO:<c@xn--bcher-kva.com>\r\n"},
               {'S',
                "550 no xn--bcher-kva.com, no b\xc3\xbc"
                "cher.com\r\n"}},
              {"xn--bcher-kva",
               "b\xc3\xbc"
               "cher"}},
        Place{"unsubscribe link",
              {{'C', "DATA\r\n"},
               {'S', "354 go on\r\n"},
               {'C',
                "List-Unsubscribe: <https://u.falcon.com/u?t=t0k3nHawk>,\r\n "
                "<mailto:leave-kestrel@falcon.com?subject=x>\r\n\r\n.\r\n"},
               {'S',
                "550 bad link https://u.falcon.com/u?t=t0k3nHawk, t0k3nHawk, leave-kestrel\r\n"}},
              {"t0k3nhawk", "falcon", "leave-kestrel"}},
        Place{
            "queue and pool",
            {{'S', "550 spring-hawk:falconers@kestrel.net!route.test of pool-hawk, src-hawk\r\n"}},
            {"spring-hawk", "falconers", "kestrel", "pool-hawk", "src-hawk", "route.test"},
            R"(,"egress_pool":"pool-hawk","egress_source":"src-hawk","queue_name":"spring-hawk:falconers@kestrel.net!route.test")"},
        Place{"subjects of TLS",
              {{'C', "RCPT TO:<hawk.nine@kestrel.net>\r\n"}, {'S', "550 no\r\n"}},
              {"hawk.nine", "kestrel"},
              R"(,"tls_peer_subject_name":["C=US","O=Hawk.Nine","CN=*.kestrel.net"])"},
        Place{"parts of a name that nobody knows",
              {{'S', "550 not for kestrel\r\n"}},
              {"kestrel"},
              R"(,"x_kestrel-nine":1)"},
        Place{"a password of several words",
              {{'C', "AUTH PLAIN " + base64_of(std::string("\0tim\0ab cd ef gh", 16)) + "\r\n"},
               {'S', "535 5.7.8 not ab cd ef gh\r\n"}},
              {"ab cd ef gh"}},
        Place{"words of an encoded header",
              {{'C', "DATA\r\n"},
               {'S', "354 go on\r\n"},
               {'C',
                "Subject: =?utf-8?B?" + base64_of("Hawk a") +
                    "?=\r\n =?utf-8?q?nd_Nine_?= =?utf-8?Q?K=65strel?=\r\n\r\n.\r\n"},
               {'S', "550 no Hawk and Nine, no Kestrel\r\n"}},
              {"hawk a", "nd nine", "kestrel"}},
        Place{"words of an encoded header that are short",
              {{'C', "DATA\r\n"},
               {'S', "354 go on\r\n"},
               {'C',
                "Subject: =?utf-8?B?" + base64_of("Haw") +
                    "?=\r\n =?utf-8?q?k_Ni?= =?utf-8?Q?ne?=\r\n\r\n.\r\n"},
               {'S', "550 no Hawk Nine\r\n"}},
              {"hawk nine"}},
        Place{"a quoted reply",
              {{'C', "RCPT TO:<hawk.nine@kestrel.net>\r\n"},
               {'S',
                "550 said: 550 5.1.1 &lt;hawk.nine@kestrel.net&gt; hawk%2Enine hawk=2Enine\r\n"}},
              {"hawk.nine", "hawk%2e", "hawk=2e"}}));

// Whoever talks to the server may say both, the harmless one first.
TEST(Learned, IsALineThatWasMadeToHaveTheHashOfAnother) {
  const std::string harmless = "NOOP was c4af96c5d09dff7e@dest.example.";
  const std::string names = "RCPT TO:<96192b0b9a921ffd@dest.example>";
  ASSERT_EQ(hash64(harmless), hash64(names));
  const Dialogue dialogue({{'C', harmless + "\r\n"},
                           {'S', "250 ok\r\n"},
                           {'C', names + "\r\n"},
                           {'S', "550 =39=36=31=39=32=62=30=62=39=61=39=32=31=66=66=64\r\n"}});
  ASSERT_FALSE(dialogue.leaks()) << dialogue.where();
  EXPECT_EQ(dialogue.seen().server.find("=39=36=31=39"), std::string::npos);
}

// ---- what stays ----

std::string server_of(const Dialogue::Said& said, const std::string& more_meta = "") {
  const Dialogue dialogue(said, {}, 1000, more_meta);
  return dialogue.leaks() ? "leaks" : dialogue.seen().server;
}

TEST(Learned, IsNotWhatIsSoldToEverybody) {
  EXPECT_EQ(server_of({{'C', "RCPT TO:<c@falcon.com.au>\r\n"}, {'S', "550 not of mx.com.au\r\n"}}),
            "550 not of mx.com.au\r\n");
}

TEST(Learned, IsNoShortValueThatIsAWord) {
  EXPECT_EQ(server_of({{'S', "550 no such user\r\n"}}, R"(,"tenant":"user")"),
            "550 no such user\r\n");
}

TEST(Learned, IsTheDomainOfAMailboxWhoseLocalPartStays) {
  RedactionRules rules;
  rules.kept[static_cast<std::size_t>(Kind::LocalPart)] = true;
  const Dialogue dialogue(
      {{'C', "RCPT TO:<hawk.nine@kestrel.net>\r\n"}, {'S', "550 no hawk.nine in kestrel.net\r\n"}},
      rules);
  ASSERT_FALSE(dialogue.leaks()) << dialogue.where();
  EXPECT_NE(dialogue.seen().server.find("hawk.nine"), std::string::npos);
  EXPECT_EQ(dialogue.seen().server.find("kestrel"), std::string::npos);
}

// ---- texts that are not whole ----

std::string frame(const std::string& payload) {
  return R"({"conn_meta":{"id":"s"},"payload":)" + payload + R"(,"when":"2026-08-04T21:00:00Z"})";
}

TEST(Learned, IsFromLinesAroundAnAbbreviatedText) {
  TemporaryFile original;
  write_tape({frame(R"({"Write":"MAIL FROM:<jane.d"})"),
              frame(R"({"AbbreviatedWrite":{"snippet":"RCPT TO:<hawk.nine@kest","len":300}})"),
              frame(R"({"Write":"RCPT TO:<bob.smith@dest.net>\r\n"})"),
              frame(R"({"Read":"550 not hawk.nine or bob.smith or dest.net\r\n"})")},
             original,
             testing::origin_named("node"));
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  const Seen seen(*result.tape);
  expect_nothing_left(seen, {"jane.d", "hawk.nine", "bob.smith", "dest.net"});
  EXPECT_NE(seen.text.find("MAIL FROM:<"), std::string::npos);
  EXPECT_NE(seen.text.find(" RCPT TO:<"), std::string::npos) << seen.text;
  EXPECT_NE(seen.client.find("RCPT TO:<", seen.client.find("RCPT TO:<") + 1), std::string::npos);
}

TEST(Learned, IsFromLinesBehindATextThatWasCut) {
  TemporaryFile original;
  write_tape({frame(R"({"Write":"MAIL FROM:<jane.d"})"),
              frame(R"({"Write":"RCPT TO:<bob.smith@dest.net>\r\n"})"),
              frame(R"({"Read":"550 not bob.smith or dest.net\r\n"})")},
             original,
             testing::origin_named("node"),
             {1});
  const RedactedTape result = redacted(original);
  ASSERT_NE(result.tape, nullptr);
  const Seen seen(*result.tape);
  expect_nothing_left(seen, {"jane.d", "bob.smith", "dest.net"});
  EXPECT_NE(seen.client.find("RCPT TO:<"), std::string::npos) << seen.text;
}

TEST(Learned, IsALineThatIsLongerThanWhatIsHeldBack) {
  const std::string filler(300'000, 'x');
  const Dialogue dialogue({{'S', "220 hi\r\n"},
                           {'S', "550-5.1.1 " + filler},
                           {'S', " hawk.nine\r\n550 5.1.1 end\r\n"},
                           {'C', "RCPT TO:<hawk.nine@kestrel.net>\r\n"}},
                          {},
                          400'000);
  ASSERT_FALSE(dialogue.leaks()) << dialogue.where();
  EXPECT_EQ(lower(dialogue.seen().server).find("hawk"), std::string::npos);
}

}  // namespace
}  // namespace smtptape
