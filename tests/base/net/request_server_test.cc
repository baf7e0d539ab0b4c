// A request may come in any pieces, also where its end mark is cut.
#include "base/net/request_server.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.h"

#include <linux/sockios.h>

namespace smtptape {
namespace {

constexpr std::chrono::seconds kPatience{20};

class RequestServerTest : public ::testing::Test {
 protected:
  RequestServerTest() {
    std::strcpy(address_.sun_path, (directory_ / "s").c_str());
    UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(listening.get(), address(), sizeof address_), 0);
    EXPECT_EQ(::listen(listening.get(), 8), 0);
    RequestServerOptions options;
    options.end_mark = "\r\n\r\n";
    options.request_within = kPatience;
    server_ = std::make_unique<RequestServer>(
        context_.get_executor(),
        std::move(listening),
        options,
        [](Request request, const Reply& reply) { reply("got " + request.text); });
    thread_ = std::thread([this] { context_.run_for(3 * kPatience); });
  }
  ~RequestServerTest() override {
    context_.stop();
    thread_.join();
  }
  [[nodiscard]] const sockaddr* address() const {
    return reinterpret_cast<const sockaddr*>(&address_);
  }
  [[nodiscard]] UniqueFd connect() const {
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), address(), sizeof address_), 0);
    return client;
  }
  // Until the server has taken all of it: what is sent then is another read.
  static void send_and_wait(int fd, std::string_view bytes) {
    write_all(fd, bytes, "a client");
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    int unread = 1;
    while (unread > 0 && std::chrono::steady_clock::now() < deadline) {
      ASSERT_EQ(::ioctl(fd, SIOCOUTQ, &unread), 0);
      std::this_thread::yield();
    }
    EXPECT_EQ(unread, 0);
  }
  static std::string read_all(int fd) {
    std::string all;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;)
      all.append(buffer.data(), static_cast<std::size_t>(got));
    return all;
  }

  TemporaryDirectory directory_;
  sockaddr_un address_{AF_UNIX, {}};
  boost::asio::io_context context_;
  std::unique_ptr<RequestServer> server_;
  std::thread thread_;
};

TEST_F(RequestServerTest, FindsAnEndMarkThatComesInTwoReads) {
  const std::string request = "GET / HTTP/1.1\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    const UniqueFd client = connect();
    send_and_wait(client.get(), std::string_view(request).substr(0, cut));
    write_all(client.get(), std::string_view(request).substr(cut), "a client");
    EXPECT_EQ(read_all(client.get()), "got " + request) << cut;
  }
}

TEST_F(RequestServerTest, TakesARequestByteByByte) {
  const std::string request = "x\r\n\ry\r\n\r\n";
  const UniqueFd client = connect();
  for (const char& byte : std::string_view(request).substr(0, request.size() - 1))
    send_and_wait(client.get(), {&byte, 1});
  write_all(client.get(), "\n", "a client");
  EXPECT_EQ(read_all(client.get()), "got " + request);
}

}  // namespace
}  // namespace smtptape
