#include "capture/feed/feed.h"

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
            "connecting to mta:8000: the connection was closed without an answer; is TLS spoken "
            "there? then: https://");
  EXPECT_EQ(describe(end_of(Kind::LookupFailed, "Temporary failure in name resolution"), kMta),
            "looking up mta: Temporary failure in name resolution; the name may be right: no name "
            "server has answered for it");
  EXPECT_EQ(describe(http_end(Kind::Rejected, 404, "Not Found", "nothing here"), kMta),
            "mta:8000 refused the request with 404 Not Found: nothing here");
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

TEST(FeedEnd, SaysWhatToDoWhereAccessIsRefused) {
  using Kind = FeedEnd::Kind;
  FeedEnd refused = http_end(Kind::Rejected, 401, "Unauthorized", "x not permitted GET on y");
  EXPECT_EQ(describe(refused, kMta),
            "mta:8000 refused the request with 401 Unauthorized: x not permitted GET on y; run "
            "this on the node itself or have this host added to the listener's trusted_hosts, or "
            "have a user allowed GET on http_listener/*/api/admin by an ACL and give "
            "--basic-auth-file");
  refused.status = 403;
  EXPECT_THAT(describe(refused, kMta), HasSubstr("trusted_hosts"));
  refused.with_credentials = true;
  EXPECT_THAT(describe(refused, kMta),
              testing::EndsWith("x not permitted GET on y; the credentials were refused, or an ACL "
                                "must still allow them GET on http_listener/*/api/admin"));
}

TEST(FeedEnd, TellsTroubleWithTlsApart) {
  using Kind = FeedEnd::Kind;
  const Endpoint mta = parse_endpoint("https://mta:8443");
  FeedEnd untrusted = end_of(Kind::TlsUntrusted, "certificate has expired");
  untrusted.fingerprint = "AB:CD";
  EXPECT_EQ(describe(untrusted, mta),
            "connecting to mta:8443: its certificate is not trusted: certificate has expired; if "
            "it is the right one: --tls-fingerprint AB:CD");
  untrusted.reason = "self-signed certificate";
  untrusted.self_signed = true;
  EXPECT_EQ(describe(untrusted, mta),
            "connecting to mta:8443: its certificate is not trusted: self-signed certificate; "
            "kumod makes itself such a one at each start: give its HTTP listener tls_certificate "
            "and tls_private_key, and --cacert FILE here; until it starts again, if it is the "
            "right one: --tls-fingerprint AB:CD");
  untrusted.expected_fingerprint = "12:34";
  EXPECT_THAT(describe(untrusted, mta),
              testing::AllOf(HasSubstr("another one than --tls-fingerprint names: expected 12:34, "
                                       "shown AB:CD. A kumod whose HTTP listener has no "
                                       "tls_certificate and tls_private_key makes itself a new"),
                             testing::EndsWith("before trusting it")));
  FeedEnd failed = end_of(Kind::TlsFailed, "tlsv1 alert protocol version");
  EXPECT_EQ(describe(failed, mta),
            "connecting to mta:8443: TLS failed: tlsv1 alert protocol version");
  failed.certificate_missing = true;
  EXPECT_THAT(describe(failed, mta),
              testing::EndsWith("; it asked for a client certificate: --tls-cert FILE --tls-key "
                                "FILE"));
  failed.opened = true;
  EXPECT_EQ(describe(failed, mta),
            "the connection to mta:8443 broke: TLS failed: tlsv1 alert protocol version");
  EXPECT_EQ(describe(end_of(Kind::TlsNotSpoken), mta), "mta:8443 does not speak TLS; use http://");
  EXPECT_EQ(describe(end_of(Kind::TlsExpected), kMta), "mta:8000 speaks TLS; use https://");
  EXPECT_THAT(describe(end_of(Kind::Closed), mta),
              testing::EndsWith("is TLS spoken there? if not: http://"));
}

TEST(FeedEnd, SaysThatAnEventWasCut) {
  FeedEnd end = end_of(FeedEnd::Kind::Closed);
  end.opened = end.mid_message = true;
  EXPECT_EQ(describe(end, kMta), "mta:8000 closed the connection in the middle of a frame");
}

TEST(Frames, AreEventsOrTheTalkOfTheConnection) {
  std::vector<WsMessage> frames(6);
  frames[1].opcode = Opcode::Binary;
  frames[2].oversize = true;
  frames[3].opcode = Opcode::Ping;
  frames[4].opcode = Opcode::Pong;
  frames[5].opcode = Opcode::Close;
  EXPECT_EQ(events_among(frames), 3U);
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
