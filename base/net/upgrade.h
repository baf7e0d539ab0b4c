// The handshake that turns an HTTP connection into a WebSocket, both ends of it, without a socket:
// bytes in, a verdict and text out.  Beast parses; this header doesn't show it.
//
// The client's request is kcli's, header by header, with Authorization behind it where we have one.
// The server's checks and answers are kumod's. What the peer may make us hold is bounded: 16 KiB of
// headers, 4 KiB of an answer's body.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace smtptape {

inline constexpr std::size_t kMaxUpgradeHeader = 16 << 10;
inline constexpr std::size_t kMaxAnswerBody = 4 << 10;

// ---- client ----

// A fresh Sec-WebSocket-Key from 16 random bytes, and the answer it asks for.
[[nodiscard]] std::string websocket_key(const std::array<char, 16>& random);
[[nodiscard]] std::string websocket_accept(std::string_view key);

// `authority` goes into Host, `path` is absolute, `authorization` may be empty: "Basic …".
[[nodiscard]] std::string upgrade_request(std::string_view authority,
                                          std::string_view path,
                                          std::string_view key,
                                          std::string_view authorization = {});

struct UpgradeAnswer {
  enum class Kind : std::uint8_t {
    Accepted,
    Refused,       // a status that says no: 3xx, 4xx, 5xx
    NotWebSocket,  // 2xx, a 101 that isn't one of ours, or no HTTP at all
    Tls,           // no HTTP, but an alert of TLS
  };
  Kind kind = Kind::NotWebSocket;
  unsigned status = 0;  // 0: it wasn't HTTP
  std::string phrase;   // of the status, as the standard has it: "Unauthorized"; may be empty
  std::optional<std::int64_t> date;  // the server's clock, ns since 1970, in whole seconds
  std::string reason;  // Refused: the body; NotWebSocket: what is wrong.  One line, printable ASCII
};

// Reads the answer to upgrade_request().
class UpgradeAnswerReader {
 public:
  explicit UpgradeAnswerReader(std::string_view key);
  ~UpgradeAnswerReader();
  UpgradeAnswerReader(const UpgradeAnswerReader&) = delete;
  UpgradeAnswerReader& operator=(const UpgradeAnswerReader&) = delete;

  // How many of the bytes belong to the answer; what follows an accepted one are frames.
  std::size_t feed(std::string_view bytes);
  // The peer has ended its side.
  void feed_end();
  // Enough was read for answer().
  [[nodiscard]] bool done() const;
  // Nothing of an answer has come yet; its headers have come.
  [[nodiscard]] bool untouched() const;
  [[nodiscard]] bool has_status() const;
  [[nodiscard]] UpgradeAnswer answer() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- server ----

struct UpgradeVerdict {
  unsigned status = 400;  // 101: go on with frames
  std::string response;   // to be sent as it is; the connection ends after any but 101
};

// Reads a client's request for `path` and judges it.
class UpgradeRequestReader {
 public:
  explicit UpgradeRequestReader(std::string path);
  ~UpgradeRequestReader();
  UpgradeRequestReader(const UpgradeRequestReader&) = delete;
  UpgradeRequestReader& operator=(const UpgradeRequestReader&) = delete;

  // How many of the bytes belong to the request; what follows an accepted one are frames.
  std::size_t feed(std::string_view bytes);
  [[nodiscard]] bool done() const;
  [[nodiscard]] UpgradeVerdict verdict() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One line of printable ASCII: other bytes become '?', runs of white space one space.
[[nodiscard]] std::string printable_line(std::string_view text);

}  // namespace smtptape
