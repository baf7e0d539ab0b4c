// Over real sockets, with clients that are polite, rude, slow and many.
#include "capture/watch/status_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>

#include <ctime>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/watch/metrics.h"
#include "tests/capture/feed/context_thread.h"
#include "tests/capture/watch/example_status.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;
using testing::BareClient;
using ::testing::EndsWith;
using testing::example_status;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::troubled_status;

constexpr std::string_view kGetMetrics = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

class StatusServerTest : public ::testing::Test {
 protected:
  void start() {
    server_.emplace(thread_.context().get_executor(),
                    parse_listen_address("127.0.0.1:0", "--metrics"),
                    provider_,
                    limits_);
    thread_.start();
  }
  ~StatusServerTest() override {
    if (!server_) return;
    stop();
    EXPECT_TRUE(thread_.ends()) << "a task is left";
    thread_.finish();
    server_.reset();
  }
  void stop() {
    thread_.post([this] { server_->stop(); });
  }

  [[nodiscard]] BareClient client() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->port());
    return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
  }
  [[nodiscard]] std::string ask(std::string_view request) const {
    BareClient peer = client();
    peer.send(request);
    return peer.read_all();
  }
  [[nodiscard]] std::string get(const std::string& path) const {
    return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  StatusProvider provider_ = [] { return example_status(); };
  StatusServerLimits limits_;
  testing::ContextThread thread_;
  std::optional<StatusServer> server_;
};

TEST_F(StatusServerTest, GivesMetrics) {
  start();
  const std::string answer = get("/metrics");
  const std::string body = metrics_text(example_status());
  EXPECT_EQ(answer,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"
            "content-length: " +
                std::to_string(body.size()) +
                "\r\ncache-control: no-store\r\nconnection: close\r\n\r\n" + body);
  EXPECT_EQ(get("/metrics?x=1"), answer);
}

TEST_F(StatusServerTest, HeadHasNoBody) {
  start();
  const std::string head = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_THAT(
      head, HasSubstr("content-length: " + std::to_string(metrics_text(example_status()).size())));
}

TEST_F(StatusServerTest, IsHealthyAndReady) {
  start();
  EXPECT_THAT(get("/healthz"), EndsWith("\r\n\r\nok\n"));
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StatusServerTest, SaysWhichSourceIsNotReadyAndWhy) {
  provider_ = [] { return troubled_status(); };
  start();
  const std::string answer = get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer,
              EndsWith("\r\n\r\nmta2: not connected (connecting to 10.0.0.2:8000: no route)\n"
                       "mta3: not writing (No space left on device)\n"));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StatusServerTest, RefusesWhatItDoesNotHave) {
  start();
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(get("/metrics/"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  const std::string post = ask("POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(post, HasSubstr("\r\nallow: GET, HEAD\r\n"));
}

TEST_F(StatusServerTest, RefusesBrowsers) {
  start();
  for (const std::string path : {"/metrics", "/readyz", "/healthz", "/"}) {
    EXPECT_THAT(ask("GET " + path + " HTTP/1.1\r\nOrigin: https://evil.example\r\n\r\n"),
                StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  }
}

TEST_F(StatusServerTest, TellsATroubleOfTheProvider) {
  provider_ = []() -> RecorderStatus { throw std::runtime_error("it broke\nhere"); };
  start();
  const std::string answer = get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nit broke here\n"));
}

TEST_F(StatusServerTest, RefusesGarbageAndLongHeads) {
  start();
  EXPECT_THAT(ask("\x16\x03\x01\x02garbage\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(ask("GET /metrics\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  const std::string start_line = "GET /healthz HTTP/1.1\r\nX: ";
  const std::string fits(kMaxHttpRequest - start_line.size() - 4, 'x');
  EXPECT_THAT(ask(start_line + fits + "\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask(start_line + fits + "x\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask(std::string(kMaxHttpRequest + 1, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(StatusServerTest, TakesARequestByteByByte) {
  start();
  BareClient peer = client();
  for (const char c : kGetMetrics)
    ASSERT_TRUE(peer.send({&c, 1}));
  EXPECT_THAT(peer.read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StatusServerTest, AnswersNothingToHalfARequest) {
  start();
  BareClient peer = client();
  peer.send(kGetMetrics.substr(0, kGetMetrics.size() - 1));
  peer.end();
  EXPECT_EQ(peer.read_all(), "");
  { const BareClient gone = client(); }
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StatusServerTest, DoesNotWaitForTheSlow) {
  limits_.request_within = milliseconds(50);
  start();
  BareClient peer = client();
  peer.send("GET /me");
  EXPECT_THAT(peer.read_all(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

// However many say nothing: the oldest of them goes, without an answer.
TEST_F(StatusServerTest, AnswersAlthoughOthersSayNothing) {
  limits_.request_within = milliseconds(10'000);
  limits_.most_connections = 2;
  start();
  BareClient oldest = client();
  oldest.send("GET /metr");
  std::vector<BareClient> idle;
  for (int i = 0; i < 200; ++i)
    idle.push_back(client());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(oldest.read_all(), "");
  EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(5'000));
}

TEST_F(StatusServerTest, AnswersAlthoughOthersDoNotTakeTheirs) {
  limits_.most_connections = 2;
  start();
  std::vector<BareClient> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(client());
    silent.back().send(kGetMetrics);
    pollfd answered{silent.back().fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&answered, 1, 2000), 1) << "and never closed";
  }
}

// Lowers the limit of descriptors to those that are open, while it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(next.get());
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_F(StatusServerTest, WithoutDescriptorsItWaitsAndDoesNotSpin) {
  start();
  std::optional<BareClient> peer;
  {
    UniqueFd spare(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    std::optional<NoMoreDescriptors> none(std::in_place);
    spare.reset();  // the client takes this one, and the server finds none
    peer.emplace(client());
    peer->send(kGetMetrics);
    const std::clock_t before = std::clock();
    pollfd waits{peer->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waits, 1, 400), 0);
    EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 5) << "it spins";
  }
  EXPECT_THAT(peer->read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(StatusServerTest, StopEndsWhatIsOpen) {
  start();
  BareClient idle = client();
  idle.send("GET ");
  EXPECT_THAT(get("/healthz"), EndsWith("ok\n"));  // so the other one was accepted before
  stop();
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(thread_.ends());
  EXPECT_THROW(const BareClient late = client(), Error);
}

// As a recorder ends: the context stops with connections open, then the server goes, then the
// context.
TEST(StatusServer, MayGoBeforeItsTasksHaveEnded) {
  std::optional<BareClient> peer;
  testing::ContextThread thread;
  StatusServer server(thread.context().get_executor(),
                      parse_listen_address("127.0.0.1:0", "--metrics"),
                      [] { return example_status(); });
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server.port());
  thread.start();
  BareClient polite(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  peer.emplace(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  peer->send("GET /");
  polite.send(kGetMetrics);
  EXPECT_THAT(polite.read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
  thread.finish();
}

TEST_F(StatusServerTest, SaysWhereItListens) {
  start();
  EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_TRUE(parse_listen_address("[::1]:9925", "--metrics").loopback);
  EXPECT_FALSE(parse_listen_address("0.0.0.0:9925", "--metrics").loopback);
  try {
    static_cast<void>(parse_listen_address("localhost", "--metrics"));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), StartsWith("--metrics localhost: want ADDRESS:PORT"));
  }
}

}  // namespace
}  // namespace smtptape
