// A server on 127.0.0.1 that does what a script says: kumod's side of the protocol, and every way
// in which a server can be troublesome.  It has a thread of its own; each wait ends after ten
// seconds at the latest where no other time is given, and at once when the FakeKumod is destroyed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "base/opcode.h"
#include "tests/support/tls_server.h"

namespace smtptape {

// One thing to do after the handshake.
struct Step {
  enum class Kind : std::uint8_t {
    Send,        // the bytes at once
    Trickle,     // the bytes, one a packet
    AwaitFrame,  // until the client has sent one more frame
    Await,       // until what is called returns, on the server's thread
    Reset,       // end with a TCP reset
    StaySilent,  // until the client goes
    SayGoodbye,  // the close_notify of TLS, which kumod never sends
  };
  Kind kind = Kind::Send;
  std::string bytes;
  std::chrono::seconds at_most{10};  // StaySilent
  std::function<void()> wait = {};   // Await: bounded
};

[[nodiscard]] Step send_bytes(std::string_view bytes);
[[nodiscard]] Step send_text(std::string_view payload);
[[nodiscard]] Step send_frame(Opcode opcode, std::string_view payload);
// One text message in several frames.
[[nodiscard]] Step send_fragments(const std::vector<std::string>& parts);
// The header of a text frame of so many bytes, without the bytes.
[[nodiscard]] Step announce_text(std::uint64_t size);
[[nodiscard]] Step one_byte_at_a_time(const Step& step);
[[nodiscard]] Step await_frame();
[[nodiscard]] Step await_that(std::function<void()> wait);
[[nodiscard]] Step reset_connection();
[[nodiscard]] Step stay_silent(std::chrono::seconds at_most = std::chrono::seconds(10));
[[nodiscard]] Step say_goodbye();

// What one client gets.  After the last step the connection is closed in order.
struct Dialogue {
  enum class Answer : std::uint8_t {
    Upgrade,  // 101, then the client's request frame is read, then the steps
    Given,    // `answer` instead, then the steps
    None,     // the steps at once
  };
  Answer kind = Answer::Upgrade;
  std::string answer;
  std::vector<Step> steps;
  std::string early;    // Upgrade: sent together with the 101
  std::string headers;  // Upgrade: more of them in the 101, with their line ends
};

[[nodiscard]] Dialogue upgrade_then(std::vector<Step> steps);
[[nodiscard]] Dialogue answer_with(std::string answer, std::vector<Step> steps = {});

struct ReceivedFrame {
  Opcode opcode = Opcode::Text;
  std::string payload;
  bool operator==(const ReceivedFrame&) const = default;
};

class FakeKumod {
 public:
  // The first client gets the first dialogue, and so on, one after the other.
  explicit FakeKumod(std::vector<Dialogue> dialogues);
  // With TLS: a client that refuses it has had its dialogue.
  FakeKumod(std::vector<Dialogue> dialogues, const TlsServerSettings& tls);
  ~FakeKumod();
  FakeKumod(const FakeKumod&) = delete;
  FakeKumod& operator=(const FakeKumod&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:PORT, or https

  // Of the client counted from 0.  They wait until it is there, ten seconds at most: then throw.
  [[nodiscard]] std::string head(std::size_t client = 0) const;          // its HTTP request
  [[nodiscard]] std::string tls_greeting(std::size_t client = 0) const;  // see TlsPeer
  [[nodiscard]] ReceivedFrame frame(std::size_t index, std::size_t client = 0) const;
  // Waits until all dialogues have ended.
  void join() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A port on 127.0.0.1 where nobody listens, and nobody else will while this lives.
class ClosedPort {
 public:
  ClosedPort();
  [[nodiscard]] std::string url() const;

 private:
  UniqueFd socket_;
};

}  // namespace smtptape
