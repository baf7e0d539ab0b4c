// The feed over TLS, against a server that is scripted: whom we trust, what we send, and which
// trouble is told from which.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/feed/feed_client.h"
#include "tests/support/fake_kumod.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Kind = FeedEnd::Kind;

class Collector : public FrameSink {
 public:
  Flow on_frames(std::span<const WsMessage> messages) override {
    for (const WsMessage& message : messages)
      frames.emplace_back(message.payload);
    return Flow::Continue;
  }
  std::vector<std::string> frames;
};

TlsServerSettings serving(Identity identity) {
  TlsServerSettings settings;
  settings.identity = std::move(identity);
  return settings;
}

TlsSettings trusting(const Identity& identity) {
  TlsSettings settings;
  settings.trusted = PemText{"ca.pem", identity.certificate};
  return settings;
}

TlsSettings pinning(const std::string& fingerprint) {
  TlsSettings settings;
  settings.fingerprint = parse_fingerprint(fingerprint);
  EXPECT_TRUE(settings.fingerprint);
  return settings;
}

// "https://127.0.0.1:8000" with another scheme or host.
std::string url_of(const FakeKumod& server, const std::string& scheme, const std::string& host) {
  return scheme + "://" + host + ":" + std::to_string(server.port());
}

FeedOptions options_for(const std::string& url, const TlsSettings& tls = {}) {
  FeedOptions options;
  options.endpoint = parse_endpoint(url);
  options.request = "{}";
  FeedAccess access;
  access.tls = std::make_shared<const TlsContext>(tls);
  options.access = [access] { return access; };
  return options;
}

struct Followed {
  FeedEnd end;
  std::string told;
  std::vector<std::string> frames;
};

Followed follow(const FeedOptions& options) {
  Followed followed;
  Collector sink;
  followed.end = follow_feed(options, sink);
  followed.told = describe(followed.end, options.endpoint);
  followed.frames = std::move(sink.frames);
  return followed;
}

Followed follow(const FakeKumod& server, const TlsSettings& tls) {
  return follow(options_for(server.url(), tls));
}

const Identity& ours() {
  static const Identity identity = self_signed();
  return identity;
}

// ---- whom we trust ----

TEST(FeedOverTls, IsReadFromAServerWhoseAuthorityIsTrusted) {
  CertificateWish authority;
  authority.is_ca = true;
  authority.common_name = "the authority";
  const Identity ca = self_signed(authority);
  const FakeKumod server({upgrade_then({send_text("a"), send_text("b")})}, serving(signed_by(ca)));
  const Followed followed = follow(server, trusting(ca));
  EXPECT_EQ(followed.end.kind, Kind::Closed) << followed.told;
  EXPECT_TRUE(followed.end.opened);
  EXPECT_THAT(followed.frames, ElementsAre("a", "b"));
  EXPECT_EQ(server.frame(0).payload, "{}");
}

TEST(FeedOverTls, IsReadFromAServerWhoseOwnCertificateIsTrusted) {
  const FakeKumod server({upgrade_then({send_text("a")})}, serving(ours()));
  EXPECT_THAT(follow(server, trusting(ours())).frames, ElementsAre("a"));
}

TEST(FeedOverTls, RefusesAnUnknownCertificateAndSaysHowToTrustIt) {
  const FakeKumod server({upgrade_then({send_text("a")})}, serving(ours()));
  const Followed followed = follow(server, trusting(self_signed()));
  EXPECT_EQ(followed.end.kind, Kind::TlsUntrusted);
  EXPECT_FALSE(followed.end.opened);
  EXPECT_THAT(followed.frames, IsEmpty());
  EXPECT_EQ(followed.told,
            "connecting to 127.0.0.1:" + std::to_string(server.port()) +
                ": its certificate is not trusted: self-signed certificate; kumod makes itself "
                "such a one at each start: give its HTTP listener tls_certificate and "
                "tls_private_key, and --cacert FILE here; until it starts again, if it is the "
                "right one: --tls-fingerprint " +
                ours().fingerprint);
}

TEST(FeedOverTls, TrustsTheSystemsAuthoritiesAndNotEveryone) {
  const FakeKumod server({upgrade_then({send_text("a")})}, serving(ours()));
  FeedOptions options = options_for(server.url());
  options.access = nullptr;
  EXPECT_EQ(follow(options).end.kind, Kind::TlsUntrusted);
}

TEST(FeedOverTls, RefusesACertificateForAnotherName) {
  CertificateWish elsewhere;
  elsewhere.names = "DNS:mta.example,IP:10.0.0.1";
  const Identity identity = self_signed(elsewhere);
  const FakeKumod server({upgrade_then({}), upgrade_then({})}, serving(identity));
  const Followed by_address = follow(server, trusting(identity));
  EXPECT_EQ(by_address.end.kind, Kind::TlsUntrusted);
  EXPECT_THAT(by_address.told, HasSubstr("IP address mismatch"));
  const Followed by_name =
      follow(options_for(url_of(server, "https", "localhost"), trusting(identity)));
  EXPECT_EQ(by_name.end.kind, Kind::TlsUntrusted);
  EXPECT_THAT(by_name.told, HasSubstr("hostname mismatch"));
  EXPECT_THAT(by_name.told, EndsWith(identity.fingerprint));
}

TEST(FeedOverTls, RefusesAnExpiredCertificate) {
  CertificateWish old;
  old.expired = true;
  const Identity identity = self_signed(old);
  const FakeKumod server({upgrade_then({})}, serving(identity));
  const Followed followed = follow(server, trusting(identity));
  EXPECT_EQ(followed.end.kind, Kind::TlsUntrusted);
  EXPECT_THAT(followed.told, HasSubstr("certificate has expired"));
}

TEST(FeedOverTls, LooksAtTheFingerprintAndNothingElse) {
  CertificateWish wrong_in_every_way;
  wrong_in_every_way.names = "DNS:mta.example";
  wrong_in_every_way.expired = true;
  const Identity identity = self_signed(wrong_in_every_way);
  const FakeKumod server({upgrade_then({send_text("a")}), upgrade_then({})}, serving(identity));
  const Followed right = follow(server, pinning(identity.fingerprint));
  EXPECT_EQ(right.end.kind, Kind::Closed) << right.told;
  EXPECT_THAT(right.frames, ElementsAre("a"));
  const Followed wrong = follow(server, pinning(ours().fingerprint));
  EXPECT_EQ(wrong.end.kind, Kind::TlsUntrusted);
  EXPECT_THAT(wrong.told,
              HasSubstr("another one than --tls-fingerprint names: expected " + ours().fingerprint +
                        ", shown " + identity.fingerprint));
}

// ---- who we are ----

TEST(FeedOverTls, GreetsWithTheNameAndHttp11) {
  const FakeKumod server({upgrade_then({}), upgrade_then({})}, serving(ours()));
  follow(options_for(url_of(server, "wss", "localhost"), trusting(ours())));
  EXPECT_EQ(server.tls_greeting(0), "TLSv1.3 sni=localhost alpn=http/1.1 client=");
  follow(options_for(url_of(server, "https", "127.0.0.1"), trusting(ours())));
  EXPECT_EQ(server.tls_greeting(1), "TLSv1.3 sni= alpn=http/1.1 client=");
}

TEST(FeedOverTls, ShowsItsCertificateWhenAsked) {
  for (const bool only_12 : {false, true}) {
    CertificateWish wish;
    wish.common_name = "recorder";
    const Identity client = self_signed(wish);
    TlsServerSettings settings = serving(ours());
    settings.client_ca = client.certificate;
    settings.only_12 = only_12;
    const FakeKumod server({upgrade_then({send_text("a")})}, settings);
    TlsSettings tls = trusting(ours());
    tls.certificate = PemText{"cert.pem", client.certificate};
    tls.key = PemText{"key.pem", client.key};
    const Followed followed = follow(server, tls);
    EXPECT_THAT(followed.frames, ElementsAre("a")) << followed.told;
    EXPECT_THAT(server.tls_greeting(), EndsWith("client=recorder"));
  }
}

TEST(FeedOverTls, SaysThatTheServerAsksForACertificate) {
  for (const bool only_12 : {false, true}) {
    TlsServerSettings settings = serving(ours());
    settings.client_ca = ours().certificate;
    settings.only_12 = only_12;
    const FakeKumod server({upgrade_then({send_text("a")})}, settings);
    const Followed followed = follow(server, trusting(ours()));
    EXPECT_EQ(followed.end.kind, Kind::TlsFailed) << followed.told;
    EXPECT_THAT(followed.told,
                EndsWith("it asked for a client certificate: --tls-cert FILE --tls-key FILE"));
  }
}

TEST(FeedOverTls, SendsAuthorizationBehindTheHeadersOfKcli) {
  const FakeKumod server({upgrade_then({})}, serving(ours()));
  FeedOptions options = options_for(server.url(), trusting(ours()));
  FeedAccess access = options.access();
  access.credentials = basic_credentials("Aladdin:open sesame", "file");
  options.access = [access] { return access; };
  follow(options);
  EXPECT_THAT(server.head(), StartsWith("GET /api/admin/trace-smtp-client/v1 HTTP/1.1\r\nHost: "));
  EXPECT_THAT(server.head(),
              EndsWith("==\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
}

// ---- how it carries the feed ----

TEST(FeedOverTls, CarriesMuchMoreThanARecordHolds) {
  std::vector<Step> steps;
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(std::to_string(i) + std::string(40'000, 'x'));
    steps.push_back(send_text(expected.back()));
  }
  const FakeKumod server({upgrade_then(std::move(steps))}, serving(ours()));
  EXPECT_EQ(follow(server, trusting(ours())).frames, expected);
}

TEST(FeedOverTls, AnswersPings) {
  const FakeKumod server(
      {upgrade_then({send_frame(Opcode::Ping, "are you there"), await_frame(), send_text("b")})},
      serving(ours()));
  EXPECT_THAT(follow(server, trusting(ours())).frames, ElementsAre("are you there", "b"));
  EXPECT_EQ(server.frame(1), (ReceivedFrame{Opcode::Pong, "are you there"}));
}

TEST(FeedOverTls, IsNotHeldUpByPingsWhoseAnswersNobodyReads) {
  std::string pings;
  for (int i = 0; i < 100'000; ++i)
    pings += send_frame(Opcode::Ping, std::string(125, 'p')).bytes;
  const FakeKumod server({upgrade_then({send_bytes(pings), send_text("after")})}, serving(ours()));
  const Followed followed = follow(server, trusting(ours()));
  ASSERT_EQ(followed.frames.size(), 100'001U) << followed.told;
  EXPECT_EQ(followed.frames.back(), "after");
}

TEST(FeedOverTls, EndsAlikeWithAndWithoutCloseNotify) {
  const FakeKumod server({upgrade_then({send_text("a"), say_goodbye()}), upgrade_then({})},
                         serving(ours()));
  for (int i = 0; i < 2; ++i) {
    const Followed followed = follow(server, trusting(ours()));
    EXPECT_EQ(followed.end.kind, Kind::Closed);
    EXPECT_FALSE(followed.end.mid_message);
  }
}

TEST(FeedOverTls, KnowsThatThePeerClosedInMidFrame) {
  const std::string frame = send_text(std::string(200, 'x')).bytes;
  const FakeKumod server({upgrade_then({send_text("a"), send_bytes(frame.substr(0, 100))})},
                         serving(ours()));
  const Followed followed = follow(server, trusting(ours()));
  EXPECT_EQ(followed.end.kind, Kind::Closed);
  EXPECT_TRUE(followed.end.mid_message);
  EXPECT_THAT(followed.frames, ElementsAre("a"));
}

TEST(FeedOverTls, KnowsThatTheConnectionWasReset) {
  const FakeKumod server({upgrade_then({send_text("a"), reset_connection()})}, serving(ours()));
  EXPECT_EQ(follow(server, trusting(ours())).end.kind, Kind::Reset);
}

// ---- other trouble ----

// What `answer` is told as when it comes instead of TLS.
Followed answered(std::vector<Step> steps) {
  Dialogue dialogue;
  dialogue.kind = Dialogue::Answer::None;
  dialogue.steps = std::move(steps);
  const FakeKumod server({dialogue});
  return follow(options_for(url_of(server, "https", "127.0.0.1"), trusting(ours())));
}

TEST(FeedOverTls, IsNotSpokenWithTls11) {
  TlsServerSettings settings = serving(ours());
  settings.only_old = true;
  const FakeKumod server({upgrade_then({})}, settings);
  const Followed followed = follow(server, trusting(ours()));
  EXPECT_EQ(followed.end.kind, Kind::TlsFailed);
  EXPECT_THAT(followed.told, HasSubstr("protocol version"));
}

TEST(FeedOverTls, IsSpokenWithTls12) {
  TlsServerSettings settings = serving(ours());
  settings.only_12 = true;
  const FakeKumod server({upgrade_then({send_text("a")})}, settings);
  EXPECT_THAT(follow(server, trusting(ours())).frames, ElementsAre("a"));
  EXPECT_THAT(server.tls_greeting(), StartsWith("TLSv1.2 "));
}

TEST(FeedOverTls, KnowsAServerThatSpeaksSomethingElse) {
  for (const std::string answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "220 mta ESMTP\r\n", "x"}) {
    const Followed followed = answered({send_bytes(answer)});
    EXPECT_EQ(followed.end.kind, Kind::TlsNotSpoken) << answer;
    EXPECT_THAT(followed.told, EndsWith("does not speak TLS; use http://"));
  }
}

TEST(FeedOverTls, KnowsGarbageThatBeginsLikeTls) {
  const Followed followed =
      answered({send_bytes(std::string("\x16\x03\x03\x00\x20", 5) + std::string(32, 'x'))});
  EXPECT_EQ(followed.end.kind, Kind::TlsFailed) << followed.told;
  const Followed huge = answered({send_bytes("\x16\x03\x03\xff\xff" + std::string(70'000, 'x'))});
  EXPECT_EQ(huge.end.kind, Kind::TlsFailed) << huge.told;
}

TEST(FeedOverTls, HasAHintForAServerThatSaysNothingAndCloses) {
  const Followed followed = answered({});
  EXPECT_EQ(followed.end.kind, Kind::Closed);
  EXPECT_THAT(followed.told, EndsWith("is TLS spoken there? if not: http://"));
}

TEST(FeedOverTls, IsRecognisedWhereItWasNotAskedFor) {
  const FakeKumod alerting({answer_with(std::string("\x15\x03\x03\x00\x02\x02\x32", 7))});
  const Followed alerted = follow(options_for(alerting.url()));
  EXPECT_EQ(alerted.end.kind, Kind::TlsExpected);
  EXPECT_THAT(alerted.told, EndsWith("speaks TLS; use https://"));
  // OpenSSL's own servers say nothing.
  const FakeKumod silent({upgrade_then({})}, serving(ours()));
  const Followed closed = follow(options_for(url_of(silent, "http", "127.0.0.1")));
  EXPECT_THAT(closed.told, EndsWith("is TLS spoken there? then: https://"));
}

TEST(FeedOverTls, WaitsForTheGreetingNoLongerThanTold) {
  Dialogue silence;
  silence.kind = Dialogue::Answer::None;
  silence.steps = {stay_silent()};
  Dialogue half = silence;
  half.steps = {send_bytes("\x16\x03"), stay_silent()};
  for (const Dialogue& dialogue : {silence, half}) {
    const FakeKumod server({dialogue});
    FeedOptions options = options_for(url_of(server, "https", "127.0.0.1"));
    options.connect_within = milliseconds(50);
    const Followed followed = follow(options);
    EXPECT_EQ(followed.end.kind, Kind::TimedOut) << followed.told;
  }
}

TEST(FeedOverTls, WaitsForAnAnswerNoLongerThanTold) {
  const FakeKumod server({answer_with("", {stay_silent()})}, serving(ours()));
  FeedOptions options = options_for(server.url(), trusting(ours()));
  options.connect_within = milliseconds(500);
  EXPECT_EQ(follow(options).end.kind, Kind::TimedOut);
}

// ---- stopping ----

// Runs a client on a thread of its own.
class Running {
 public:
  explicit Running(FeedOptions options) : client_(context_.get_executor(), std::move(options)) {
    boost::asio::co_spawn(context_, client_.run(sink_), [this](std::exception_ptr, FeedEnd end) {
      result_ = std::move(end);
    });
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Running() { join(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // How it ended, and that it ended soon.
  Kind stop() {
    const auto before = steady_clock::now();
    join();
    EXPECT_LT(steady_clock::now() - before, milliseconds(1000));
    return result_.value().kind;
  }

 private:
  void join() {
    client_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Collector sink_;
  boost::asio::io_context context_;
  FeedClient client_;
  std::optional<FeedEnd> result_;
  std::thread thread_;
};

TEST(FeedOverTls, StopsAtOnceDuringTheGreeting) {
  // The bytes that the client sends are taken as a request, which they aren't: then it is known
  // that they have come.
  const FakeKumod server({answer_with("", {stay_silent()})});
  Running running(options_for(url_of(server, "https", "127.0.0.1")));
  static_cast<void>(server.head());
  EXPECT_EQ(running.stop(), Kind::Stopped);
}

TEST(FeedOverTls, StopsAtOnceWhileTheFeedIsSilent) {
  const FakeKumod server({upgrade_then({stay_silent()})}, serving(ours()));
  Running running(options_for(server.url(), trusting(ours())));
  static_cast<void>(server.frame(0));
  EXPECT_EQ(running.stop(), Kind::Stopped);
}

TEST(FeedOverTls, StopsWhileEventsPourIn) {
  std::string bytes;
  for (int i = 0; i < 50'000; ++i)
    bytes += send_text(std::string(500, 'x')).bytes;
  const FakeKumod server({upgrade_then({send_bytes(bytes), send_bytes(bytes), stay_silent()})},
                         serving(ours()));
  Running running(options_for(server.url(), trusting(ours())));
  static_cast<void>(server.frame(0));
  EXPECT_EQ(running.stop(), Kind::Stopped);
}

}  // namespace
}  // namespace smtptape
