// A server that treats a slow subscriber as kumod does: it makes events at its own pace, keeps the
// last 131,072 for the subscriber, and where that is not enough, drops the oldest and says so.
//
// One client, once.  It knows what it sent, so a recorder's ledger can be held against it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/support/one_client.h"

namespace smtptape {

struct RingServerOptions {
  std::uint64_t events = 0;             // that it makes
  std::uint64_t events_per_second = 0;  // as it makes them
  std::size_t payload_bytes = 0;        // of each event's text
};

class RingServer {
 public:
  explicit RingServer(const RingServerOptions& options);
  ~RingServer();
  RingServer(const RingServer&) = delete;
  RingServer& operator=(const RingServer&) = delete;

  [[nodiscard]] std::string url() const;
  // The frame of an event; numbers count from 0.
  [[nodiscard]] std::string frame(std::uint64_t number) const;
  void join();

  // After join().
  [[nodiscard]] std::uint64_t events_sent() const { return events_sent_; }
  [[nodiscard]] std::uint64_t notices_sent() const { return notices_sent_; }
  [[nodiscard]] std::uint64_t events_dropped() const { return events_dropped_; }
  // The longest time that the client's socket took nothing.
  [[nodiscard]] std::chrono::milliseconds longest_wait() const { return longest_wait_; }

 private:
  void serve();
  void play(int client);
  [[nodiscard]] bool send(int client, const std::string& bytes);

  RingServerOptions options_;
  std::string filler_;
  LoopbackListener listener_;
  std::uint64_t events_sent_ = 0;
  std::uint64_t notices_sent_ = 0;
  std::uint64_t events_dropped_ = 0;
  std::chrono::milliseconds longest_wait_{0};
  std::thread thread_;  // last: it uses the others
};

}  // namespace smtptape
