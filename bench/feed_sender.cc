// Sends a feed as kumod does, one event a write, at a steady rate: what a recorder is measured
// with.
//
//   feed_sender FEED.jsonl EVENTS_PER_SECOND SECONDS
//
// Prints the port that it listens on, serves one client, from the start of the feed again when it
// is through, and prints how many events it sent, in how many seconds, and how many it dropped
// because the client was too slow, or the rate faster than it can write.  Each of its notices of
// that is one of the events sent.
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
#include "base/net/ws_frames.h"
#include "tests/support/one_client.h"

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

// What a client gets that may be too slow for the events as they are made.
class Subscription {
 public:
  Subscription(int client, const Frames& frames) : client_(client), frames_(frames) {}

  // So many are made by now: sends those that are kept, or tells that they are not.  False: there
  // is nothing to send.
  bool send(std::uint64_t made) {
    if (made == next_) return false;
    if (made > next_ + kSubscriberRing) tell_of(made - kSubscriberRing - next_);
    write_all(client_, frames_.frame(next_ % frames_.count()), "client");
    ++next_;
    ++sent_;
    return true;
  }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t missed() const { return missed_; }

 private:
  void tell_of(std::uint64_t missed) {
    const std::string notice = lag_notice(missed);
    std::string frame;
    append_frame_header(frame, Opcode::Text, notice.size());
    write_all(client_, frame + notice, "client");
    next_ += missed;
    missed_ += missed;
    ++sent_;
  }

  int client_;
  const Frames& frames_;
  std::uint64_t next_ = 0;    // of all that are made
  std::uint64_t sent_ = 0;    // notices included
  std::uint64_t missed_ = 0;  // told by notices
};

void send(int client, const Frames& frames, double rate, double seconds) {
  const Clock::time_point began = Clock::now();
  const auto passed = [began] {
    return std::chrono::duration<double>(Clock::now() - began).count();
  };
  Subscription to(client, frames);
  std::uint64_t made = 0;
  while (passed() < seconds) {
    made = static_cast<std::uint64_t>(passed() * rate);
    if (to.send(made)) continue;
    const double next = static_cast<double>(made + 1) / rate;
    std::this_thread::sleep_until(
        began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(next)));
  }
  while (to.send(made)) {  // what is left in the ring
  }
  std::printf("%llu %.3f %llu\n",
              static_cast<unsigned long long>(to.sent()),
              passed(),
              static_cast<unsigned long long>(to.missed()));
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
    const smtptape::LoopbackListener listener = smtptape::listen_on_loopback();
    std::printf("%d\n", listener.port);
    std::fflush(stdout);
    const smtptape::UniqueFd client = smtptape::accept_subscriber(listener);
    if (!client) throw std::runtime_error("the client has gone");
    smtptape::send(client.get(), frames, std::stod(argv[2]), std::stod(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "feed_sender: %s\n", error.what());
    return 1;
  }
  return 0;
}
