// Orders over a real socket: from our own client, and from one that sends what it likes.
#include "capture/watch/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/watch/control_client.h"
#include "capture/watch/status_json.h"
#include "tests/capture/feed/context_thread.h"
#include "tests/capture/watch/example_status.h"
#include "tests/support/program.h"

namespace smtptape {
namespace {

using std::chrono::milliseconds;
using testing::BareClient;
using testing::example_status;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Orders, AreOneMember) {
  EXPECT_EQ(parse_order("{\"do\":\"status\"}\n"), Order::Status);
  EXPECT_EQ(parse_order("{\"do\":\"rotate\"}\r\n"), Order::Rotate);
  EXPECT_EQ(parse_order(" { \"do\" : \"flush\" } "), Order::Flush);
  for (const std::string& line : {std::string("\n"),
                                  std::string("{}\n"),
                                  std::string("status\n"),
                                  std::string("{\"do\":1}\n"),
                                  std::string("{\"do\":\"dance\"}\n"),
                                  std::string("{\"do\":\"flush\",\"now\":true}\n"),
                                  std::string("{\"do\":\"flush\"}}\n"),
                                  std::string("{\"do\":\"flush\"\n"),
                                  std::string("[\"flush\"]\n"),
                                  std::string("\0\0\n", 3),
                                  std::string("{\"do\":\"fl\xff\"}\n")}) {
    EXPECT_NE(error_of([&] { static_cast<void>(parse_order(line)); }), "") << line;
  }
}

TEST(Orders, ComeFromNoBrowser) {
  for (const std::string line : {"GET / HTTP/1.1\r\n",
                                 "POST /{\"do\":\"flush\"} HTTP/1.1\r\n",
                                 "{\"do\":\"flush\"} HTTP/1.0\n"})
    EXPECT_THAT(error_of([&] { static_cast<void>(parse_order(line)); }), HasSubstr("this is HTTP"));
}

class ControlTest : public ::testing::Test {
 protected:
  ControlTest() {
    handlers_.status = [] { return example_status(); };
    handlers_.rotate = [](const OrderDone& done) { done(""); };
    handlers_.flush = [](const OrderDone& done) { done(""); };
  }
  ~ControlTest() override {
    if (!server_) return;
    stop();
    EXPECT_TRUE(thread_.ends()) << "a task is left";
    thread_.finish();
    server_.reset();
  }
  void start() {
    server_.emplace(thread_.context().get_executor(), path_, handlers_, limits_);
    thread_.start();
  }
  void stop() {
    thread_.post([this] { server_->stop(); });
  }
  [[nodiscard]] BareClient client() const {
    const sockaddr_un address = unix_address(path_);
    return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
  }
  [[nodiscard]] std::string tell(std::string_view line) const {
    BareClient peer = client();
    peer.send(line);
    return peer.read_all();
  }

  TemporaryDirectory directory_;
  std::string path_ = control_path(directory_.path()).string();
  ControlHandlers handlers_;
  ControlServerLimits limits_;
  testing::ContextThread thread_;
  std::optional<ControlServer> server_;
};

TEST_F(ControlTest, AnswersWithTheStatus) {
  start();
  EXPECT_EQ(ask_recorder(path_, Order::Status), status_json(example_status()));
  EXPECT_EQ(tell("{\"do\":\"status\"}\n"), status_json(example_status()) + "\n");
}

// As a writer thread does it.
TEST_F(ControlTest, OrdersMayBeDoneOnAnotherThread) {
  std::vector<std::thread> writers;
  std::atomic<int> flushes = 0;
  handlers_.flush = [&](OrderDone done) {
    writers.emplace_back([&flushes, done = std::move(done)] {
      ++flushes;
      done("");
    });
  };
  start();
  EXPECT_TRUE(order_recorder(path_, Order::Flush));
  EXPECT_EQ(flushes, 1);
  EXPECT_TRUE(order_recorder(path_, Order::Rotate));
  EXPECT_EQ(tell("{\"do\":\"flush\"}\n"),
            "{\"schema\":\"smtptape.control/1\",\"done\":\"flush\"}\n");
  for (std::thread& writer : writers)
    writer.join();
}

TEST_F(ControlTest, SaysWhyAnOrderFailed) {
  handlers_.rotate = [](const OrderDone& done) { done("the disk is\nfull"); };
  handlers_.status = []() -> RecorderStatus { throw std::runtime_error("it broke"); };
  start();
  EXPECT_EQ(error_of([&] { static_cast<void>(order_recorder(path_, Order::Rotate)); }),
            "asking the recorder at " + path_ + ": the disk is full");
  EXPECT_THAT(tell("{\"do\":\"status\"}\n"), HasSubstr("\"error\":\"it broke\""));
}

TEST_F(ControlTest, DoesNotWaitForEverForAnOrder) {
  limits_.answer_within = milliseconds(50);
  OrderDone late;
  handlers_.flush = [&](OrderDone done) { late = std::move(done); };
  start();
  EXPECT_THAT(error_of([&] { static_cast<void>(order_recorder(path_, Order::Flush)); }),
              HasSubstr("not done within"));
  late("");  // nobody waits any more
  EXPECT_TRUE(order_recorder(path_, Order::Rotate));
}

TEST_F(ControlTest, OnlyTheFirstAnswerCounts) {
  handlers_.flush = [](const OrderDone& done) {
    done("");
    done("again");
  };
  start();
  EXPECT_TRUE(order_recorder(path_, Order::Flush));
}

TEST_F(ControlTest, GarbageIsAnsweredWithAnError) {
  start();
  for (const std::string& line : {std::string("hello\n"),
                                  std::string("\n"),
                                  std::string("GET / HTTP/1.1\r\n"),
                                  std::string("{\"do\":\"\x01\"}\n"),
                                  std::string("\xff\xfe\n")}) {
    EXPECT_THAT(tell(line), StartsWith("{\"schema\":\"smtptape.control/1\",\"error\":\"")) << line;
  }
  EXPECT_THAT(tell(std::string(kMostControlRequest, 'x') + "\n"), HasSubstr("over the limit"));
  EXPECT_THAT(tell(std::string(kMostControlRequest - 1, ' ') + "\n"), HasSubstr("not one JSON"));
  BareClient half = client();
  half.send("{\"do\":\"rotate\"}");
  half.end();
  EXPECT_EQ(half.read_all(), "");
}

TEST_F(ControlTest, DoesNotWaitForTheSlow) {
  limits_.request_within = milliseconds(50);
  start();
  EXPECT_THAT(tell("{\"do\":"), HasSubstr("no line came in time"));
}

TEST_F(ControlTest, IsOursAloneAndGoneAfterwards) {
  const mode_t before = ::umask(0);
  start();
  ::umask(before);
  struct stat made {};
  ASSERT_EQ(::lstat(path_.c_str(), &made), 0);
  EXPECT_EQ(made.st_mode, S_IFSOCK | S_IRUSR | S_IWUSR);
  stop();
  EXPECT_TRUE(thread_.ends());
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(ask_recorder(path_, Order::Status), std::nullopt);
}

TEST_F(ControlTest, TakesThePlaceOfADeadOne) {
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    const sockaddr_un address = unix_address(path_);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_FALSE(somebody_listens(path_));
  EXPECT_EQ(ask_recorder(path_, Order::Status), std::nullopt);
  start();
  EXPECT_TRUE(order_recorder(path_, Order::Flush));
}

TEST_F(ControlTest, LeavesALiveOneAlone) {
  start();
  EXPECT_EQ(error_of([&] { const ControlSocket second(path_); }),
            path_ + ": another recorder answers there already");
  EXPECT_TRUE(order_recorder(path_, Order::Flush));
}

TEST_F(ControlTest, LeavesAloneWhatIsNoSocket) {
  testing::write_file(path_, "precious");
  EXPECT_THAT(error_of([&] { const ControlSocket socket(path_); }), HasSubstr("no socket"));
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ControlTest, RemovesOnlyItsOwn) {
  start();
  std::filesystem::remove(path_);
  testing::write_file(path_, "somebody else's");
  stop();
  EXPECT_TRUE(thread_.ends());
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ControlTest, APathTooLongForASocketIsNamed) {
  const std::string directory = directory_.path().string() + "/";
  const std::string longest = directory + std::string(107 - directory.size(), 'x');
  EXPECT_EQ(error_of([&] { const ControlSocket socket(longest); }), "");
  EXPECT_THAT(error_of([&] { const ControlSocket socket(longest + "x"); }),
              HasSubstr("at most 107 bytes, this one has 108"));
  EXPECT_THAT(error_of([&] { static_cast<void>(ask_recorder(longest + "x", Order::Status)); }),
              HasSubstr("at most 107 bytes"));
}

TEST_F(ControlTest, ADirectoryThatIsNotThereIsNamed) {
  const std::string path = directory_ / "none/smtptape.sock";
  EXPECT_THAT(error_of([&] { const ControlSocket socket(path); }), HasSubstr("none"));
  EXPECT_EQ(ask_recorder(path, Order::Status), std::nullopt);
}

// A recorder that answers as a test wants it.
std::string error_at(const std::string& path, const std::string& answer) {
  ControlSocket socket(path);
  const UniqueFd listening = socket.take();
  auto recorder = std::async(std::launch::async, [&] {
    pollfd waits{listening.get(), POLLIN, 0};
    ::poll(&waits, 1, static_cast<int>(milliseconds(testing::kPatience).count()));
    const UniqueFd peer(::accept(listening.get(), nullptr, nullptr));
    std::array<char, 100> request{};
    [[maybe_unused]] const ssize_t got = ::recv(peer.get(), request.data(), request.size(), 0);
    [[maybe_unused]] const ssize_t sent =
        ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  return error_of([&] { static_cast<void>(order_recorder(path, Order::Flush)); });
}

TEST_F(ControlTest, TheClientBelievesNoAnswerThatSaysNothing) {
  EXPECT_THAT(error_at(path_, ""), HasSubstr("it ended without an answer"));
  EXPECT_THAT(error_at(path_, "{\"done\":\"flush\"}"), HasSubstr("it ended without an answer"));
  EXPECT_THAT(error_at(path_, "{}\n"), HasSubstr("does not say that it was done"));
  EXPECT_THAT(error_at(path_, "{\"done\":\"rotate\"}\n"), HasSubstr("does not say"));
  EXPECT_THAT(error_at(path_, "done\n"), HasSubstr("not JSON"));
  EXPECT_THAT(error_at(path_, "\xff\n"), HasSubstr("not UTF-8"));
  EXPECT_THAT(error_at(path_, std::string(kMostControlAnswer + 1, 'x')), HasSubstr("no end"));
  EXPECT_EQ(error_at(path_, "{\"done\":\"flush\"}\n"), "");
}

TEST_F(ControlTest, TheClientDoesNotWaitForEver) {
  ControlSocket socket(path_);  // nobody accepts
  const UniqueFd listening = socket.take();
  EXPECT_THAT(
      error_of([&] { static_cast<void>(ask_recorder(path_, Order::Status, milliseconds(30))); }),
      HasSubstr("no answer in time"));
}

}  // namespace
}  // namespace smtptape
