// One end of TLS without a network: what can still be read when the peer has gone.
#include "base/net/tls_session.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include "base/io.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_server.h"

namespace smtptape {
namespace {

using Next = TlsSession::Step::Next;

constexpr int kPatienceMilliseconds = 10'000;

void await(int socket, short events) {
  pollfd wait{socket, events, 0};
  if (::poll(&wait, 1, kPatienceMilliseconds) != 1) throw std::runtime_error("nothing happens");
}

class TlsSessionTest : public ::testing::Test {
 protected:
  TlsSessionTest() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) throw std::runtime_error("pair");
    ours_ = UniqueFd(ends[0]);
    theirs_ = UniqueFd(ends[1]);
    settings_.identity = identity_;
  }

  // Shakes hands with a server that then does `work`, and goes; returns when it has gone.
  void shake_hands_with(const std::function<void(TlsPeer&)>& work) {
    const TlsSession::Step step = shake_hands(trusting(identity_), "localhost", work);
    ASSERT_EQ(step.next, Next::Done) << step.error.message() << session_->trouble().why;
  }

  static TlsSettings trusting(const Identity& identity) {
    TlsSettings settings;
    settings.trusted = PemText{"ca.pem", identity.certificate};
    return settings;
  }

  TlsSession::Step shake_hands(const TlsSettings& settings,
                               const std::string& host,
                               const std::function<void(TlsPeer&)>& work) {
    session_.emplace(std::make_shared<const TlsContext>(settings), host, ours_.get());
    std::thread server([&] {
      const TlsServer tls(settings_);
      const int socket = theirs_.get();
      TlsPeer peer(tls, socket, [socket](short events) { await(socket, events); });
      if (peer.shake_hands()) work(peer);
      theirs_.reset();
    });
    TlsSession::Step step = session_->shake_hands();
    while (step.next == Next::WaitToRead || step.next == Next::WaitToWrite) {
      await(ours_.get(), step.next == Next::WaitToRead ? POLLIN : POLLOUT);
      step = session_->shake_hands();
    }
    if (step.next == Next::Failed) ours_.reset();
    server.join();
    return step;
  }

  Identity identity_ = self_signed();
  TlsServerSettings settings_;
  UniqueFd ours_;
  UniqueFd theirs_;
  std::optional<TlsSession> session_;
};

TEST_F(TlsSessionTest, ReadsWhatCameAlthoughThePeerTakesNothingAnyMore) {
  shake_hands_with([](TlsPeer& peer) {
    EXPECT_TRUE(peer.write("what came "));
    EXPECT_TRUE(peer.write("before"));
  });
  const TlsSession::Step sent = session_->write("too late");
  EXPECT_EQ(sent.next, Next::Failed);
  EXPECT_EQ(sent.error, boost::asio::error::broken_pipe);
  std::array<char, 100> buffer{};
  const TlsSession::Step got = session_->read(buffer);
  EXPECT_EQ(std::string(buffer.data(), got.size), "what came before");
  EXPECT_EQ(session_->read(buffer).error, boost::asio::error::eof);
  EXPECT_EQ(session_->read(buffer).error, boost::asio::error::eof);
}

TEST_F(TlsSessionTest, SaysWhyThePeerTakesNothing) {
  settings_.client_ca = identity_.certificate;
  shake_hands_with([](TlsPeer&) { ADD_FAILURE() << "it needs a certificate of ours"; });
  const TlsSession::Step sent = session_->write("GET");
  EXPECT_EQ(sent.next, Next::Failed);
  EXPECT_EQ(sent.error, make_error_code(TlsErrc::Failed)) << sent.error.message();
  EXPECT_TRUE(session_->trouble().certificate_missing);
  EXPECT_EQ(session_->trouble().why, "tlsv13 alert certificate required");
}

// Of a server with a certificate for these names, whom we take for `host`.
class TlsNames : public TlsSessionTest {
 protected:
  bool is_accepted(const std::string& names, const std::string& host) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) throw std::runtime_error("pair");
    ours_ = UniqueFd(ends[0]);
    theirs_ = UniqueFd(ends[1]);
    CertificateWish wish;
    wish.names = names;
    settings_.identity = self_signed(wish);
    return shake_hands(trusting(settings_.identity), host, [](TlsPeer&) {}).next == Next::Done;
  }
};

TEST_F(TlsNames, AWildcardIsAWholeLabel) {
  EXPECT_TRUE(is_accepted("DNS:foo.kumo.example", "foo.kumo.example"));
  EXPECT_TRUE(is_accepted("DNS:*.kumo.example", "foo.kumo.example"));
  EXPECT_FALSE(is_accepted("DNS:f*.kumo.example", "foo.kumo.example"));
  EXPECT_FALSE(is_accepted("DNS:*o.kumo.example", "foo.kumo.example"));
  EXPECT_FALSE(is_accepted("DNS:f*o.kumo.example", "foo.kumo.example"));
  EXPECT_FALSE(is_accepted("DNS:*.kumo.example", "a.foo.kumo.example"));
  EXPECT_FALSE(is_accepted("DNS:*.kumo.example", "kumo.example"));
}

// What OpenSSL takes for the system's authorities while this is there.
class SystemAuthority {
 public:
  explicit SystemAuthority(const Identity& identity) {
    testing::write_file(directory_ / "ca.pem", identity.certificate);
    ::setenv("SSL_CERT_FILE", (directory_ / "ca.pem").c_str(), 1);
  }
  ~SystemAuthority() { ::unsetenv("SSL_CERT_FILE"); }
  SystemAuthority(const SystemAuthority&) = delete;
  SystemAuthority& operator=(const SystemAuthority&) = delete;

 private:
  TemporaryDirectory directory_;
};

TEST_F(TlsSessionTest, TheSystemsAuthoritiesAreTrustedByDefault) {
  const SystemAuthority system(identity_);
  EXPECT_EQ(shake_hands({}, "localhost", [](TlsPeer&) {}).next, Next::Done);
}

TEST_F(TlsSessionTest, GivenOthersTheyAreNot) {
  const SystemAuthority system(identity_);
  const TlsSession::Step step = shake_hands(
      trusting(self_signed()), "localhost", [](TlsPeer&) { ADD_FAILURE() << "it is a stranger"; });
  EXPECT_EQ(step.next, Next::Failed);
}

}  // namespace
}  // namespace smtptape
