// A name server on a UDP port of 127.0.0.1 that answers as a script says, or never.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/io.h"

namespace smtptape {

class FakeNameServer {
 public:
  static constexpr unsigned kA = 1;
  static constexpr unsigned kAaaa = 28;
  static constexpr unsigned kNoSuchName = 3;
  static constexpr unsigned kServerFailed = 2;
  struct Reply {
    unsigned code = 0;
    std::vector<std::string> addresses;  // of the type that was asked for
  };
  // Called on the server's thread.  Nothing: no answer.
  using Script = std::function<std::optional<Reply>(const std::string& name, unsigned type)>;

  explicit FakeNameServer(Script script)
      : script_(std::move(script)),
        socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
        end_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_.get(), generic, size) != 0 ||
        ::getsockname(socket_.get(), generic, &size) != 0) {
      throw std::runtime_error("no UDP port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeNameServer() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);
    thread_.join();
  }
  FakeNameServer(const FakeNameServer&) = delete;
  FakeNameServer& operator=(const FakeNameServer&) = delete;

  [[nodiscard]] std::string where() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int questions() const { return questions_; }

 private:
  static constexpr std::size_t kHeader = 12;

  void serve() {
    std::array<pollfd, 2> waiting{{{socket_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    while (::poll(waiting.data(), waiting.size(), -1) > 0 && waiting[1].revents == 0) {
      std::string question(512, '\0');
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      auto* const sender = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got =
          ::recvfrom(socket_.get(), question.data(), question.size(), 0, sender, &size);
      if (got < static_cast<ssize_t>(kHeader)) continue;
      question.resize(static_cast<std::size_t>(got));
      ++questions_;
      const std::string answer = answer_to(question);
      if (!answer.empty()) ::sendto(socket_.get(), answer.data(), answer.size(), 0, sender, size);
    }
  }

  std::string answer_to(const std::string& question) {
    std::string name;
    std::size_t at = kHeader;
    while (question.at(at) != 0) {
      const auto length = static_cast<std::size_t>(question[at]);
      name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
      at += 1 + length;
    }
    const unsigned type = static_cast<unsigned char>(question.at(at + 2));
    const std::optional<Reply> reply = script_(name, type);
    if (!reply) return {};
    std::string answer = question.substr(0, 2) + "\x81";
    answer.push_back(static_cast<char>(0x80U | reply->code));
    answer.append({0, 1, 0, static_cast<char>(reply->addresses.size()), 0, 0, 0, 0});
    answer += question.substr(kHeader, at + 5 - kHeader);
    for (const std::string& address : reply->addresses)
      append_address(answer, type, address);
    return answer;
  }

  static void append_address(std::string& answer, unsigned type, const std::string& address) {
    std::array<char, 16> bytes{};
    const bool v4 = type == kA;
    ::inet_pton(v4 ? AF_INET : AF_INET6, address.c_str(), bytes.data());
    const std::size_t size = v4 ? 4 : 16;
    answer.append({'\xc0', static_cast<char>(kHeader), 0, static_cast<char>(type), 0, 1});
    answer.append({0, 0, 0, 60, 0, static_cast<char>(size)});
    answer.append(bytes.data(), size);
  }

  Script script_;
  UniqueFd socket_;
  UniqueFd end_;
  std::uint16_t port_ = 0;
  std::atomic<int> questions_ = 0;
  std::thread thread_;
};

}  // namespace smtptape
