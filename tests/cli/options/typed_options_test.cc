// Options that are typed while the program runs.
#include "cli/options/typed_options.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace smtptape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

TEST(TypedWords, AreSplitAsAShellDoes) {
  EXPECT_THAT(split_words(""), IsEmpty());
  EXPECT_THAT(split_words("  "), IsEmpty());
  EXPECT_THAT(split_words(" a\tb  c "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_words(R"(a' b 'c "d 'e" '')"), ElementsAre("a b c", "d 'e", ""));
  EXPECT_THAT(split_words(R"(a\ b "c\"d\e" '\f' g\)"),
              ElementsAre("a b", R"(c"d\e)", "\\f", "g\\"));
  EXPECT_THAT([] { static_cast<void>(split_words("a 'b")); },
              ThrowsMessage<UsageError>(HasSubstr("is not closed")));
}

class TypedOptions : public ::testing::Test {
 protected:
  std::string parse(const std::string& line) {
    return parse_typed(line, [this](Options& options) {
      options.values("--code", codes_, "CODE", "");
      options.flag("--failed", failed_, "");
    });
  }
  void expect_refused(const std::string& line, const std::string& why) {
    EXPECT_THAT([&] { static_cast<void>(parse(line)); }, ThrowsMessage<UsageError>(HasSubstr(why)))
        << line;
  }

  std::vector<std::string> codes_;
  bool failed_ = false;
};

TEST_F(TypedOptions, AreThoseOfACommandLine) {
  EXPECT_EQ(parse("--code 4xx  --failed --code='5 x' --code -1"),
            "--code 4xx --failed '--code=5 x' --code -1");
  EXPECT_THAT(codes_, ElementsAre("4xx", "5 x", "-1"));
  EXPECT_TRUE(failed_);
}

TEST_F(TypedOptions, NoneIsNone) {
  EXPECT_EQ(parse(" "), "");
}

TEST_F(TypedOptions, OthersAreRefused) {
  expect_refused("--cod 4xx", "\"--cod\" is no option here; did you mean --code?");
  expect_refused("--failed mx1", "\"mx1\" is no option here");
  expect_refused("--help", "no option here");
  expect_refused("--code", "--code: wants a value");
}

}  // namespace
}  // namespace smtptape
