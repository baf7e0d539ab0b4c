#include "filters/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/golden.h"

namespace smtptape {
namespace {

std::string endpoint_ip(std::string_view text) {
  const auto address = parse_endpoint_ip(text);
  return address ? to_text(*address) : "-";
}

std::string ip(std::string_view text) {
  const auto address = parse_ip(text);
  return address ? to_text(*address) : "-";
}

TEST(EndpointIp, AgreesWithTheGoldens) {
  for (const auto& row : testing::read_table("kcli/addr.tsv", testing::Header::No)) {
    ASSERT_EQ(row.size(), 2u);
    EXPECT_EQ(endpoint_ip(testing::unquote(row[0])), row[1]) << row[0];
  }
}

TEST(EndpointIp, TakesPortsAndNumericScopes) {
  EXPECT_EQ(endpoint_ip("1.2.3.4:0"), "1.2.3.4");
  EXPECT_EQ(endpoint_ip("1.2.3.4:000065535"), "1.2.3.4");
  EXPECT_EQ(endpoint_ip("[fe80::1%0003]:25"), "fe80::1");
  EXPECT_EQ(endpoint_ip("::1:25"), "::1:25");
}

TEST(EndpointIp, RefusesWhatRustRefuses) {
  for (const char* text :
       {"1.2.3.4:",        "1.2.3.4:65536", "1.2.3.4:-1",     "1.2.3.4:99999999999999999999",
        "1.2.3.4:25 ",     "[::1]",         "[::1]:",         "[1.2.3.4]:25",
        "[fe80::1%]:25",   "fe80::1%3",     "[fe80::1%x]:25", "[fe80::1%4294967296]:25",
        "[fe80::1%1%2]:1", "[::1:25",       "::1]:25",        "<unbound unix domain>",
        "[]:25",           "[::1]25",       "[::1]:25:25",    "01.2.3.4:25"}) {
    EXPECT_EQ(endpoint_ip(text), "-") << text;
  }
}

TEST(Ip, ReadsEveryShapeOfIpv6) {
  EXPECT_EQ(ip("::"), "::");
  EXPECT_EQ(ip("1::"), "1::");
  EXPECT_EQ(ip("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(ip("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
  EXPECT_EQ(ip("1:2:3:4:5::1.2.3.4"), "1:2:3:4:5:0:102:304");
  EXPECT_EQ(ip("::1.2.3.4"), "::102:304");
  EXPECT_EQ(ip("0001:00A0:0:0:0:0:0:0"), "1:a0::");
  EXPECT_EQ(ip("::ffff:1.2.3.4"), "::ffff:1.2.3.4");
  EXPECT_EQ(ip("::ffff:102:304"), "::ffff:1.2.3.4");
  EXPECT_EQ(ip("0:0:0:0:0:ffff:1.2.3.4"), "::ffff:1.2.3.4");
}

TEST(Ip, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "1.2.3.+4",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "00.0.0.0",
                           "0x1.2.3.4",
                           ":",
                           ":::",
                           ":1",
                           "1:",
                           "::1:",
                           ":::1",
                           "1::2::3",
                           "12345::",
                           "g::",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7::8",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1:2:3:4:5:6::1.2.3.4",
                           "1.2.3.4::",
                           "::1.2.3.4:5",
                           "::1.2.3",
                           "::01.2.3.4",
                           "::1%1",
                           "[::1]",
                           "1.2.3.4/32",
                           "1.2.3.4\n"}) {
    EXPECT_EQ(ip(text), "-") << text;
  }
}

TEST(Ip, WritesTheFirstLongestRunOfZeros) {
  EXPECT_EQ(ip("1:0:0:2:0:0:0:3"), "1:0:0:2::3");
  EXPECT_EQ(ip("1:0:0:2:0:0:3:4"), "1::2:0:0:3:4");
  EXPECT_EQ(ip("0:0:1:2:3:4:0:0"), "::1:2:3:4:0:0");
  EXPECT_EQ(ip("0:1:0:2:0:3:0:4"), "0:1:0:2:0:3:0:4");
  EXPECT_EQ(ip("0:0:0:0:0:fffe:1:2"), "::fffe:1:2");
  EXPECT_EQ(ip("::ffff:0:1:2"), "::ffff:0:1:2");
}

// Another implementation reads what we write, for addresses full of zeros; and nothing that it
// refuses is an address to us.  (It accepts all that we do; the reverse does not hold.)
TEST(Ip, IsReadBackByTheSystem) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    IpAddress address{IpAddress::Family::V6, {}};
    for (auto& byte : address.bytes) {
      byte = random() % 3 == 0 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0};
    }
    const std::string text = to_text(address);
    std::uint8_t read[16];
    ASSERT_EQ(inet_pton(AF_INET6, text.c_str(), read), 1) << text;
    ASSERT_TRUE(std::equal(address.bytes.begin(), address.bytes.end(), read)) << text;
    ASSERT_EQ(parse_ip(text), address) << text;
  }
}

TEST(Ip, AcceptsOnlyWhatTheSystemAccepts) {
  constexpr std::string_view kLetters = ":::::1020af..9";
  std::mt19937 random(8);
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (auto length = random() % 18; length > 0; --length) {
      text += kLetters[random() % kLetters.size()];
    }
    const auto address = parse_ip(text);
    if (!address) continue;
    ++accepted;
    std::uint8_t read[16] = {};
    const bool v4 = address->family == IpAddress::Family::V4;
    ASSERT_EQ(inet_pton(v4 ? AF_INET : AF_INET6, text.c_str(), read), 1) << text;
    ASSERT_TRUE(std::equal(address->bytes.begin(), address->bytes.begin() + (v4 ? 4 : 16), read))
        << text;
  }
  EXPECT_GT(accepted, 100);
}

TEST(Ip, OrdersIpv4BeforeIpv6) {
  EXPECT_LT(*parse_ip("255.255.255.255"), *parse_ip("::"));
  EXPECT_LT(*parse_ip("9.0.0.0"), *parse_ip("10.0.0.0"));
  EXPECT_NE(*parse_ip("1.2.3.4"), *parse_ip("::ffff:1.2.3.4"));
}

}  // namespace
}  // namespace smtptape
