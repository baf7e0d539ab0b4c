#include "tests/support/ring_server.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/net/ws_frames.h"

namespace smtptape {

namespace {

using Clock = std::chrono::steady_clock;

// Prose-like enough to be compressed, and not all the same.
std::string filler_of(std::size_t bytes) {
  std::string text;
  for (std::size_t word = 0; text.size() < bytes; ++word)
    text += std::to_string(word * 2'654'435'761U % 100'000) + " ";
  text.resize(bytes);
  return text;
}

}  // namespace

RingServer::RingServer(const RingServerOptions& options)
    : options_(options),
      filler_(filler_of(options.payload_bytes + 4096)),
      listener_(listen_on_loopback()),
      thread_([this] { serve(); }) {
}

RingServer::~RingServer() {
  ::shutdown(listener_.socket.get(), SHUT_RDWR);  // for a client that never came
  join();
}

std::string RingServer::url() const {
  return "http://127.0.0.1:" + std::to_string(listener_.port);
}

void RingServer::join() {
  if (thread_.joinable()) thread_.join();
}

std::string RingServer::frame(std::uint64_t number) const {
  const std::string session = std::to_string(number / 100);
  return R"({"conn_meta":{"id":"s-)" + session + R"(","tenant":"t-)" + std::to_string(number % 7) +
         R"("},"payload":{"Write":")" + std::to_string(number) + " " +
         filler_.substr(number % 4096, options_.payload_bytes) +
         R"("},"when":"2026-08-04T13:54:50.123Z"})";
}

void RingServer::serve() {
  const UniqueFd client = accept_subscriber(listener_);
  if (client) play(client.get());
}

void RingServer::play(int client) {
  const Clock::time_point began = Clock::now();
  std::string bytes;
  const auto append = [&bytes](const std::string& text) {
    append_frame_header(bytes, Opcode::Text, text.size());
    bytes += text;
  };
  for (std::uint64_t next = 0; next < options_.events;) {
    const double passed = std::chrono::duration<double>(Clock::now() - began).count();
    const auto made = std::min<std::uint64_t>(
        options_.events,
        static_cast<std::uint64_t>(passed * static_cast<double>(options_.events_per_second)));
    bytes.clear();
    if (made > next + kSubscriberRing) {
      const std::uint64_t missed = made - kSubscriberRing - next;
      append(lag_notice(missed));
      ++notices_sent_;
      events_dropped_ += missed;
      next += missed;
    }
    const std::uint64_t end = std::min<std::uint64_t>(made, next + 64);
    for (; next < end; ++next) {
      append(frame(next));
      ++events_sent_;
    }
    if (bytes.empty()) {
      std::this_thread::yield();
    } else if (!send(client, bytes)) {
      return;
    }
  }
}

bool RingServer::send(int client, const std::string& bytes) {
  const Clock::time_point began = Clock::now();
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t sent = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  longest_wait_ = std::max(
      longest_wait_, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began));
  return true;
}

}  // namespace smtptape
