// kumod's side of the protocol over recorded events: every client gets a playback of its own, from
// the first event to the last, filtered and abbreviated as its request says.
//
// What a client may rely on, because kcli does: text frames only, exactly as they were received;
// no ping and never a Close frame; and all that was sent arrives, however slowly it reads.  At full
// speed a slow client is waited for; at a speed it misses what it would have missed live.  What is
// to go wrong on purpose (faults.h) goes wrong for each client in the same way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "filters/request.h"
#include "format/event.h"
#include "replay/broadcast.h"
#include "replay/faults.h"
#include "replay/pace.h"

namespace smtptape {

// Who can connect.
enum class Reach : std::uint8_t {
  Loopback,  // an address that others can reach is refused
  Anyone,
};

// When a server ends by itself.
enum class Duty : std::uint8_t {
  UntilStopped,
  FirstClient,  // with the first client that was played to; others are no longer accepted then
};

struct ServeOptions {
  std::string listen = "127.0.0.1:8001";  // port 0: any that is free
  Reach reach = Reach::Loopback;
  Honour honour = Honour::Documented;
  PaceOptions pace;
  RingLimits ring;    // of a client that is too slow for the speed
  bool loop = false;  // from the beginning again, as long as the client stays
  FaultOptions faults;
  Duty duty = Duty::UntilStopped;
  std::size_t most_clients = 64;  // more wait until one has ended

  std::chrono::milliseconds request_within{60'000};  // handshake and request together
  std::chrono::milliseconds stalled_after{600'000};  // a client that reads nothing has to go
  std::chrono::milliseconds drained_within{30'000};  // for the client to close at the end
};

// Opens what is played: called on the thread of each client, for several at the same time.
using SourceFactory = std::function<std::unique_ptr<EventSource>()>;

struct ServeTotals {
  std::uint64_t clients = 0;   // that were played to
  std::uint64_t sent = 0;      // events
  std::uint64_t left_out = 0;  // binary frames
  std::uint64_t failures = 0;  // playbacks that ended because the events could not be read
};

class Server {
 public:
  // Takes one line at a time, never from two threads at once.
  using Report = std::function<void(std::string_view line)>;

  // Listens from here on.
  Server(ServeOptions options, SourceFactory open_source, Report report);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:8001

  // Once.  Returns when stopped, or when its duty is done; no client is left then.
  ServeTotals run();
  // Ends run() and all playbacks soon.  From any thread, also from a signal handler.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What somebody who starts a server needs to know: the command line to use, and who can connect.
[[nodiscard]] std::string how_to_connect(std::string_view url, Reach reach);

}  // namespace smtptape
