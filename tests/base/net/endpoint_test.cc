#include "base/net/endpoint.h"

#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Good {
  std::string_view url;
  std::string_view host;
  std::uint16_t port;
  std::string_view authority;
  bool tls = false;
};

// clang-format off
constexpr Good kGood[] = {
    {"http://127.0.0.1:8000",          "127.0.0.1", 8000, "127.0.0.1:8000"},
    {"http://mta",                     "mta",       80,   "mta"},
    {"http://mta:80",                  "mta",       80,   "mta"},
    {"http://mta:",                    "mta",       80,   "mta"},
    {"ws://mta:8000",                  "mta",       8000, "mta:8000"},
    {"ftp://mta",                      "mta",       80,   "mta"},
    {"ftp://mta:21",                   "mta",       80,   "mta"},
    {"ftp://mta:22",                   "mta",       22,   "mta:22"},
    {"http://mta:8000/pre/?a=b#c",     "mta",       8000, "mta:8000"},
    {"http://mta:8000?a@b",            "mta",       8000, "mta:8000"},
    {"http://[::1]:8000",              "::1",       8000, "[::1]:8000"},
    {"http://[2001:DB8:0:0::1]",       "2001:db8::1", 80, "[2001:db8::1]"},
    {"HTTP://MTA:8000",                "mta",       8000, "mta:8000"},
    {" http://mta:8000 \n",            "mta",       8000, "mta:8000"},
    {"ht\ntp://m\tta:80\r00",          "mta",       8000, "mta:8000"},
    {"http:mta:8000",                  "mta",       8000, "mta:8000"},
    {"http:\\\\mta\\x",                "mta",       80,   "mta"},
    {"http:////mta",                   "mta",       80,   "mta"},
    {"http://127.1:8000",              "127.0.0.1", 8000, "127.0.0.1:8000"},
    {"http://0x7f000001",              "127.0.0.1", 80,   "127.0.0.1"},
    {"http://mta.example.:25",         "mta.example.", 25, "mta.example.:25"},
    {"http://mta_1-x.example",         "mta_1-x.example", 80, "mta_1-x.example"},
    {"http://m\xc3\xbcnchen.example:8000", "xn--mnchen-3ya.example", 8000, "xn--mnchen-3ya.example:8000"},
    {"http://mta:00080",               "mta",       80,   "mta"},
    {"http://mta:65535",               "mta",       65535, "mta:65535"},
    {"http://mta:443",                 "mta",       443,  "mta:443"},
    {"https://mta",                    "mta",       443,  "mta",            true},
    {"HTTPS://mta:443/x",              "mta",       443,  "mta",            true},
    {"https://mta:8443",               "mta",       8443, "mta:8443",       true},
    {"https://mta:80",                 "mta",       80,   "mta:80",         true},
    {"wss://[::1]",                    "::1",       443,  "[::1]",          true},
};

// With --as-live only.
constexpr Good kGoodForKcli[] = {
    {"http://u:p@mta:8000",            "mta",       8000, "mta:8000"},
    {"http://u:p@x@mta:8000",          "mta",       8000, "mta:8000"},
    {"http://@mta:8000",               "mta",       8000, "mta:8000"},
};

struct Bad {
  std::string_view url;
  std::string_view kcli_text;
  Exit kcli_exit;
};

constexpr Bad kBad[] = {
    {"127.0.0.1:8000",      "relative URL without a base",                Exit::Failed},
    {"host",                "relative URL without a base",                Exit::Failed},
    {"",                    "relative URL without a base",                Exit::Failed},
    {"//mta:8000",          "relative URL without a base",                Exit::Failed},
    {"[::1]:8000",          "relative URL without a base",                Exit::Failed},
    {"localhost:8000",      "relative URL with a cannot-be-a-base base",  Exit::Failed},
    {"foo://mta/x",         "",                                           Exit::KcliPanic},
    {"file:///x",           "",                                           Exit::KcliPanic},
    {"http://",             "empty host",                                 Exit::Failed},
    {"http://u:p@",         "empty host",                                 Exit::Failed},
    {"http://:8000",        "empty host",                                 Exit::Failed},
    {"http://mta:65536",    "invalid port number",                        Exit::Failed},
    {"http://mta:80x",      "invalid port number",                        Exit::Failed},
    {"http://mta:-1",       "invalid port number",                        Exit::Failed},
    {"http://[::1",         "invalid IPv6 address",                       Exit::Failed},
    {"http://[",            "invalid IPv6 address",                       Exit::Failed},
    {"http://[]",           "invalid IPv6 address",                       Exit::Failed},
    {"http://[::1]x",       "invalid IPv6 address",                       Exit::Failed},
    {"http://[fe80::1%25e]","invalid IPv6 address",                       Exit::Failed},
    {"http://1.2.3.256",    "invalid IPv4 address",                       Exit::Failed},
    {"http://mta.5",        "invalid IPv4 address",                       Exit::Failed},
    {"http://m ta",         "invalid international domain name",          Exit::Failed},
    {"http://m\xff",        "invalid international domain name",          Exit::Failed},
};
// clang-format on

void expect_good(const Good& row, EndpointRules rules) {
  const Endpoint endpoint = parse_endpoint(row.url, rules);
  EXPECT_EQ(endpoint.host, row.host) << row.url;
  EXPECT_EQ(endpoint.port, row.port) << row.url;
  EXPECT_EQ(endpoint.authority, row.authority) << row.url;
  EXPECT_EQ(endpoint.tls, row.tls) << row.url;
}

TEST(Endpoint, IsReadAsKcliReadsIt) {
  for (const Good& row : kGood) {
    expect_good(row, EndpointRules::Ours);
    if (!row.tls) expect_good(row, EndpointRules::AsKcli);
  }
  for (const Good& row : kGoodForKcli)
    expect_good(row, EndpointRules::AsKcli);
}

// kcli takes no zone: kBad has one.
TEST(Endpoint, TakesTheZoneOfAnAddress) {
  for (const std::string_view url :
       {"http://[FE80::1%25eth0]:8000", "http://[fe80::1%eth0]:8000"}) {
    const Endpoint endpoint = parse_endpoint(url);
    EXPECT_EQ(endpoint.host, "fe80::1%eth0");
    EXPECT_EQ(endpoint.authority, "[fe80::1]:8000") << "it says nothing to the server";
    EXPECT_EQ(endpoint.target, "[fe80::1%eth0]:8000");
  }
  for (const std::string_view url : {"http://[fe80::1%]", "http://[fe80::1%a b]", "http://[%25e]"})
    EXPECT_THROW(static_cast<void>(parse_endpoint(url)), EndpointError) << url;
}

TEST(Endpoint, HasAUrlWithSchemeHostAndPortOnly) {
  EXPECT_EQ(parse_endpoint("ws://mta:8000/x?y").url(), "http://mta:8000");
  EXPECT_EQ(parse_endpoint("wss://[::1]:443/x").url(), "https://[::1]");
  EXPECT_EQ(parse_endpoint("http://u:p@mta", EndpointRules::AsKcli).url(), "http://mta");
}

TEST(Endpoint, KnowsLoopback) {
  for (const std::string_view url :
       {"http://localhost", "http://localhost.", "http://127.1.2.3:1", "https://[::1]"})
    EXPECT_TRUE(parse_endpoint(url).is_loopback()) << url;
  for (const std::string_view url : {"http://127.0.0.1.example", "http://10.0.0.1", "http://[::2]"})
    EXPECT_FALSE(parse_endpoint(url).is_loopback()) << url;
}

TEST(Endpoint, IsRefusedWithKclisReasonAndAdvice) {
  for (const Bad& row : kBad) {
    try {
      static_cast<void>(parse_endpoint(row.url, EndpointRules::AsKcli));
      ADD_FAILURE() << row.url << " was accepted";
    } catch (const EndpointError& error) {
      EXPECT_EQ(error.kcli_text(), row.kcli_text) << row.url;
      EXPECT_EQ(error.kcli_exit(), row.kcli_exit) << row.url;
      EXPECT_EQ(error.exit(), Exit::Usage) << row.url;
      EXPECT_THAT(error.what(), HasSubstr(std::string(row.kcli_text)));
      EXPECT_THAT(error.what(), HasSubstr("; ")) << row.url;
    }
  }
}

std::string refusal(std::string_view url, EndpointRules rules = EndpointRules::Ours) {
  try {
    static_cast<void>(parse_endpoint(url, rules));
  } catch (const EndpointError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Endpoint, WithTlsIsRefusedWhereKcliWouldSpeakPlaintext) {
  EXPECT_EQ(refusal("https://mta:8443/pre", EndpointRules::AsKcli),
            "endpoint \"https://mta:8443/pre\": TLS is not supported with --as-live, as kcli knows "
            "none; leave --as-live away, or name a listener without TLS (http://)");
  EXPECT_THAT(refusal("wss://mta", EndpointRules::AsKcli), HasSubstr("TLS is not supported"));
}

TEST(Endpoint, WithUserAndPasswordIsRefusedWithTheWayToDoIt) {
  EXPECT_EQ(refusal("http://joe:secret@mta:8000"),
            "endpoint \"http://mta:8000\": user and password cannot be part of it; write "
            "user:password into a file, and name that with --basic-auth-file");
  for (const std::string_view url : {"https://secret@mta",
                                     "ws://joe:@mta",
                                     "http://:secret@mta",
                                     "http://a:secret@b@mta",
                                     "http:secret@mta"}) {
    EXPECT_THAT(refusal(url), HasSubstr("--basic-auth-file")) << url;
    EXPECT_THAT(refusal(url), Not(HasSubstr("secret"))) << url;
  }
}

TEST(Endpoint, NeverShowsUserAndPassword) {
  for (const std::string_view url : {"https://joe:secret@mta",
                                     "http://joe:secret@mta:x",
                                     "joe:secret@mta",
                                     "foo://joe:secret@mta"}) {
    for (const EndpointRules rules : {EndpointRules::Ours, EndpointRules::AsKcli}) {
      const std::string text = refusal(url, rules);
      EXPECT_THAT(text, HasSubstr("mta")) << url;
      EXPECT_THAT(text, Not(HasSubstr("secret"))) << url;
      EXPECT_THAT(text, Not(HasSubstr("joe"))) << url;
    }
  }
}

// Also one with a slash, which is then not where the host ends.
TEST(Endpoint, NeverShowsAPasswordWithAnyCharacterInIt) {
  for (const std::string_view url : {"http://joe:se/cret@mta",
                                     "http://joe:8/secret:x@mta",
                                     "http:/joe:se?cret@mta",
                                     "http:\\\\joe:se#cret@mta",
                                     "joe:se/cret@mta"}) {
    EXPECT_THAT(refusal(url), Not(HasSubstr("cret"))) << url;
  }
}

TEST(Endpoint, TakesAnAtSignBehindTheHostForNoUser) {
  for (const std::string_view url :
       {"http://mta:8000?a@b", "https://mta/x@y", "http:mta?a@b", "http://mta#@", "http:\\mta\\@"})
    EXPECT_EQ(parse_endpoint(url).host, "mta") << url;
  EXPECT_THAT(refusal("http://mta:65536/?mail=joe@corp"),
              HasSubstr("\"http://mta:65536/?mail=joe@corp\""));
  EXPECT_THAT(refusal("foo://mta/x?mail=joe@corp"), HasSubstr("mta/x"));
}

TEST(Endpoint, ShowsNoTerminalCommands) {
  EXPECT_THAT(refusal("http://\x1b[2Jm"), Not(HasSubstr("\x1b")));
}

TEST(Endpoint, HasATargetWithPortForMessages) {
  EXPECT_EQ(parse_endpoint("http://mta").target, "mta:80");
  EXPECT_EQ(parse_endpoint("http://[::1]").target, "[::1]:80");
}

}  // namespace
}  // namespace smtptape
