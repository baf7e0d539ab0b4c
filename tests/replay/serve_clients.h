// Clients of a server over real sockets: the recorder's own, and a bare one that can be rude.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "base/net/upgrade.h"
#include "base/net/ws_frames.h"
#include "capture/feed/feed.h"
#include "replay/serve.h"

namespace smtptape {

inline constexpr std::chrono::seconds kClientPatience{20};
inline constexpr std::string_view kServedPath = "/api/admin/trace-smtp-client/v1";

struct Received {
  FeedEnd end;
  std::vector<std::string> texts;
  std::size_t others = 0;  // frames that are no text
};

class Collector : public FrameSink {
 public:
  Flow on_frames(std::span<const WsMessage> frames) override {
    for (const WsMessage& frame : frames) {
      if (frame.opcode == Opcode::Text) {
        received.texts.emplace_back(frame.payload);
      } else {
        ++received.others;
      }
    }
    return Flow::Continue;
  }
  Received received;
};

inline Received ask(const Server& server, const std::string& request) {
  FeedOptions options;
  options.endpoint = parse_endpoint(server.url());
  options.request = request;
  Collector sink;
  const FeedEnd end = follow_feed(options, sink);
  sink.received.end = end;
  return std::move(sink.received);
}

// A bare socket.  Nothing waits for longer than kClientPatience.
class RawClient {
 public:
  explicit RawClient(const Server& server, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{kClientPatience.count(), 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server.port());
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw system_error("connecting", errno);
  }

  void send(std::string_view bytes) { write_all(socket_.get(), bytes, "a client"); }
  void send_frame(Opcode opcode, std::string_view payload) {
    std::string bytes;
    append_masked_frame(bytes, opcode, payload, {'m', 'a', 's', 'k'});
    send(bytes);
  }
  void upgrade() {
    send(upgrade_request("127.0.0.1", kServedPath, "dGhlIHNhbXBsZSBub25jZQ=="));
    std::string head;
    while (!head.ends_with("\r\n\r\n"))
      head += read(1);
    EXPECT_THAT(head, ::testing::StartsWith("HTTP/1.1 101 "));
  }

  // Exactly so many bytes.
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = ::recv(socket_.get(), bytes.data(), size, MSG_WAITALL);
    if (got != static_cast<ssize_t>(size)) throw std::runtime_error("the server sent too little");
    return bytes;
  }
  // Until the server has ended its side; fails when it resets the connection.
  std::string read_to_end() {
    std::string bytes;
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) throw system_error("reading", errno);
      if (got == 0) return bytes;
      bytes.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  void close() { socket_.reset(); }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }

 private:
  UniqueFd socket_;
};

// What is in the bytes of a whole connection: text frames and nothing else.
inline std::vector<std::string> split_frames(std::string_view bytes) {
  WsFrameReader reader(WsRole::Client, kDefaultMaxFrame);
  std::vector<std::string> texts;
  reader.feed(bytes);
  while (const std::optional<WsMessage> message = reader.next()) {
    EXPECT_EQ(message->opcode, Opcode::Text);
    texts.emplace_back(message->payload);
  }
  EXPECT_FALSE(reader.mid_message());
  EXPECT_EQ(reader.protocol_error(), "");
  return texts;
}

}  // namespace smtptape
