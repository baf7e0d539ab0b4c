// Sends a feed as kumod does, one event a write, at a steady rate: what a recorder is measured
// with.
//
//   feed_sender FEED.jsonl EVENTS_PER_SECOND SECONDS
//
// Prints the port that it listens on, serves one client, from the start of the feed again when it
// is through, and prints how many events it sent, and in how many seconds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/io.h"
#include "base/net/upgrade.h"
#include "base/net/ws_frames.h"

namespace smtptape {

namespace {

using Clock = std::chrono::steady_clock;

struct Frames {
  std::string bytes;
  std::vector<std::size_t> begins;  // of each, and the end of the last

  [[nodiscard]] std::size_t count() const { return begins.size() - 1; }
  [[nodiscard]] std::string_view frame(std::size_t number) const {
    return std::string_view(bytes).substr(begins[number], begins[number + 1] - begins[number]);
  }
};

Frames read_feed(const char* path) {
  std::ifstream lines(path, std::ios::binary);
  Frames frames;
  for (std::string line; std::getline(lines, line);) {
    frames.begins.push_back(frames.bytes.size());
    append_frame_header(frames.bytes, Opcode::Text, line.size());
    frames.bytes += line;
  }
  frames.begins.push_back(frames.bytes.size());
  if (frames.count() == 0) throw std::runtime_error("the feed has no lines");
  return frames;
}

UniqueFd listen_on_loopback() {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), any, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), any, &size) != 0) {
    throw std::runtime_error("no socket to listen on");
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

UniqueFd shake_hands(const UniqueFd& listener) {
  UniqueFd client(::accept(listener.get(), nullptr, nullptr));
  const int yes = 1;
  ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::read(client.get(), buffer, sizeof(buffer));
    if (got <= 0) throw std::runtime_error("the client has gone");
    request.append(buffer, static_cast<std::size_t>(got));
  }
  constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
  const std::size_t at = request.find(kKey) + kKey.size();
  const std::string key = request.substr(at, request.find("\r\n", at) - at);
  write_all(client.get(),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-accept: " +
                websocket_accept(key) + "\r\n\r\n",
            "client");
  if (::read(client.get(), buffer, sizeof(buffer)) <= 0)  // what it asks for
    throw std::runtime_error("the client has gone");
  return client;
}

void send(int client, const Frames& frames, double rate, double seconds) {
  const Clock::time_point began = Clock::now();
  const auto passed = [began] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  std::uint64_t sent = 0;
  while (passed() < seconds) {
    const auto due = static_cast<std::uint64_t>(passed() * rate);
    for (; sent < due; ++sent)
      write_all(client, frames.frame(sent % frames.count()), "client");
    const double next = static_cast<double>(sent + 1) / rate;
    std::this_thread::sleep_until(
        began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(next)));
  }
  std::printf("%llu %.3f\n", static_cast<unsigned long long>(sent), passed());
  std::fflush(stdout);
}

}  // namespace

}  // namespace smtptape

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: feed_sender FEED.jsonl EVENTS_PER_SECOND SECONDS\n", stderr);
    return 2;
  }
  try {
    const smtptape::Frames frames = smtptape::read_feed(argv[1]);
    const smtptape::UniqueFd listener = smtptape::listen_on_loopback();
    const smtptape::UniqueFd client = smtptape::shake_hands(listener);
    smtptape::send(client.get(), frames, std::stod(argv[2]), std::stod(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "feed_sender: %s\n", error.what());
    return 1;
  }
  return 0;
}
