// Credentials: what may be one, and that they stay with us.
#include "capture/feed/access.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/feed/feed.h"
#include "tests/support/fake_kumod.h"

namespace smtptape {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class NoSink : public FrameSink {
 public:
  Flow on_frames(std::span<const WsMessage> /*frames*/) override { return Flow::Continue; }
};

TEST(Credentials, AreHiddenWhenAServerSendsThemBack) {
  const std::string body = "no: Basic am9lOnMzY3IgIGV0 is joe:s3cr  et, s3cr et";
  const FakeKumod server({answer_with("HTTP/1.1 401 Unauthorized\r\ncontent-length: " +
                                      std::to_string(body.size()) + "\r\n\r\n" + body)});
  FeedOptions options;
  options.endpoint = parse_endpoint(server.url());
  FeedAccess access;
  access.credentials = basic_credentials("joe:s3cr  et", "file");
  ASSERT_THAT(access.credentials.header, EndsWith("am9lOnMzY3IgIGV0"));
  options.access = [access] { return access; };
  NoSink sink;
  const FeedEnd end = follow_feed(options, sink);
  const std::string told = describe(end, options.endpoint);
  EXPECT_EQ(end.kind, FeedEnd::Kind::Rejected);
  EXPECT_THAT(server.head(), HasSubstr("am9lOnMzY3IgIGV0"));
  EXPECT_THAT(told,
              AllOf(Not(HasSubstr("am9l")), Not(HasSubstr("s3cr")), HasSubstr("joe:***, ***")));
  EXPECT_THAT(told, HasSubstr("; the credentials were refused"));
}

std::string refusal(Credentials (*make)(std::string_view, const std::string&), std::string text) {
  try {
    static_cast<void>(make(text, "the file"));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Credentials, OfAPasswordWithColonsAllIsHidden) {
  const Credentials credentials = basic_credentials("joe:first:middle:last", "file");
  EXPECT_EQ(without_secrets("no joe with first:middle:last", credentials), "no joe with ***");
  EXPECT_EQ(without_secrets("no joe:first:middle:last!", credentials), "no joe:***!");
}

TEST(Credentials, AreOneLineOfTheRightForm) {
  EXPECT_EQ(refusal(basic_credentials, "joe:s\xc3\xa9same with:colon"), "accepted");
  EXPECT_EQ(refusal(basic_credentials, "joe:"), "accepted");
  EXPECT_EQ(refusal(basic_credentials, ""), "the file: it is empty");
  EXPECT_EQ(refusal(basic_credentials, "joe"), "the file: it does not hold user:password");
  for (const char control : {'\n', '\r', '\0', '\t', '\x1b', '\x7f'}) {
    const std::string text = std::string("joe:s3c") + control + "ret";
    EXPECT_EQ(refusal(basic_credentials, text),
              "the file: it holds more than one line, or control characters");
  }
  EXPECT_EQ(bearer_credentials("abc.DEF-1_2~+/==", "x").header, "Bearer abc.DEF-1_2~+/==");
  EXPECT_EQ(refusal(bearer_credentials, "s3c ret"),
            "the file: a token has no spaces, and only ASCII characters");
  EXPECT_EQ(refusal(bearer_credentials, ""), "the file: it is empty");
}

}  // namespace
}  // namespace smtptape
