#include "base/net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/net/handshake.h"
#include "tests/support/fake_kumod.h"

namespace smtptape {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::IsEmpty;
using testing::StartsWith;

constexpr milliseconds kPatience{10'000};

// Runs two coroutines against each other on one context: a client and an accepted server.
class LoopbackTest : public testing::Test {
 protected:
  LoopbackTest() : acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // Both are connected, with a deadline of ten seconds.
  void connect() {
    client_.emplace(context_.get_executor());
    run(client_->connect("127.0.0.1", port(), kPatience));
    server_.emplace(acceptor_.accept());
    server_->expires_after(kPatience);
  }

  template <class Result>
  void start(asio::awaitable<Result> work, std::optional<Result>& into) {
    asio::co_spawn(context_, std::move(work), [&into](std::exception_ptr failure, Result result) {
      if (failure) std::rethrow_exception(failure);
      into = std::move(result);
    });
  }

  void run() {
    context_.restart();
    context_.run();
  }

  // Runs until this one is done, whatever else is pending.
  template <class Result>
  Result run(asio::awaitable<Result> work) {
    std::optional<Result> result;
    start(std::move(work), result);
    context_.restart();
    while (!result && context_.run_one() > 0) {
    }
    return std::move(result).value();
  }

  void finish(Connection& connection) {
    asio::co_spawn(context_, connection.finish(kPatience), [](std::exception_ptr) {});
  }

  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  std::optional<Connection> client_;
  std::optional<Connection> server_;
};

asio::awaitable<std::string> read_until_end(Connection& connection) {
  std::string all;
  std::array<char, 1000> buffer{};
  Transfer got;
  while (!got.error) {
    got = co_await connection.read_some(buffer);
    all.append(buffer.data(), got.size);
  }
  co_return all + " [" + got.error.message() + "]";
}

TEST_F(LoopbackTest, CarriesBytesBothWays) {
  connect();
  const std::string large(5'000'000, 'x');
  std::optional<Transfer> sent;
  start(server_->write(large), sent);
  std::string got;
  std::array<char, 65536> buffer{};
  while (got.size() < large.size()) {
    const Transfer part = run(client_->read_some(buffer));
    ASSERT_FALSE(part.error);
    got.append(buffer.data(), part.size);
  }
  EXPECT_EQ(got, large);
  EXPECT_EQ(client_->write_now("small"), 5U);
  const Transfer small = run(server_->read_some(buffer));
  EXPECT_EQ(std::string_view(buffer.data(), small.size), "small");
}

TEST_F(LoopbackTest, LosesNothingWhenItFinishesBeforeThePeerWasRead) {
  connect();
  ASSERT_GT(client_->write_now("never read by the server before it finishes"), 0U);
  const Transfer sent = run(server_->write("the tail"));
  ASSERT_FALSE(sent.error);
  finish(*server_);
  EXPECT_EQ(run(read_until_end(*client_)), "the tail [End of file]");
}

TEST_F(LoopbackTest, EndsAWaitAtItsDeadline) {
  connect();
  std::array<char, 10> buffer{};
  client_->expires_after(milliseconds(1));
  EXPECT_EQ(run(client_->read_some(buffer)).error, asio::error::timed_out);
  EXPECT_EQ(run(client_->read_some(buffer)).error, asio::error::timed_out);
  client_->expires_after(kPatience);
  ASSERT_EQ(server_->write_now("again"), 5U);
  EXPECT_EQ(run(client_->read_some(buffer)).size, 5U);
}

TEST_F(LoopbackTest, WaitsForEverWhenToldSo) {
  connect();
  client_->expires_after(milliseconds(1));
  client_->expires_never();
  std::array<char, 10> buffer{};
  std::optional<Transfer> got;
  start(client_->read_some(buffer), got);
  context_.restart();
  context_.run_for(milliseconds(20));
  EXPECT_FALSE(got);
  ASSERT_EQ(server_->write_now("x"), 1U);
  context_.restart();
  while (!got && context_.run_one() > 0) {
  }
  EXPECT_EQ(got->size, 1U);
}

TEST_F(LoopbackTest, StopsForGood) {
  connect();
  std::array<char, 10> buffer{};
  std::optional<Transfer> got;
  start(client_->read_some(buffer), got);
  context_.restart();
  context_.poll();
  EXPECT_FALSE(got);
  client_->stop();
  context_.restart();
  while (!got && context_.run_one() > 0) {
  }
  EXPECT_EQ(got->error, asio::error::operation_aborted);
  EXPECT_EQ(run(client_->write("x")).error, asio::error::operation_aborted);
  EXPECT_EQ(run(client_->connect("127.0.0.1", port(), kPatience)).error,
            asio::error::operation_aborted);
}

// Nobody answers: the queue of a listener that never accepts is full, so that the kernel drops
// what comes.
TEST_F(LoopbackTest, GivesUpAConnectionThatNobodyAnswers) {
  tcp::acceptor full(context_);
  full.open(tcp::v4());
  full.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  full.listen(0);
  Connection first(context_.get_executor());
  Connection second(context_.get_executor());
  const std::uint16_t full_port = full.local_endpoint().port();
  static_cast<void>(run(first.connect("127.0.0.1", full_port, milliseconds(100))));
  static_cast<void>(run(second.connect("127.0.0.1", full_port, milliseconds(100))));
  Connection third(context_.get_executor());
  const ConnectOutcome outcome = run(third.connect("127.0.0.1", full_port, milliseconds(100)));
  EXPECT_EQ(outcome.kind, ConnectOutcome::Kind::Failed);
  EXPECT_EQ(outcome.error, asio::error::timed_out);
}

// Between two parts of what is written, when nothing waits that could be cancelled.
TEST_F(LoopbackTest, StopsBetweenTwoPartsOfAWrite) {
  connect();
  server_->expires_never();
  const std::string large(50'000'000, 'x');  // nobody reads it
  std::optional<Transfer> sent;
  start(server_->write(large), sent);
  asio::post(context_, [this] { server_->stop(); });
  context_.restart();
  while (!sent && context_.run_one_for(kPatience) > 0) {
  }
  ASSERT_TRUE(sent) << "it waits for a reader";
  EXPECT_EQ(sent->error, asio::error::operation_aborted);
  EXPECT_GT(sent->size, 0U);
}

TEST_F(LoopbackTest, StopsWhileANameIsLookedUp) {
  Connection connection(context_.get_executor());
  std::optional<ConnectOutcome> outcome;
  start(connection.connect("no-such-host.invalid", 80, kPatience), outcome);
  context_.restart();
  context_.poll();
  connection.stop();
  const auto before = steady_clock::now();
  while (!outcome && context_.run_one() > 0) {
  }
  EXPECT_LT(steady_clock::now() - before, milliseconds(500));
  ASSERT_TRUE(outcome);
  EXPECT_NE(outcome->kind, ConnectOutcome::Kind::Connected);
}

enum class Of : bool { Client, Accepted };

// Of the connection to this port.
std::optional<int> option_of(Of end, std::uint16_t server_port, int option) {
  constexpr int kMostDescriptors = 1024;
  for (int socket = 0; socket < kMostDescriptors; ++socket) {
    sockaddr_in own{};
    sockaddr_in peer{};
    socklen_t own_size = sizeof own;
    socklen_t peer_size = sizeof peer;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) continue;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) continue;
    if (ntohs(end == Of::Client ? peer.sin_port : own.sin_port) != server_port) continue;
    int value = -1;
    socklen_t size = sizeof value;
    const int level = option == SO_KEEPALIVE ? SOL_SOCKET : IPPROTO_TCP;
    if (::getsockopt(socket, level, option, &value, &size) == 0) return value;
  }
  return std::nullopt;
}

TEST_F(LoopbackTest, NoticesInHalfAMinuteThatThePeerHasVanished) {
  connect();
  for (const Of end : {Of::Client, Of::Accepted}) {
    EXPECT_EQ(option_of(end, port(), SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of(end, port(), TCP_KEEPIDLE), 15);
    EXPECT_EQ(option_of(end, port(), TCP_KEEPINTVL), 5);
    EXPECT_EQ(option_of(end, port(), TCP_KEEPCNT), 3);
  }
  EXPECT_EQ(option_of(Of::Client, port(), TCP_USER_TIMEOUT), 30'000);
  EXPECT_EQ(option_of(Of::Accepted, port(), TCP_USER_TIMEOUT), 0);  // it may read slowly
}

TEST(ConnectShare, DividesTheTimeThatIsLeft) {
  EXPECT_EQ(connect_share(milliseconds(10'000), 1), milliseconds(10'000));
  EXPECT_EQ(connect_share(milliseconds(10'000), 4), milliseconds(2'500));
  EXPECT_EQ(connect_share(milliseconds(0), 3), milliseconds(0));
  EXPECT_EQ(connect_share(milliseconds(-5), 3), milliseconds(0));
}

// ---- TLS ----

asio::awaitable<int> count_single_bytes(Connection& connection, int& count) {
  Transfer got;
  while (!got.error) {
    char byte = 0;
    const std::span<char> one(&byte, 1);
    got = co_await connection.read_some(one);
    count += static_cast<int>(got.size);
  }
  co_return count;
}

// A record is decrypted at once.  To read it takes as many turns as it takes calls, so that whoever
// wants to stop gets a turn, too.
TEST_F(LoopbackTest, LetsOthersTakeTheirTurnWhileTlsHasMore) {
  Dialogue dialogue;
  dialogue.kind = Dialogue::Answer::None;
  dialogue.steps = {send_bytes(std::string(10'000, 'x')), stay_silent()};
  TlsServerSettings settings;
  settings.identity = self_signed();
  const FakeKumod server({dialogue}, settings);
  TlsSettings trusting;
  trusting.trusted = PemText{"ca.pem", settings.identity.certificate};
  client_.emplace(context_.get_executor());
  run(client_->connect("127.0.0.1", server.port(), kPatience));
  const Transfer begun =
      run(client_->start_tls(std::make_shared<const TlsContext>(trusting), "127.0.0.1"));
  ASSERT_FALSE(begun.error) << client_->tls_trouble().why;

  int count = 0;
  std::optional<int> all;
  start(count_single_bytes(*client_, count), all);
  context_.restart();
  while (count == 0 && context_.run_one() > 0) {
  }
  EXPECT_LT(count, 10);
  client_->stop();
  while (!all && context_.run_one() > 0) {
  }
  EXPECT_LT(all.value_or(10'000), 20);
}

// ---- handshakes ----

TEST_F(LoopbackTest, ShakesHandsWithItself) {
  connect();
  std::optional<ServerHandshake> server;
  start(upgrade_as_server(*server_, "/path"), server);
  const ClientHandshake client = run(upgrade_as_client(*client_, "mta:8000", "/path"));
  EXPECT_FALSE(client.error);
  EXPECT_EQ(client.answer.kind, UpgradeAnswer::Kind::Accepted);
  EXPECT_THAT(client.rest, IsEmpty());
  ASSERT_TRUE(server);
  EXPECT_EQ(server->status, 101U);
}

TEST_F(LoopbackTest, TellsTheClientWhatTheServerRefused) {
  connect();
  std::optional<ServerHandshake> server;
  start(upgrade_as_server(*server_, "/path"), server);
  const ClientHandshake client = run(upgrade_as_client(*client_, "mta:8000", "/other"));
  EXPECT_EQ(client.answer.kind, UpgradeAnswer::Kind::Refused);
  EXPECT_EQ(client.answer.status, 404U);
}

TEST_F(LoopbackTest, KeepsTheFramesThatComeWithTheRequest) {
  connect();
  ASSERT_GT(client_->write_now(upgrade_request("mta", "/path", "a2V5") + "frames"), 0U);
  const ServerHandshake server = run(upgrade_as_server(*server_, "/path"));
  EXPECT_EQ(server.status, 101U);
  EXPECT_EQ(server.rest, "frames");
}

TEST_F(LoopbackTest, DoesNotWaitForARequestThatNeverComes) {
  connect();
  server_->expires_after(milliseconds(1));
  const ServerHandshake server = run(upgrade_as_server(*server_, "/path"));
  EXPECT_EQ(server.error, asio::error::timed_out);
  EXPECT_EQ(server.status, 0U);
}

TEST_F(LoopbackTest, TakesTheStatusOfARefusalWhoseBodyNeverEnds) {
  connect();
  ASSERT_GT(server_->write_now("HTTP/1.1 403 Forbidden\r\n\r\nbecause"), 0U);
  client_->expires_after(milliseconds(100));
  const ClientHandshake client = run(upgrade_as_client(*client_, "mta", "/path"));
  EXPECT_EQ(client.answer.status, 403U);
  EXPECT_EQ(client.answer.reason, "because");
}

TEST(RandomMask, IsNotAlwaysTheSame) {
  const WsMask first = random_mask();
  EXPECT_TRUE(random_mask() != first || random_mask() != first);
}

}  // namespace
}  // namespace smtptape
