#include "share/redact/originals.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace smtptape {
namespace {

// What of the text was found, in its own words.
std::vector<std::string> found_in(const Originals& originals,
                                  const std::string& text,
                                  bool spelled) {
  std::vector<Originals::Found> found;
  if (spelled) {
    originals.find_spelled(text, found);
  } else {
    originals.find(text, found);
  }
  std::vector<std::string> words;
  for (const Originals::Found& one : found)
    words.push_back(text.substr(one.from, one.to - one.from));
  return words;
}

using Words = std::vector<std::string>;

TEST(Originals, AreFoundInAnyCaseAndAnywhere) {
  Originals originals;
  originals.add(Kind::Label, "Falcon");
  originals.finish();
  EXPECT_EQ(found_in(originals, "xFALCONy falcon", false), (Words{"FALCON", "falcon"}));
  EXPECT_EQ(found_in(originals, "falco", false), Words{});
  EXPECT_TRUE(originals.is_original("FALCON"));
}

TEST(Originals, ThatAreShortCountAsAWholeOnly) {
  Originals originals;
  originals.add(Kind::Label, "acme1");
  originals.finish();
  EXPECT_EQ(found_in(originals, "acme1", false), Words{});
  EXPECT_TRUE(originals.is_original("Acme1"));
  EXPECT_FALSE(originals.is_original("acme2"));
}

TEST(Originals, OfNumbersStandAlone) {
  Originals originals;
  originals.add(Kind::Address, "192.0.2.1");
  originals.add(Kind::LocalPart, "4711474");
  originals.finish();
  EXPECT_EQ(found_in(originals, "192.0.2.1, 192.0.2.12 2192.0.2.1 192.0.2.1.5 [192.0.2.1]", false),
            (Words{"192.0.2.1", "192.0.2.1"}));
  EXPECT_EQ(found_in(originals, "u4711474@ 47114741", false), (Words{"4711474"}));
}

TEST(Originals, ThatAreAddressesAreFoundInEveryForm) {
  Originals originals;
  originals.add_address("2001:db8::17");
  originals.add_address("192.0.2.9");
  originals.add_address("2001:db8::99");
  originals.add_public("2001:db8::99");
  originals.finish();
  for (const std::string form : {"2001:DB8:0:0:0:0:0:17",
                                 "2001:0db8::0017",
                                 "2001:db8:0:0::17",
                                 "::ffff:c000:209",
                                 "0:0:0:0:0:FFFF:C000:0209"}) {
    for (const std::string before : {"", "IPv6:", "[IPv6:", "from:", "node:", "is "}) {
      for (const std::string behind : {"", "]", "]:25", " x", ".", ":25"}) {
        const Words found = found_in(originals, before + form + behind, false);
        ASSERT_FALSE(found.empty()) << before + form + behind;
        EXPECT_EQ(found.back(), form) << before + form + behind;
      }
    }
  }
  for (const std::string other : {"2001:db8::18",
                                  "2001:db8::99",
                                  "2001:db8:0::99",
                                  "19:34:17",
                                  "::",
                                  "a:b:c:d:e:f",
                                  ":::::::::::",
                                  "1.2.3.4:5:6"})
    EXPECT_EQ(found_in(originals, other, false), Words{}) << other;
}

TEST(Originals, AreFoundInEverySpelling) {
  Originals originals;
  originals.add(Kind::LocalPart, "bob\"smith");
  originals.add(Kind::LocalPart, "j\xc3\xbcrgens");
  originals.finish();
  for (const std::string text : {R"(bob\"smith)",
                                 R"(bob\u{22}smith)",
                                 R"(bob\u0022smith)",
                                 "bob%22smith",
                                 "%62%6f%62%22smith",
                                 "bob=22smith",
                                 "bob=22sm=\r\nith",
                                 "bob+22smith",
                                 "bob&quot;smith",
                                 "bob&#34;smith",
                                 "Ym9iInNtaXRo",
                                 "eGJvYiJzbWl0aA==",
                                 "eHhib2Iic21pdGg=",
                                 "/Ym9iInNtaXRo",
                                 "u/eGJvYiJzbWl0aA==",
                                 "Ym9iInNt\r\naXRo",
                                 "626f6222736d697468",
                                 "j\xfcrgens",
                                 "j?\xc3\xbcrgens"}) {
    const bool there = !found_in(originals, text, true).empty();
    EXPECT_EQ(there, text != "j?\xc3\xbcrgens") << text;
  }
  EXPECT_EQ(found_in(originals, "see u=bob%22smith&x", true), (Words{"bob%22smith"}));
  EXPECT_EQ(found_in(originals, "bob\"smith", false), (Words{"bob\"smith"}));
}

TEST(Originals, ThatArePublicAreNone) {
  Originals originals;
  originals.add(Kind::Domain, "provider.test");
  originals.add(Kind::Label, "provider");
  originals.add(Kind::Domain, "other.test");
  originals.add(Kind::Credential, "mx1.pr");
  originals.add_public("MX1.provider.test.");
  originals.finish();
  EXPECT_EQ(found_in(originals, "provider.test other.test", false), (Words{"other.test"}));
  EXPECT_EQ(originals.kept(), (Words{"provider", "provider.test"}));
  EXPECT_FALSE(originals.is_original("provider.test"));
  EXPECT_EQ(found_in(originals, "mx1.provider", false), (Words{"mx1.pr"}));
}

TEST(Originals, AreNoWordsOfTheProtocol) {
  Originals originals;
  originals.add(Kind::LocalPart, "postmaster");
  originals.add(Kind::Message, "Hello there");
  originals.add(Kind::Message, "Hello there Jim");
  originals.add(Kind::Message, "=-=-=-=-=-=");
  originals.finish();
  EXPECT_EQ(originals.size(), 1U);
  EXPECT_EQ(found_in(originals, "hello there postmaster =-=-=-=-=-=", false), Words{});
}

}  // namespace
}  // namespace smtptape
