#include "base/idna.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Name {
  std::string_view utf8;
  std::string_view ascii;
};

// Labels from RFC 3492, section 7.1, and everyday ones.
constexpr Name kNames[] = {
    {"plain.example", "plain.example"},
    {"Plain.EXAMPLE.", "plain.example."},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example"},
    {"M\xc3\x9cNCHEN.example", "xn--mnchen-3ya.example"},
    {"mu\xcc\x88nchen.example.", "xn--mnchen-3ya.example."},  // u, and a diaeresis of its own
    {"m\xc3\xbc_1\xe3\x80\x82"
     "example",
     "xn--m_1-hoa.example"},
    {"\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8"
     "\xad\xe6\x96\x87",
     "xn--ihqwcrb4cv8a8dqg056pqjye"},
    {"3\xe5\xb9\xb4"
     "b\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88\xe7\x94\x9f",
     "xn--3b-ww4c5e180e575a65lsy2b"},
};

TEST(HostName, BecomesPunycodeLabelByLabel) {
  for (const Name& name : kNames)
    EXPECT_EQ(to_ascii_host(name.utf8), name.ascii) << name.utf8;
}

TEST(HostName, IsRefusedWhenItIsNotUtf8) {
  for (const std::string_view bytes :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(to_ascii_host(bytes), std::nullopt);
  }
}

TEST(HostName, MayStandInOtherSpellings) {
  EXPECT_THAT(other_spellings("mx.example"), ElementsAre("mx.example."));
  EXPECT_THAT(other_spellings("mx.example."), ElementsAre("mx.example"));
  EXPECT_THAT(other_spellings("MX.example"),
              ElementsAre("MX.example.", "mx.example", "mx.example."));
  const char* const kRead = "m\xc3\xbcnchen.example";
  EXPECT_THAT(
      other_spellings(kRead),
      ElementsAre("m\xc3\xbcnchen.example.", "xn--mnchen-3ya.example", "xn--mnchen-3ya.example."));
  EXPECT_THAT(other_spellings("xn--mnchen-3ya.example"),
              ElementsAre(kRead, "m\xc3\xbcnchen.example.", "xn--mnchen-3ya.example."));
  EXPECT_THAT(other_spellings(""), IsEmpty());
  EXPECT_THAT(other_spellings("."), IsEmpty());
  EXPECT_THAT(other_spellings("\xff"), ElementsAre("\xff.")) << "no name, and compared as it is";
}

}  // namespace
}  // namespace smtptape
