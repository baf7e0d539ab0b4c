#include "share/redact/pseudonyms.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "share/redact/ip_address.h"
#include "share/redact/originals.h"

namespace smtptape {
namespace {

constexpr PseudonymKey kKey{1, 2, 3};

bool nothing_is_taboo(std::string_view) {
  return false;
}

std::string replaced(Pseudonyms& pseudonyms, Kind kind, std::string text) {
  pseudonyms.replace(std::span<char>(text), {{0, text.size(), kind}});
  return text;
}

std::string replaced(Kind kind, const std::string& text, const KeptNames& kept = {}) {
  Pseudonyms pseudonyms(kKey, kept, nothing_is_taboo);
  return replaced(pseudonyms, kind, text);
}

std::string shape(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    if (std::isdigit(c) != 0) return '0';
    if (std::islower(c) != 0) return 'a';
    return std::isupper(c) != 0 ? 'A' : static_cast<char>(c);
  });
  return text;
}

TEST(Pseudonyms, KeepLengthAndShape) {
  for (const std::string name : {"Bob.Smith", "user63", "spring_sale", "x", "b4c309e1-E6AB-11f1"}) {
    for (const Kind kind : {Kind::LocalPart, Kind::Label, Kind::Id}) {
      const std::string other = replaced(kind, name);
      EXPECT_EQ(shape(other), shape(name));
      EXPECT_NE(other, name);
    }
  }
  EXPECT_EQ(replaced(Kind::Label,
                     "b\xc3\xbc"
                     "ro")
                .size(),
            5U);
}

TEST(Pseudonyms, AreTheSameForTheSameNameInAnyCase) {
  Pseudonyms pseudonyms(kKey, {}, nothing_is_taboo);
  const std::string lower = replaced(pseudonyms, Kind::LocalPart, "bob.smith");
  EXPECT_EQ(replaced(pseudonyms, Kind::LocalPart, "bob.smith"), lower);
  EXPECT_EQ(folded(replaced(pseudonyms, Kind::LocalPart, "Bob.SMITH")), lower);
}

TEST(Pseudonyms, DifferWithTheKey) {
  Pseudonyms one(kKey, {}, nothing_is_taboo);
  Pseudonyms other(PseudonymKey{9}, {}, nothing_is_taboo);
  for (const Kind kind : {Kind::LocalPart, Kind::Domain, Kind::Id})
    EXPECT_NE(replaced(one, kind, "bob.smith.example"), replaced(other, kind, "bob.smith.example"));
  EXPECT_NE(random_digest_key(), random_digest_key());
}

TEST(Pseudonyms, OfTwoNamesAreTwo) {
  Pseudonyms pseudonyms(kKey, {}, nothing_is_taboo);
  std::set<std::string> all;
  for (int i = 100; i < 1000; ++i)
    all.insert(replaced(pseudonyms, Kind::LocalPart, std::to_string(i)));
  EXPECT_GT(all.size(), 890U);  // of 1000 that there are
}

TEST(Pseudonyms, AreNeverWhatMustNotBeInTheResult) {
  // Half of all digits.
  const auto is_taboo = [](std::string_view text) { return text[0] < '5'; };
  Pseudonyms pseudonyms(kKey, {}, is_taboo);
  for (int i = 10000; i < 10200; ++i) {
    const std::string other = replaced(pseudonyms, Kind::LocalPart, std::to_string(i));
    EXPECT_FALSE(is_taboo(other)) << other;
  }
}

TEST(Pseudonyms, OfDomainsAreMadeLabelByLabel) {
  Pseudonyms pseudonyms(kKey, {}, nothing_is_taboo);
  const std::string domain = replaced(pseudonyms, Kind::Domain, "acme.example");
  const std::string host = replaced(pseudonyms, Kind::Host, "Out1.acme.example");
  EXPECT_TRUE(domain.ends_with(".example"));
  EXPECT_NE(domain, "acme.example");
  EXPECT_TRUE(host.ends_with("." + domain)) << host;
  EXPECT_EQ(shape(host), "Aaa0.aaaa.aaaaaaa");
  EXPECT_EQ(shape(replaced(Kind::Host, "vm")), "aa");
  EXPECT_NE(replaced(Kind::Host, "vm"), "vm");
}

TEST(Pseudonyms, KeepDomainsOfKeptHosts) {
  KeptNames kept;
  kept.add_host("MX1.mail.provider.example.");
  EXPECT_EQ(replaced(Kind::Domain, "provider.example", kept), "provider.example");
  EXPECT_EQ(replaced(Kind::Domain, "mx1.mail.Provider.example.", kept),
            "mx1.mail.Provider.example.");
  EXPECT_TRUE(
      replaced(Kind::Domain, "other.provider.example", kept).ends_with(".provider.example"));
  EXPECT_NE(replaced(Kind::Domain, "other.provider.example", kept), "other.provider.example");
  EXPECT_NE(replaced(Kind::Domain, "notprovider.example", kept), "notprovider.example");
  EXPECT_EQ(replaced(Kind::Domain, "(mx1|mx2).provider.example", kept),
            "(mx1|mx2).provider.example");
}

TEST(Pseudonyms, OfAddressesKeepWhatTheyShareFromTheFront) {
  Pseudonyms pseudonyms(kKey, {}, nothing_is_taboo);
  const std::string one = replaced(pseudonyms, Kind::Address, "192.0.2.17:51349");
  const std::string two = replaced(pseudonyms, Kind::Address, "192.0.2.18:51350");
  const std::string three = replaced(pseudonyms, Kind::Address, "192.0.3.17:1");
  EXPECT_TRUE(one.ends_with(":51349"));
  EXPECT_EQ(one.size(), std::string("192.0.2.17:51349").size());
  const auto network = [](const std::string& text) { return text.substr(0, text.rfind('.')); };
  EXPECT_EQ(network(one), network(two));
  EXPECT_NE(one.substr(0, one.find(':')), two.substr(0, two.find(':')));
  EXPECT_NE(network(one), network(three));
  EXPECT_EQ(network(network(one)), network(network(three)));
  EXPECT_EQ(shape(replaced(pseudonyms, Kind::Address, "[2001:db8::17]:25")).size(), 17U);
  EXPECT_NE(replaced(pseudonyms, Kind::Address, "2001:db8::17"), "2001:db8::17");
  EXPECT_TRUE(replaced(pseudonyms, Kind::Address, "[2001:db8::17]:25").ends_with("]:25"));
}

TEST(Pseudonyms, OfAnAddressAreTheSameInEveryForm) {
  Pseudonyms pseudonyms(kKey, {}, nothing_is_taboo);
  const auto other = [&pseudonyms](const std::string& text) {
    const std::string out = replaced(pseudonyms, Kind::Address, text);
    EXPECT_EQ(out.size(), text.size());
    EXPECT_NE(out, text);
    return out;
  };
  const std::string usual = other("2001:db8::17:a");
  EXPECT_NE(usual_address(usual), "2001:db8::17:a");
  for (const std::string form : {"2001:DB8::17:A",
                                 "2001:db8:0:0:0:0:17:a",
                                 "2001:0db8::0017:000a",
                                 "2001:0db8:0000:0000:0000:0000:0017:000A",
                                 "2001:db8:0:0::17:a"}) {
    EXPECT_EQ(usual_address(other(form)), usual) << form;
  }
  EXPECT_EQ(other("[2001:db8::17:a]:25"), "[" + usual + "]:25");
  EXPECT_EQ(other("::ffff:192.0.2.17"), "::ffff:" + other("192.0.2.17"));
  EXPECT_EQ(other("0:0:0:0:0:ffff:192.0.2.17"), "0:0:0:0:0:ffff:" + other("192.0.2.17"));
  // What begins alike still does, and nothing else does.
  EXPECT_EQ(other("2001:db8::17:b").substr(0, 11), usual.substr(0, 11));
  EXPECT_NE(other("2001:db8::17:b"), usual);
  EXPECT_NE(other("2001:db8::18:a").substr(0, 12), usual.substr(0, 12));
}

TEST(Pseudonyms, KeepAddressesOfKeptHosts) {
  KeptNames kept;
  kept.addresses.insert("192.0.2.17");
  kept.addresses.insert("2001:db8::17");
  EXPECT_EQ(replaced(Kind::Address, "192.0.2.17:25", kept), "192.0.2.17:25");
  EXPECT_EQ(replaced(Kind::Address, "[2001:db8::17]:25", kept), "[2001:db8::17]:25");
  EXPECT_EQ(replaced(Kind::Address, "2001:DB8:0::0017", kept), "2001:DB8:0::0017");
  EXPECT_NE(replaced(Kind::Address, "192.0.2.18:25", kept), "192.0.2.18:25");
}

TEST(Pseudonyms, OfMessagesAndCredentialsSayNothing) {
  EXPECT_EQ(replaced(Kind::Message, "Dear Bob"), "********");
  EXPECT_EQ(replaced(Kind::Credential, "s3cret"), "******");
}

TEST(Pseudonyms, LeaveClassesThatAreKept) {
  KeptNames kept;
  kept.kinds[static_cast<std::size_t>(Kind::Label)] = true;
  EXPECT_EQ(replaced(Kind::Label, "acme", kept), "acme");
  EXPECT_NE(replaced(Kind::LocalPart, "acme", kept), "acme");
}

TEST(Pseudonyms, CanBeTold) {
  Pseudonyms pseudonyms(kKey, {}, nothing_is_taboo);
  const std::string other = replaced(pseudonyms, Kind::Label, "Acme");
  const auto all = pseudonyms.all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all.begin()->first, std::pair(Kind::Label, std::string("acme")));
  EXPECT_EQ(all.begin()->second, folded(other));
  EXPECT_EQ(pseudonyms.counts()[static_cast<std::size_t>(Kind::Label)].bytes, 4U);
}

}  // namespace
}  // namespace smtptape
