#include "capture/feed.h"

#include <cerrno>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace smtptape {
namespace {

using testing::HasSubstr;

const Endpoint kMta = parse_endpoint("http://mta:8000");

FeedEnd end_of(FeedEnd::Kind kind, std::string reason = "") {
  FeedEnd end;
  end.kind = kind;
  end.reason = std::move(reason);
  return end;
}

FeedEnd http_end(FeedEnd::Kind kind, unsigned status, std::string phrase, std::string reason) {
  FeedEnd end = end_of(kind, std::move(reason));
  end.status = status;
  end.phrase = std::move(phrase);
  return end;
}

TEST(FeedEnd, IsToldInOneLineThatSaysWhichTroubleItWas) {
  using Kind = FeedEnd::Kind;
  EXPECT_EQ(describe(end_of(Kind::Refused), kMta),
            "connecting to mta:8000: connection refused; nothing listens there");
  EXPECT_EQ(describe(end_of(Kind::NotFound, "Name or service not known"), kMta),
            "looking up mta: Name or service not known");
  EXPECT_EQ(describe(end_of(Kind::Unreachable, "No route to host"), kMta),
            "connecting to mta:8000: No route to host");
  EXPECT_EQ(describe(end_of(Kind::TimedOut), kMta), "connecting to mta:8000: no answer in time");
  EXPECT_EQ(describe(end_of(Kind::Closed), kMta),
            "connecting to mta:8000: the connection was closed without an answer");
  EXPECT_EQ(
      describe(http_end(Kind::Rejected, 401, "Unauthorized", "x not permitted GET on y"), kMta),
      "mta:8000 refused the request with 401 Unauthorized: x not permitted GET on y");
  EXPECT_EQ(describe(http_end(Kind::Rejected, 477, "", ""), kMta),
            "mta:8000 refused the request with 477");
  EXPECT_EQ(describe(http_end(Kind::NotWebSocket, 200, "OK", "a page"), kMta),
            "mta:8000 is not a WebSocket server (200 OK): a page");
  EXPECT_EQ(describe(end_of(Kind::NotWebSocket, "the answer is not HTTP"), kMta),
            "mta:8000 is not a WebSocket server: the answer is not HTTP");
}

TEST(FeedEnd, ReadsDifferentlyAfterAFirstSuccess) {
  FeedEnd end = end_of(FeedEnd::Kind::Closed);
  end.opened = true;
  EXPECT_EQ(describe(end, kMta), "mta:8000 closed the connection");
  end.kind = FeedEnd::Kind::TimedOut;
  EXPECT_EQ(describe(end, kMta), "the connection to mta:8000 timed out");
}

TEST(FeedEnd, CutsALongReason) {
  const FeedEnd end =
      http_end(FeedEnd::Kind::Rejected, 500, "Internal Server Error", std::string(4000, 'x'));
  EXPECT_LT(describe(end, kMta).size(), 400U);
  EXPECT_THAT(describe(end, kMta), testing::EndsWith("x..."));
}

TEST(FeedEnd, KnowsWhatKcliSays) {
  FeedEnd refused = end_of(FeedEnd::Kind::Refused);
  refused.os_error = ECONNREFUSED;
  EXPECT_EQ(kcli_connect_error(refused),
            "IO error: Connection refused (os error 111)\n\nCaused by:\n    Connection refused (os "
            "error 111)");
  EXPECT_EQ(kcli_connect_error(http_end(FeedEnd::Kind::Rejected, 401, "Unauthorized", "secret")),
            "HTTP error: 401 Unauthorized");
  EXPECT_EQ(kcli_connect_error(http_end(FeedEnd::Kind::NotWebSocket, 200, "OK", "a page")),
            "HTTP error: 200 OK");
  EXPECT_EQ(kcli_connect_error(end_of(FeedEnd::Kind::Closed, "End of file")),
            "WebSocket protocol error: Handshake not finished");
  EXPECT_THAT(kcli_connect_error(end_of(FeedEnd::Kind::NotFound, "Name or service not known")),
              HasSubstr("failed to lookup address information: Name or service not known"));
}

}  // namespace
}  // namespace smtptape
